//! Health checks for service managers and load balancers.

use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, Start};

#[tokio::test]
async fn health_routes_ignore_tokens() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    assert_eq!(server.get("/healthz", "not.a.token").await.body, "ok");
    assert_eq!(server.get("/readyz", "not.a.token").await.body, "ready");
}

#[tokio::test]
async fn store_outage_is_not_ready_and_logged_once() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let file = directory.path().join("tower-warder.sqlite");
    let url = format!("sqlite://{}", file.display());
    let database = SqlitePool::connect(&url).await.unwrap();
    let rename = "ALTER TABLE users RENAME TO away";
    sqlx::query(rename).execute(&database).await.unwrap();
    wait_for_readiness(&server, 503).await;
    assert_eq!(server.get("/readyz", "").await.body, "not ready");
    assert_eq!(server.get("/healthz", "").await.status, 200);

    let rename = "ALTER TABLE away RENAME TO users";
    sqlx::query(rename).execute(&database).await.unwrap();
    database.close().await;
    wait_for_readiness(&server, 200).await;
    let log = server.stop().await;
    assert_eq!(log.matches(" not ready ").count(), 1, "{log}");
    assert_eq!(log.matches(" ready again").count(), 1, "{log}");
}

#[tokio::test]
async fn stopping_server_is_not_ready_on_open_connections() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let mut connections = Vec::new();
    for path in ["/readyz", "/healthz"] {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost:");
        connection.write_all(head.as_bytes()).await.unwrap();
        connections.push(connection);
    }
    // It has accepted these connections when it answers on a later one.
    server.get("/healthz", "").await;

    server.signal("TERM");
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (mut connection, status) in connections.into_iter().zip(["503", "200"]) {
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
async fn shutdown_delay_serves_requests_while_not_ready() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("SHUTDOWN_DELAY", "2s");
    let server = start.server().await;
    server.register("ada@example.com").await;
    let begin = Instant::now();
    server.signal("TERM");
    wait_for_readiness(&server, 503).await;
    assert_eq!(server.get("/readyz", "").await.body, "stopping");
    server.token("ada@example.com").await;
    assert_eq!(server.ended().await.0, Some(0));
    assert!(begin.elapsed() >= Duration::from_secs(2));
}

/// Waits until the readiness has changed: a result stays fresh for half a second.
async fn wait_for_readiness(server: &Server, status: u16) {
    let begin = Instant::now();
    while server.get("/readyz", "").await.status != status {
        assert!(begin.elapsed() < Duration::from_secs(10), "not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
