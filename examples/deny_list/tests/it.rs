//! The example `deny_list`: with the Redis of `REDIS_URL`, with one that hangs, and with none.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use redis::AsyncCommands;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_warder::testing;

use tower_warder_test_support::{Answer, get, get_with, redis_url, send};

#[allow(dead_code)]
#[path = "../src/main.rs"]
mod example;

#[tokio::test]
async fn revoked_token_is_rejected_and_no_other() {
    let Some(url) = redis_url() else { return };
    let app = app(&url);
    let [token, other] = [testing::token("jane"), testing::token("jane")];
    assert_eq!(
        send(&app, get_with("/me", &token)).await.body,
        "Hello, jane\n"
    );
    assert_eq!(send(&app, logout(&token)).await.status, 204);
    for request in [get_with("/me", &token), logout(&token)] {
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["code"], "invalid_token");
    }
    assert_eq!(send(&app, get_with("/me", &other)).await.status, 200);
    assert_eq!(send(&app, logout("a.b.c")).await.status, 401);
    assert_eq!(send(&app, logout(&format!("{other}A"))).await.status, 401);
    assert_eq!(send(&app, get_with("/me", &other)).await.status, 200);
}

#[tokio::test]
async fn entry_expires_with_its_token_and_is_shared() {
    let Some(url) = redis_url() else { return };
    let [here, there] = [app(&url), app(&url)];
    let lifetime = Duration::from_secs(100);
    let issuer = testing::issuer().lifetime(lifetime);
    let token = issuer.issue("jane").unwrap();
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 200);
    assert_eq!(send(&here, logout(&token)).await.status, 204);
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 401);

    let claims = testing::verifier().verify_token(&token).unwrap();
    let client = redis::Client::open(url).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("deny:{}", claims.token_id().unwrap());
    let left: u64 = redis.ttl(key).await.unwrap();
    assert!((90..=101).contains(&left), "{left}");
}

#[tokio::test]
async fn redis_outage_is_503_and_public_routes_are_served() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [address, hangs.local_addr().unwrap()] {
        let app = app(&format!("redis://{address}/"));
        let token = testing::token("jane");
        let start = Instant::now();
        let public = send(&app, get_with("/", &token)).await;
        assert_eq!(public.body, "Anybody may read this\n");
        assert_eq!(send(&app, get("/me")).await.status, 401);
        assert_eq!(send(&app, get_with("/me", "a.b.c")).await.status, 401);
        assert!(start.elapsed() < Duration::from_millis(500));
        for request in [get_with("/me", &token), logout(&token)] {
            is_unavailable(&send(&app, request).await);
        }
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn revoked_token_stays_rejected_after_a_redis_outage() {
    let Some(url) = redis_url() else { return };
    let proxy = Proxy::before(&url).await;
    let app = app(&format!("redis://{}/", proxy.address));
    let [token, denied] = [testing::token("jane"), testing::token("jane")];
    assert_eq!(send(&app, logout(&denied)).await.status, 204);
    for trouble in [Mood::Hangs, Mood::Closes] {
        proxy.becomes(trouble);
        let start = Instant::now();
        for token in [&token, &denied] {
            is_unavailable(&send(&app, get_with("/me", token)).await);
        }
        is_unavailable(&send(&app, logout(&token)).await);
        assert!(start.elapsed() < Duration::from_secs(5), "{trouble:?}");
        proxy.becomes(Mood::Passes);
        // The connection may have been lost silently: one request detects that.
        send(&app, get_with("/me", &token)).await;
        assert_eq!(
            send(&app, get_with("/me", &token)).await.status,
            200,
            "{trouble:?}"
        );
        assert_eq!(
            send(&app, get_with("/me", &denied)).await.status,
            401,
            "{trouble:?}"
        );
    }
}

#[tokio::test]
async fn hanging_redis_delays_requests_until_the_timeout() {
    let Some(url) = redis_url() else { return };
    let proxy = Proxy::before(&url).await;
    let app = app(&format!("redis://{}/", proxy.address));
    let token = testing::token("jane");
    assert_eq!(send(&app, get_with("/me", &token)).await.status, 200);
    proxy.becomes(Mood::Hangs);
    let start = Instant::now();
    let requests = (0..100).map(|_| send(&app, get_with("/me", &token)));
    for answer in futures_util::future::join_all(requests).await {
        is_unavailable(&answer);
    }
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn waiting_requests_share_the_failing_attempt() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app(&format!("redis://{}/", hangs.local_addr().unwrap()));
    let token = testing::token("jane");
    let start = Instant::now();
    let requests = (0..100).map(|_| send(&app, get_with("/me", &token)));
    for answer in futures_util::future::join_all(requests).await {
        is_unavailable(&answer);
    }
    // One attempt takes a second.
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

/// Proxy in front of Redis that simulates network failures.
struct Proxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Passes,
    /// Accepts connections and forwards nothing; connections from that time stay silent.
    Hangs,
    /// Closes each connection.
    Closes,
}

impl Proxy {
    async fn before(url: &str) -> Self {
        let info = redis::Client::open(url).unwrap();
        let target = info.get_connection_info().addr().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, moods) = watch::channel(Mood::Passes);
        tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                tokio::spawn(pass(here, target.clone(), moods.clone()));
            }
        });
        Self { address, mood }
    }

    fn becomes(&self, mood: Mood) {
        self.mood.send(mood).unwrap();
    }
}

async fn pass(mut here: TcpStream, target: String, mut moods: watch::Receiver<Mood>) {
    let mut there = TcpStream::connect(target).await.unwrap();
    if *moods.borrow_and_update() == Mood::Passes {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut here, &mut there) => return,
            _ = moods.changed() => {}
        }
    }
    if *moods.borrow() == Mood::Hangs {
        // Also after the network recovers: neither end is notified.
        std::future::pending::<()>().await;
    }
}

fn app(url: &str) -> Router {
    example::app(testing::verifier(), example::LoggedOut::at(url).unwrap())
}

fn logout(token: &str) -> Request<Body> {
    let mut request = get_with("/logout", token);
    *request.method_mut() = Method::POST;
    request
}

fn is_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], "unavailable");
    assert_eq!(answer.header("www-authenticate"), None);
}
