//! What service managers and balancers are told.

use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, Start};

#[tokio::test]
async fn a_server_is_alive_and_ready_whatever_token_comes_along() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    assert_eq!(server.get("/healthz", "not.a.token").await.body, "ok");
    assert_eq!(server.get("/readyz", "not.a.token").await.body, "ready");
}

#[tokio::test]
async fn an_outage_of_the_store_is_alive_not_ready_and_one_line_in_the_log() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let file = directory.path().join("tower-warder.sqlite");
    let url = format!("sqlite://{}", file.display());
    let database = SqlitePool::connect(&url).await.unwrap();
    let rename = "ALTER TABLE users RENAME TO away";
    sqlx::query(rename).execute(&database).await.unwrap();
    becomes(&server, 503).await;
    assert_eq!(server.get("/readyz", "").await.body, "not ready");
    assert_eq!(server.get("/healthz", "").await.status, 200);

    let rename = "ALTER TABLE away RENAME TO users";
    sqlx::query(rename).execute(&database).await.unwrap();
    database.close().await;
    becomes(&server, 200).await;
    let said = server.stop().await;
    assert_eq!(said.matches(" not ready ").count(), 1, "{said}");
    assert_eq!(said.matches(" ready again").count(), 1, "{said}");
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_who_still_reaches_it() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let mut asking = Vec::new();
    for path in ["/readyz", "/healthz"] {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost:");
        connection.write_all(head.as_bytes()).await.unwrap();
        asking.push(connection);
    }
    // It has taken these connections when it answers a later one.
    server.get("/healthz", "").await;

    server.signal("TERM");
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (mut connection, status) in asking.into_iter().zip(["503", "200"]) {
        let mut answer = String::new();
        connection.write_all(b" localhost\r\n\r\n").await.unwrap();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    assert_eq!(server.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_server_with_a_delay_serves_until_it_is_over_but_is_not_ready() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("SHUTDOWN_DELAY", "2s");
    let server = start.server().await;
    server.register("ada@example.com").await;
    let begin = Instant::now();
    server.signal("TERM");
    becomes(&server, 503).await;
    assert_eq!(server.get("/readyz", "").await.body, "stopping");
    server.token("ada@example.com").await;
    assert_eq!(server.ended().await.0, Some(0));
    assert!(begin.elapsed() >= Duration::from_secs(2));
}

/// Waits until the readiness has changed: an answer counts for half a second.
async fn becomes(server: &Server, status: u16) {
    let begin = Instant::now();
    while server.get("/readyz", "").await.status != status {
        assert!(begin.elapsed() < Duration::from_secs(10), "not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
