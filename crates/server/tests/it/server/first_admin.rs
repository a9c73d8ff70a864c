//! Bootstrap of the first admin.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use tempfile::tempdir;

use super::{PASSWORD, SECRET, Server, Start};
use crate::support::{Answer, Place};

const FIELD: &str = "bootstrap_secret=";

fn start_in(directory: &Path) -> Start {
    Start::in_directory(directory).with("BOOTSTRAP", "secret")
}

/// Starts the server, and reads the secret from its log.
async fn started(start: Start) -> (Server, String) {
    let server = start.server().await;
    let log = server.wait_for_log(FIELD, 1).await;
    let secret = log.split(FIELD).nth(1).unwrap();
    let secret = secret.split_whitespace().next().unwrap().to_owned();
    (server, secret)
}

async fn register(server: &Server, name: &str, secret: &str) -> Answer {
    let email = format!("{name}@example.com");
    let body = json!({"email": email, "password": PASSWORD, "bootstrap_secret": secret});
    server.post("/api/auth/register", "", &body).await
}

fn assert_is_admin(answer: &Answer, is_admin: bool) {
    assert_eq!(answer.status, 201, "{}", answer.body);
    let status = if is_admin { "approved" } else { "pending" };
    let answer = answer.json();
    assert_eq!(answer["is_admin"], json!(is_admin));
    assert_eq!(answer["status"], json!(status));
}

/// Returns `true` if the registration page has a field for the secret.
async fn page_asks(server: &Server) -> bool {
    let page = server.get("/register", "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"bootstrap_secret\""));
    !page
        .body
        .contains("<fieldset id=\"first-admin\" hidden disabled>")
}

#[tokio::test]
async fn bootstrap_secret_creates_the_first_admin_only() {
    let directory = tempdir().unwrap();
    let (server, secret) = started(start_in(directory.path())).await;
    assert!(secret.len() >= 43, "{secret}");
    assert!(page_asks(&server).await);

    assert_is_admin(&server.register("eve@example.com").await, false);
    for wrong in ["wrong", "", &secret[1..], &secret.to_uppercase()] {
        let rejected = register(&server, "mallory", wrong).await;
        assert_eq!(rejected.status, 403, "{wrong}");
        assert_eq!(rejected.json()["code"], "wrong_bootstrap_secret");
    }
    assert!(page_asks(&server).await);
    let log = server.stop().await;
    assert_eq!(log.matches(&secret).count(), 1, "{log}");

    // A restart logs it again.
    let (server, again) = started(start_in(directory.path())).await;
    assert_eq!(again, secret);
    assert_is_admin(&register(&server, "ada", &secret).await, true);
    assert!(!page_asks(&server).await);
    assert_is_admin(&register(&server, "bob", &secret).await, false);
    server.stop().await;

    let server = start_in(directory.path()).server().await;
    assert!(!page_asks(&server).await);
    assert_is_admin(&register(&server, "bert", &secret).await, false);
    let log = server.stop().await;
    assert!(!log.contains(FIELD) && !log.contains(&secret), "{log}");
}

#[tokio::test]
async fn public_origin_requires_the_bootstrap_secret_by_default() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path());
    let (server, secret) = started(start.with("PUBLIC_ORIGIN", "https://login.example")).await;
    assert_eq!(server.get("/login", "").await.status, 421);
    let server = server.at_host("login.example");
    assert!(page_asks(&server).await);
    assert_is_admin(&server.register("eve@example.com").await, false);
    assert_is_admin(&register(&server, "ada", &secret).await, true);

    let page = server.get("/login", "").await;
    let hsts = page.header("strict-transport-security");
    assert_eq!(hsts, Some("max-age=31536000"));
    let kept = server.cookie_login("ada@example.com").await;
    let cookie = kept.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-tower_warder="), "{cookie}");
    assert!(cookie.contains("; Secure"), "{cookie}");
    assert!(
        server
            .stop()
            .await
            .contains("https://login.example/register")
    );
}

#[tokio::test]
async fn first_user_is_admin_on_loopback_or_if_configured() {
    for variables in [
        &[][..],
        &[("PUBLIC_ORIGIN", "http://127.0.0.1:1")],
        &[
            ("PUBLIC_ORIGIN", "https://login.example"),
            ("BOOTSTRAP", "first-user"),
        ],
    ] {
        let directory = tempdir().unwrap();
        let mut start = Start::in_directory(directory.path());
        for (name, value) in variables {
            start = start.with(name, value);
        }
        let mut server = start.server().await;
        match variables {
            [] => {}
            [_] => server = server.at_host("127.0.0.1:1"),
            _ => server = server.at_host("login.example"),
        }
        assert!(!page_asks(&server).await);
        assert_is_admin(&server.register("ada@example.com").await, true);
        assert_is_admin(&server.register("bob@example.com").await, false);
        let log = server.stop().await;
        assert!(!log.contains(FIELD), "{log}");
        assert_eq!(log.matches("no account yet").count(), 1, "{log}");
    }
}

#[tokio::test]
async fn disabled_bootstrap_creates_no_admin() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path());
    let server = start.with("BOOTSTRAP", "nobody").server().await;
    assert!(!page_asks(&server).await);
    assert_is_admin(&server.register("ada@example.com").await, false);
    assert_is_admin(&register(&server, "bob", "any").await, false);
    let log = server.stop().await;
    assert!(!log.contains(FIELD), "{log}");
    assert_eq!(log.matches("no admin yet").count(), 1, "{log}");
}

#[tokio::test]
async fn bootstrap_secret_is_derived_from_the_keys() {
    let logged = async |variable: &str, value: &str| {
        let directory = tempdir().unwrap();
        let (server, secret) = started(start_in(directory.path()).with(variable, value)).await;
        assert!(server.stop().await.contains(&secret));
        secret
    };
    let other_key = format!("{SECRET}x");
    let secret = logged("JWT_SECRET", SECRET).await;
    assert_eq!(logged("JWT_SECRET", SECRET).await, secret);
    assert_ne!(logged("JWT_SECRET", &other_key).await, secret);
    assert!(!secret.contains(SECRET));

    let keys = |signing: &str| {
        let directory = tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (name, text) in [("new.secret", SECRET), ("old.secret", &other_key)] {
            fs::write(path(name), text).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(path("signing"), format!("{signing}\n")).unwrap();
        directory
    };
    let [new, copy, old] = [keys("new"), keys("new"), keys("old")];
    let path = |keys: &tempfile::TempDir| keys.path().to_str().unwrap().to_owned();
    assert_eq!(logged("JWT_KEYS", &path(&new)).await, secret);
    assert_eq!(logged("JWT_KEYS", &path(&copy)).await, secret);
    assert_ne!(logged("JWT_KEYS", &path(&old)).await, secret);

    // The keys of a database in memory are not stored.
    let memory = logged("DATABASE_URL", "sqlite::memory:").await;
    assert_ne!(logged("DATABASE_URL", "sqlite::memory:").await, memory);
}

#[tokio::test]
async fn two_servers_on_one_database_create_one_admin() {
    let place = Place::shared().await;
    let start = || Start::at(&place).with("BOOTSTRAP", "secret");
    let (first, secret) = started(start()).await;
    let (second, same) = started(start()).await;
    assert_eq!(same, secret);
    assert!(page_asks(&second).await);
    assert_is_admin(&register(&first, "ada", &secret).await, true);
    assert_is_admin(&register(&second, "bob", &secret).await, false);
    assert!(!page_asks(&second).await);
}
