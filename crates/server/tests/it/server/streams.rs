//! Streams that are open at shutdown.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, Start};
use crate::support::Place;

#[tokio::test]
async fn shutdown_ends_streams_and_logs_no_tokens() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("RUST_LOG", "trace");
    let server = start.server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    let ticket = ticket(&server, &token).await;

    let mut streams = Vec::new();
    for (path, headers) in [
        (format!("/api/events?token={ticket}"), String::new()),
        (format!("/api/events?token={token}"), String::new()),
        ("/api/ws".to_owned(), upgrade(&format!("bearer, {token}"))),
    ] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("ada@example.com") {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{path}");
        }
        streams.push(stream);
    }
    assert_eq!(
        status_of_another_request(&server, &ticket).await,
        "HTTP/1.1 401"
    );

    server.signal("TERM");
    let begin = Instant::now();
    for mut stream in streams {
        let mut rest = Vec::new();
        // Also if the connection is reset.
        let _ = stream.read_to_end(&mut rest).await;
    }
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");

    assert!(log.contains("TRACE") && log.contains("path=\"/api/events\""));
    let secrets = token.split('.').skip(1).chain([&*ticket]);
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

async fn ticket(server: &Server, token: &str) -> String {
    let nothing = json!({});
    let answer = server.post("/api/auth/stream-ticket", token, &nothing);
    let ticket = answer.await.json()["ticket"].clone();
    ticket.as_str().unwrap().to_owned()
}

/// Returns the status line of another request with the ticket.
async fn status_of_another_request(server: &Server, ticket: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET /api/events?token={ticket} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    String::from_utf8(status.to_vec()).unwrap()
}

fn upgrade(protocols: &str) -> String {
    format!(
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {protocols}\r\n"
    )
}
