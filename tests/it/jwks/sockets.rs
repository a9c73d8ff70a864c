//! The default HTTP client, against valid and misbehaving servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tower_warder::error::ConfigError;
use tower_warder::jwks::RemoteJwks;

use super::*;

#[tokio::test]
async fn keys_are_fetched_over_http_on_loopback() {
    let socket = Socket::answering(Answer::keys(["a"])).await;
    let keys = RemoteJwks::from_url(socket.url("/keys")).await.unwrap();
    assert_eq!(
        outcome_of(&verifier(&keys), &named("a")).await,
        Outcome::Accepted
    );
    let asked = socket.asked();
    assert_eq!(asked.len(), 1);
    let head = asked[0].to_lowercase();
    assert!(head.starts_with("get /keys http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
    for absent in [
        "cookie",
        "authorization",
        "referer",
        "if-none-match",
        "gzip",
    ] {
        assert!(!head.contains(absent), "{head}");
    }
}

#[tokio::test]
async fn compressed_response_is_rejected_with_its_reason() {
    let plain = format!(
        r#"{{"keys":[{}]}}"#,
        key("a").verifying_key().to_jwk().unwrap()
    );
    for (encoding, body, reason) in [
        ("gzip", "\u{1f}\u{8b}\u{8}", Some("is compressed")),
        ("br", "\u{1}\u{2}", Some("is compressed")),
        ("identity", "<html>", Some("is compressed")),
        // Declared as compressed, but plain.
        ("identity", &*plain, None),
        ("gzip", &*plain, None),
    ] {
        let head = format!("200 OK\r\ncontent-encoding: {encoding}");
        let socket = Socket::answering(Answer::Bytes(text(&head, body))).await;
        let fetched = RemoteJwks::from_url(socket.url("/keys")).await;
        let error = fetched.err().map(|error| error.to_string());
        match (reason, &error) {
            (None, None) => {}
            (Some(reason), Some(error)) if error.contains(reason) => {}
            _ => panic!("{encoding} {body}: {error:?}"),
        }
    }
}

/// The IPv4-mapped IPv6 address of this machine does not count as loopback.
#[tokio::test]
async fn http_off_loopback_follows_all_other_rules() {
    let outside = |socket: &Socket| {
        let url = socket
            .url("/keys")
            .replace("127.0.0.1", "[::ffff:127.0.0.1]");
        let rejected = RemoteJwks::from_url(&url).connect_lazy();
        assert!(matches!(rejected, Err(ConfigError::InvalidUrl(_))), "{url}");
        RemoteJwks::from_url(url).dangerous_allow_http()
    };
    let good = Socket::answering(Answer::keys(["a"])).await;
    let keys = outside(&good).await.unwrap();
    assert_eq!(
        outcome_of(&verifier(&keys), &named("a")).await,
        Outcome::Accepted
    );
    let error = outside(&good)
        .max_document_bytes(9)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("too large"), "{error}");
    let asked = good.asked().len();

    let to = good.url("/keys");
    let redirect = format!("HTTP/1.1 302 Elsewhere\r\nlocation: {to}\r\n\r\n");
    let socket = Socket::answering(Answer::Bytes(redirect)).await;
    let error = outside(&socket).await.unwrap_err().to_string();
    assert!(error.contains("redirects are not followed"), "{error}");
    assert_eq!(good.asked().len(), asked);

    let socket = Socket::answering(Answer::Hangs).await;
    let hangs = outside(&socket).timeout(Duration::from_millis(300)).await;
    let error = hangs.unwrap_err().to_string();
    assert!(error.contains("took too long"), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Socket::answering(Answer::keys(["a"])).await;
    for status in [301, 302, 303, 307, 308] {
        let to = elsewhere.url("/keys");
        let redirect = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {to}\r\n\r\n");
        let socket = Socket::answering(Answer::Bytes(redirect)).await;
        let error = rejected(&socket).await;
        assert!(error.contains("redirects are not followed"), "{error}");
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn invalid_responses_are_rejected() {
    for (answer, reason) in [
        (Answer::Bytes(text("404 Not Found", "")), "404"),
        (Answer::Bytes(text("500 Oh", "")), "500"),
        (Answer::Bytes(text("206 Partial Content", "{}")), "206"),
        (Answer::Bytes(text("200 OK", "<html>")), "not a JSON object"),
        (Answer::Bytes("SSH-2.0-OpenSSH\r\n".into()), "invalid HTTP"),
        (Answer::Bytes(String::new()), "connection"),
        (
            Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".into()),
            "body",
        ),
    ] {
        let socket = Socket::answering(answer.clone()).await;
        let error = rejected(&socket).await;
        assert!(error.contains(reason), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn unreachable_server_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    let error = RemoteJwks::from_url(&url).await.unwrap_err().to_string();
    assert!(error.contains(&url), "{error}");
    assert!(
        error.to_lowercase().contains("connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn endless_response_is_not_read_to_the_end() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
    ] {
        let socket = Socket::answering(Answer::Endless(head)).await;
        let error = rejected(&socket).await;
        assert!(error.contains("too large"), "{error}");
    }
}

#[tokio::test]
async fn document_of_exactly_the_maximum_length_is_read() {
    let document = format!(
        r#"{{"keys":[{}]}}"#,
        key("a").verifying_key().to_jwk().unwrap()
    );
    let socket = Socket::answering(Answer::Bytes(text("200 OK", &document))).await;
    let fetch = |bytes| RemoteJwks::from_url(socket.url("/keys")).max_document_bytes(bytes);
    assert!(fetch(document.len()).await.is_ok());
    let error = fetch(document.len() - 1).await.unwrap_err().to_string();
    assert!(error.contains("too large"), "{error}");
}

#[tokio::test]
async fn slow_response_times_out_as_a_whole() {
    for answer in [Answer::Hangs, Answer::Drips] {
        let socket = Socket::answering(answer.clone()).await;
        let start = Instant::now();
        let fetch = RemoteJwks::from_url(socket.url("/keys")).timeout(Duration::from_millis(300));
        let error = fetch.await.unwrap_err().to_string();
        assert!(error.contains("took too long"), "{answer:?}: {error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{answer:?}");
    }
}

#[tokio::test]
async fn plain_http_server_is_rejected_for_https() {
    let socket = Socket::answering(Answer::keys(["a"])).await;
    let url = socket.url("/keys").replace("http://", "https://");
    let failed = RemoteJwks::from_url(url)
        .timeout(Duration::from_secs(2))
        .await;
    assert!(matches!(failed, Err(ConfigError::KeySet { .. })));
}

async fn rejected(socket: &Socket) -> String {
    match RemoteJwks::from_url(socket.url("/keys")).await {
        Err(error @ ConfigError::KeySet { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Answer {
    Bytes(String),
    /// This head and an endless body.
    Endless(&'static str),
    /// One byte at a time.
    Drips,
    Hangs,
}

impl Answer {
    fn keys<const N: usize>(key_ids: [&str; N]) -> Self {
        let jwks = key_ids.map(|id| key(id).verifying_key().to_jwk().unwrap());
        let set = format!(r#"{{"keys":[{}]}}"#, jwks.join(","));
        Self::Bytes(text("200 OK", &set))
    }

    async fn give(self, mut stream: TcpStream) -> std::io::Result<()> {
        match self {
            Self::Bytes(text) => stream.write_all(text.as_bytes()).await,
            Self::Endless(head) => {
                stream.write_all(head.as_bytes()).await?;
                loop {
                    stream.write_all(&[b' '; 4096]).await?;
                }
            }
            Self::Drips => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(b" ").await?;
                    sleep(Duration::from_millis(20)).await;
                }
            }
            Self::Hangs => std::future::pending().await,
        }
    }
}

fn text(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// Server with one fixed answer on its own port.
struct Socket {
    origin: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socket {
    async fn answering(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, log) = (answer.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let length = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    log.lock().unwrap().push(head);
                    // The client may close the connection early.
                    let _ = answer.give(stream).await;
                });
            }
        });
        Self { origin, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}
