//! Shutdown: running requests finish, and no client can delay it for long.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{PASSWORD, Server, Start};
use crate::support::Place;

#[tokio::test]
async fn sigterm_lets_a_running_request_finish() {
    assert_running_request_finishes("TERM").await;
}

#[tokio::test]
async fn sigint_lets_a_running_request_finish() {
    assert_running_request_finishes("INT").await;
}

async fn assert_running_request_finishes(signal: &str) {
    let (_place, server) = started().await;
    server.register("ada@example.com").await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    let body = format!("username=ada@example.com&password={PASSWORD}");
    connection
        .write_all(login_head(body.len()).as_bytes())
        .await
        .unwrap();
    // It runs: the server has asked for the body.
    let mut answer = [0; 25];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");

    server.signal(signal);
    wait_until_not_listening(&server).await;
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("access_token"));
    assert_ends_cleanly(server, Duration::ZERO).await;
}

#[tokio::test]
async fn idle_server_ends_at_once() {
    let (_place, server) = started().await;
    server.signal("TERM");
    assert_ends_cleanly(server, Duration::ZERO).await;
}

#[tokio::test]
async fn signal_right_after_the_start_ends_it_cleanly() {
    for _ in 0..5 {
        let (_place, server) = started().await;
        server.signal("INT");
        assert_ends_cleanly(server, Duration::ZERO).await;
    }
}

#[tokio::test]
async fn idle_keep_alive_connection_does_not_delay_shutdown() {
    let (_place, server) = started().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET /api/auth/me HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");

    server.signal("TERM");
    assert_ends_cleanly(server, Duration::ZERO).await;
}

#[tokio::test]
async fn silent_connection_delays_shutdown_by_the_grace_at_most() {
    let (_place, server) = started().await;
    let _connection = TcpStream::connect(server.address()).await.unwrap();
    server.signal("TERM");
    assert_ends_cleanly(server, GRACE).await;
}

#[tokio::test]
async fn incomplete_head_delays_shutdown_by_the_grace_at_most() {
    let (_place, server) = started().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection
        .write_all(b"GET /api/auth/me HTTP/1.1\r\nhost:")
        .await
        .unwrap();
    server.signal("TERM");
    assert_ends_cleanly(server, GRACE).await;
}

#[tokio::test]
async fn missing_body_delays_shutdown_by_the_grace_at_most() {
    let (_place, server) = started().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection
        .write_all(login_head(40).as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    server.signal("TERM");
    assert_ends_cleanly(server, GRACE).await;
}

#[tokio::test]
async fn queued_logins_delay_shutdown_by_the_grace_at_most() {
    let place = Place::shared().await;
    let server = Start::at(&place).unthrottled().server().await;
    server.register("ada@example.com").await;
    let body = format!("username=ada@example.com&password={PASSWORD}");
    let mut connections = Vec::new();
    for _ in 0..150 {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        let request = login_head(body.len()) + &body;
        connection.write_all(request.as_bytes()).await.unwrap();
        connections.push(connection);
    }
    let mut answer = [0; 12];
    connections[0].read_exact(&mut answer).await.unwrap();
    server.signal("TERM");
    assert_ends_cleanly(server, GRACE).await;
}

async fn started() -> (Place, Server) {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    (place, server)
}

fn login_head(length: usize) -> String {
    format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Waits until the listener is gone.
async fn wait_until_not_listening(server: &Server) {
    for _ in 0..200 {
        if TcpStream::connect(server.address()).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it still accepts connections");
}

/// Asserts that it ends with 0 within `grace`, plus a margin for a busy machine.
async fn assert_ends_cleanly(server: Server, grace: Duration) {
    let begin = Instant::now();
    let (code, output) = server.ended().await;
    assert_eq!(code, Some(0), "{output}");
    let took = begin.elapsed();
    assert!(took < grace + Duration::from_secs(4), "{took:?}");
}

const GRACE: Duration = Duration::from_secs(5);
