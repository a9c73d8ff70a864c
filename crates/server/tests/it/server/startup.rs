//! The first start, and those after it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;
use tempfile::tempdir;

use super::{Server, Start};
use crate::support::Place;

#[tokio::test]
async fn the_first_start_makes_database_and_secret_and_serves() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    assert_eq!(mode(&directory.path().join("tower-warder.sqlite")), 0o600);
    assert_eq!(mode(&secret_file(directory.path())), 0o600);

    let ada = server.register("ada@example.com").await;
    assert_eq!(ada.status, 201);
    assert_eq!(
        (&ada.json()["status"], &ada.json()["is_admin"]),
        (&json!("approved"), &json!(true))
    );
    let admin = server.token("ada@example.com").await;
    assert_eq!(server.me(&admin).await.json()["email"], "ada@example.com");

    let bob = server.register("bob@example.com").await;
    assert_eq!(
        (&bob.json()["status"], &bob.json()["is_admin"]),
        (&json!("pending"), &json!(false))
    );
    let refused = server.login("bob@example.com", super::PASSWORD).await;
    assert_eq!(
        (refused.status.as_u16(), refused.detail().as_str()),
        (403, "Account pending approval")
    );

    let path = format!("/api/auth/users/{}", bob.json()["id"]);
    let approved = server
        .put(&path, &admin, &json!({"status": "approved"}))
        .await;
    assert_eq!(approved.status, 200);
    let token = server.token("bob@example.com").await;
    assert_eq!(server.me(&token).await.json()["email"], "bob@example.com");
    assert_eq!(server.get("/api/auth/users", &token).await.status, 403);
}

#[tokio::test]
async fn the_start_says_where_database_and_secret_are_and_not_what() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let said = server.stop().await;
    assert!(said.contains("database=tower-warder.sqlite"), "{said}");
    assert!(said.contains("keys=tower-warder.sqlite.secret"), "{said}");
    let secret = fs::read_to_string(secret_file(directory.path())).unwrap();
    assert!(!said.contains(&secret));
}

#[tokio::test]
async fn a_restart_keeps_accounts_and_tokens() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    server.stop().await;

    let server = Start::at(&place).server().await;
    assert_eq!(server.me(&token).await.status, 200);
    assert_eq!(server.register("ada@example.com").await.status, 409);
    server.token("ada@example.com").await;
}

#[tokio::test]
async fn a_killed_server_starts_again_with_everything_it_answered() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    server.signal("KILL");
    server.ended().await;

    let server = Start::at(&place).server().await;
    server.token("ada@example.com").await;
}

#[tokio::test]
async fn first_starts_at_once_agree_on_one_secret_and_one_database() {
    for _ in 0..3 {
        let place = Place::shared().await;
        let start = || Start::at(&place).server();
        let servers: Vec<Server> = join_all((0..4).map(|_| start())).await;
        servers[0].register("ada@example.com").await;
        let token = servers[1].token("ada@example.com").await;
        for server in &servers {
            assert_eq!(server.me(&token).await.status, 200);
        }
    }
}

#[tokio::test]
async fn two_databases_in_one_directory_have_two_secrets() {
    let directory = tempdir().unwrap();
    let start = |url| Start::in_directory(directory.path()).with("DATABASE_URL", url);
    let one = start("sqlite://accounts.one").server().await;
    let other = start("sqlite://accounts.other").server().await;
    one.register("ada@example.com").await;
    other.register("ada@example.com").await;
    let token = one.token("ada@example.com").await;
    assert_eq!(other.me(&token).await.status, 401);
}

#[tokio::test]
async fn on_loopback_a_browser_is_logged_in_without_tls() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", "sqlite::memory:");
    let server = start.server().await;
    server.register("ada@example.com").await;
    let kept = server.cookie_login("ada@example.com").await;
    let line = kept.header("set-cookie").unwrap();
    assert!(
        line.starts_with("tower_warder=ey") && !line.contains("Secure"),
        "{line}"
    );
    let cookie = line.split(';').next().unwrap();
    assert_eq!(
        server.me_by_cookie(cookie).await.json()["email"],
        "ada@example.com"
    );
}

#[tokio::test]
async fn accounts_in_memory_leave_no_file() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", "sqlite::memory:");
    let server = start.server().await;
    server.register("ada@example.com").await;
    server.token("ada@example.com").await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_rights_of_a_database_that_is_there_are_kept() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("tower-warder.sqlite");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    server.register("ada@example.com").await;
    assert_eq!(mode(&path), 0o640);
    let said = server.stop().await;
    let warnings = said.lines().filter(|line| line.contains("WARN"));
    let warnings: Vec<_> = warnings.collect();
    assert_eq!(warnings.len(), 1, "{said}");
    for words in ["tower-warder.sqlite", "0640", "chmod go="] {
        assert!(warnings[0].contains(words), "{said}");
    }

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let said = Start::in_directory(directory.path())
        .server()
        .await
        .stop()
        .await;
    assert!(!said.contains("WARN"), "{said}");
}

fn secret_file(directory: &Path) -> std::path::PathBuf {
    directory.join("tower-warder.sqlite.secret")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
