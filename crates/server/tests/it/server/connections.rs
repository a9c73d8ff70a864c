//! Slow and idle clients: their connections are closed in time, and others are served meanwhile.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Server, Start};
use crate::support::Place;

#[tokio::test]
async fn half_sent_requests_are_closed_while_others_are_served() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    let before = server.memory_kib();
    let logged = server.log().lines().count();

    let kinds = [
        (body(65_000, 64_000), "HTTP/1.1 413"),
        (body(8000, 7000), "HTTP/1.1 408"),
        ("POST /api/auth/register HTTP/1.1\r\nhost: ".to_owned(), ""),
        (String::new(), ""),
        // Idle after a response.
        (
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            "HTTP/1.1 200",
        ),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "\0"),
    ];
    let begin = Instant::now();
    let attack = join_all((0..60 * kinds.len()).map(async |number| {
        let (sent, expected) = &kinds[number % kinds.len()];
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        connection.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(40), connection.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let described = format!("{sent:.33}: {read:?} after {:?}: {answer}", begin.elapsed());
        let Ok(read) = read else {
            panic!("{described}{}", server.log());
        };
        // A reset because of unread data can overtake the answer (RFC 9112, section 9.6).
        if read.is_err() && answer.is_empty() && !sent.is_empty() {
            return 1;
        }
        assert!(answer.starts_with(expected), "{described}{}", server.log());
        assert_eq!(answer.is_empty(), expected.is_empty(), "{described}");
        0
    }));
    let others = async {
        let mut slowest = Duration::ZERO;
        let mut grown = 0;
        while begin.elapsed() < Duration::from_secs(8) {
            let asked = Instant::now();
            assert_eq!(server.me(&token).await.status, 200);
            slowest = slowest.max(asked.elapsed());
            grown = grown.max(server.memory_kib().saturating_sub(before));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        (slowest, grown)
    };
    let (lost, (slowest, grown)) = futures_util::join!(attack, others);
    let lost: usize = lost.into_iter().sum();
    assert!(lost < 20, "{lost} answers are lost");
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
    // Without the limits each needs 200 KiB.
    assert!(grown < 360 * 64, "{grown} KiB");
    // Nothing of it is logged.
    assert_eq!(server.log().lines().count(), logged, "{}", server.log());
}

fn body(length: usize, sent: usize) -> String {
    let head = format!(
        "POST /api/auth/register HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    head + &" ".repeat(sent)
}

/// A client whose connection is dropped from the queue retries after a second, then after three.
#[tokio::test]
async fn burst_of_connections_waits_in_the_queue() {
    if let Ok(longest) = std::fs::read_to_string("/proc/sys/net/core/somaxconn")
        && longest.trim().parse::<u32>().unwrap() < 600
    {
        println!("skipped: net.core.somaxconn is {longest}");
        return;
    }
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.signal("STOP");
    let connected = join_all((0..600).map(async |_| {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        connection.write_all(request).await.unwrap();
        connection
    }));
    let connected = timeout(Duration::from_millis(900), connected).await;
    server.signal("CONT");
    for mut connection in connected.expect("all are queued") {
        let mut answer = String::new();
        let read = connection.read_to_string(&mut answer);
        timeout(Duration::from_secs(10), read)
            .await
            .unwrap()
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn too_long_head_is_431() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}",
        "x".repeat(40_000)
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

/// Browsers that are offered extended CONNECT (RFC 8441) use it for WebSockets, without a fallback.
#[tokio::test]
async fn http2_does_not_offer_websockets() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    connection.write_all(preface).await.unwrap();
    let mut head = [0; 9];
    connection.read_exact(&mut head).await.unwrap();
    let [0, high, low, 4, 0, ..] = head else {
        panic!("no SETTINGS: {head:?}");
    };
    let mut settings = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    connection.read_exact(&mut settings).await.unwrap();
    let mut names = settings.chunks(6).map(|setting| &setting[..2]);
    assert!(names.all(|name| name != [0, 8]), "{settings:?}");
}

impl Server {
    /// Resident memory of the process.
    fn memory_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    }
}
