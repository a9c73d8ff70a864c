//! Restore drill of `docs/running.md`: which tokens a restored backup accepts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tower_warder::testing::FixedClock;
use tower_warder::{HmacSecret, JwtIssuer};

use super::{PASSWORD, SECRET, Server, Start};
use crate::support::Place;

const NEW_SECRET: &str = "Kq8rT2vXw5Zb7Nd1Gf4Hj6Lm9Pc3Rs0U";

#[tokio::test]
async fn restored_sqlite_accepts_no_old_token_after_the_drill() {
    assert_drill(&Place::sqlite()).await;
}

#[tokio::test]
async fn restored_postgres_accepts_no_old_token_after_the_drill() {
    if let Some(place) = Place::postgres().await {
        assert_drill(&place).await;
    }
}

async fn assert_drill(place: &Place) {
    let server = start(place, SECRET).await;
    create_admin(place, "ada@example.com").await;
    register(&server, place, "bob@example.com").await;
    let before = log_in(&server, "bob@example.com").await;
    back_up(place).await;

    // Lost with the database: a revocation, and an account.
    run(place, &["revoke-tokens", "bob@example.com"]).await;
    assert_eq!(me(&server, &before).await, 401);
    let cid = register(&server, place, "cid@example.com").await;
    let lost = log_in(&server, "cid@example.com").await;
    server.signal("KILL");
    server.ended().await;
    restore(place).await;

    // The database alone: what was revoked since the backup is valid again.
    let server = start(place, SECRET).await;
    assert_eq!(me(&server, &before).await, 200);
    assert_eq!(me(&server, &lost).await, 401);
    // The ID is free again, but older tokens are not valid for its next account.
    assert_eq!(register(&server, place, "dan@example.com").await, cid);
    assert_eq!(server.me(&old_token(cid)).await.status, 401);
    let dan = log_in(&server, "dan@example.com").await;
    assert_eq!(me(&server, &dan).await, 200);
    server.stop().await;

    // A new secret ends access tokens, the command ends sessions.
    restore(place).await;
    let server = start(place, NEW_SECRET).await;
    assert_eq!(me(&server, &before).await, 401);
    assert_eq!(refresh(&server, &before).await, 200);
    server.stop().await;

    restore(place).await;
    run(place, &["revoke-tokens", "--all"]).await;
    let server = start(place, NEW_SECRET).await;
    for answer in [&before, &lost] {
        assert_eq!(me(&server, answer).await, 401);
        assert_eq!(refresh(&server, answer).await, 401);
    }
    // Passwords are those of the backup.
    let bob = log_in(&server, "bob@example.com").await;
    assert_eq!(me(&server, &bob).await, 200);
}

async fn start(place: &Place, secret: &str) -> Server {
    let start = Start::at(place).with("SESSIONS", "on");
    start.with("JWT_SECRET", secret).server().await
}

async fn run(place: &Place, arguments: &[&str]) {
    Start::at(place).run(arguments).await.output();
}

async fn create_admin(place: &Place, email: &str) {
    let arguments = ["create-admin", email, "--password-stdin"];
    let start = Start::at(place);
    start.run_with_input(&arguments, PASSWORD).await.output();
}

/// Registers an account that is approved, and returns its ID.
async fn register(server: &Server, place: &Place, email: &str) -> i64 {
    let id = server.register(email).await.json()["id"].as_i64().unwrap();
    run(place, &["set-status", email, "approved"]).await;
    id
}

async fn log_in(server: &Server, email: &str) -> Value {
    server.login(email, PASSWORD).await.json()
}

async fn me(server: &Server, answer: &Value) -> u16 {
    let token = answer["access_token"].as_str().unwrap();
    server.me(token).await.status.as_u16()
}

async fn refresh(server: &Server, answer: &Value) -> u16 {
    let body = json!({"refresh_token": answer["refresh_token"]});
    let answer = server.post("/api/auth/refresh", "", &body).await;
    answer.status.as_u16()
}

/// Token of the lost account with this ID, issued a minute ago.
fn old_token(id: i64) -> String {
    let minute_ago = SystemTime::now() - Duration::from_secs(60);
    let secret = HmacSecret::new(SECRET).unwrap();
    let issuer = JwtIssuer::hs256(&secret).clock(FixedClock::at(minute_ago).clock());
    issuer.issue(&id.to_string()).unwrap()
}

/// Backs up while the server runs.
async fn back_up(place: &Place) {
    let copy = copy(place);
    match place.postgres_url() {
        Some(url) => execute(
            Command::new("pg_dump")
                .args(["--format=custom", "--file"])
                .arg(copy)
                .arg(url),
        ),
        None => {
            let url = format!("sqlite://{}", place.sqlite_file().display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let statement = format!("VACUUM INTO '{}'", copy.display());
            let statement = sqlx::query(AssertSqlSafe(statement));
            statement.execute(&mut connection).await.unwrap();
            // As with `umask 077`: the copy contains password hashes.
            fs::set_permissions(copy, Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// Replaces the database, while no server runs.
async fn restore(place: &Place) {
    let copy = copy(place);
    match place.postgres_url() {
        Some(url) => {
            let mut command = Command::new("pg_restore");
            let options = ["--clean", "--if-exists", "--single-transaction", "--dbname"];
            execute(command.args(options).arg(url).arg(copy));
        }
        None => {
            let file = place.sqlite_file();
            for suffix in ["-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{suffix}", file.display()));
            }
            fs::copy(copy, file).unwrap();
        }
    }
}

fn copy(place: &Place) -> PathBuf {
    place.path().join("backup")
}

fn execute(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}");
}
