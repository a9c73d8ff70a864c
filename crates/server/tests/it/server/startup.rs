//! The first start, and later ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;
use tempfile::tempdir;

use super::{Server, Start};
use crate::support::Place;

#[tokio::test]
async fn first_start_creates_database_and_secret_and_serves() {
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
    let rejected = server.login("bob@example.com", super::PASSWORD).await;
    assert_eq!(
        (rejected.status.as_u16(), rejected.detail().as_str()),
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
async fn start_logs_paths_of_database_and_secret_only() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let log = server.stop().await;
    assert!(log.contains("database=tower-warder.sqlite"), "{log}");
    assert!(log.contains("keys=tower-warder.sqlite.secret"), "{log}");
    let secret = fs::read_to_string(secret_file(directory.path())).unwrap();
    assert!(!log.contains(&secret));
}

#[tokio::test]
async fn start_and_stop_are_logged_in_a_line_each() {
    let directory = tempdir().unwrap();
    for (signal, reason) in [("TERM", "SIGTERM"), ("INT", "SIGINT")] {
        let server = Start::in_directory(directory.path()).server().await;
        let address = server.address().to_owned();
        server.signal(signal);
        let (code, log) = server.ended().await;
        assert_eq!(code, Some(0), "{log}");
        let line = |event: &str| {
            let lines = log.lines().filter(|line| line.contains(event));
            let lines: Vec<_> = lines.collect();
            assert_eq!(lines.len(), 1, "{event}: {log}");
            lines[0].to_owned()
        };
        let started = line(": started ");
        for text in ["INFO", &address, env!("CARGO_PKG_VERSION")] {
            assert!(started.contains(text), "{started}");
        }
        assert!(line(": stopping ").contains(reason), "{log}");
    }
}

#[tokio::test]
async fn empty_database_is_a_warning_with_the_remedy() {
    for (bootstrap, is_secret) in [("first-user", false), ("secret", true), ("nobody", false)] {
        let directory = tempdir().unwrap();
        let start = || Start::in_directory(directory.path()).with("BOOTSTRAP", bootstrap);
        let log = start().server().await.stop().await;
        let lines = log.lines().filter(|line| line.contains("WARN"));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("create-admin"), "{log}");
        assert_eq!(lines[0].contains("bootstrap_secret="), is_secret, "{log}");

        let arguments = ["create-admin", "ada@example.com", "--generate"];
        let created = start().run(&arguments).await;
        assert_eq!(created.code, Some(0), "{created:?}");
        let log = start().server().await.stop().await;
        assert!(!log.contains("WARN"), "{log}");
    }
}

#[tokio::test]
async fn restart_keeps_accounts_and_tokens() {
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
async fn killed_server_keeps_everything_it_acknowledged() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    server.signal("KILL");
    server.ended().await;

    let server = Start::at(&place).server().await;
    server.token("ada@example.com").await;
}

#[tokio::test]
async fn concurrent_first_starts_share_secret_and_database() {
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
async fn browser_is_logged_in_on_loopback_without_tls() {
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
async fn mode_of_an_existing_database_is_kept() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("tower-warder.sqlite");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    server.register("ada@example.com").await;
    assert_eq!(mode(&path), 0o640);
    let log = server.stop().await;
    let warnings = log.lines().filter(|line| line.contains("WARN"));
    let warnings: Vec<_> = warnings.collect();
    // The second one is about the empty database.
    assert_eq!(warnings.len(), 2, "{log}");
    assert!(warnings[1].contains("create-admin"), "{log}");
    for words in ["tower-warder.sqlite", "0640", "chmod go="] {
        assert!(warnings[0].contains(words), "{log}");
    }

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let log = Start::in_directory(directory.path())
        .server()
        .await
        .stop()
        .await;
    assert!(!log.contains("WARN"), "{log}");
}

fn secret_file(directory: &Path) -> std::path::PathBuf {
    directory.join("tower-warder.sqlite.secret")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
