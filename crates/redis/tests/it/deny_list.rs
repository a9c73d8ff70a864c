//! The deny list, by the example `deny_list`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use redis::AsyncCommands;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tower_warder::testing;
use tower_warder_redis::{RedisDenyList, redis};
use tower_warder_test_support::{Answer, get, get_with, redis_url, send};

use crate::{client, own_redis, silent_server};

#[allow(dead_code)]
#[path = "../../examples/deny_list.rs"]
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
async fn entry_expires_after_its_token_and_is_shared() {
    let Some(url) = redis_url() else { return };
    let [here, there] = [app(&url), app(&url)];
    let lifetime = Duration::from_secs(100);
    let issuer = testing::issuer().lifetime(lifetime);
    let token = issuer.issue("jane").unwrap();
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 200);
    assert_eq!(send(&here, logout(&token)).await.status, 204);
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 401);

    let claims = testing::verifier().verify_token(&token).unwrap();
    let mut redis = client(&url)
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let key = format!("deny:{}", claims.token_id().unwrap());
    let left: u64 = redis.ttl(key).await.unwrap();
    // The longest leeway of a verifier is 300 seconds.
    assert!((390..=400).contains(&left), "{left}");
}

#[tokio::test]
async fn lists_of_different_prefixes_are_separate() {
    let Some(url) = redis_url() else { return };
    let list = || RedisDenyList::new(client(&url));
    let app = |list| example::app(testing::verifier(), list);
    let [here, there] = [app(list()), app(list().prefix("other:"))];
    let token = testing::token("jane");
    assert_eq!(send(&here, logout(&token)).await.status, 204);
    assert_eq!(send(&here, get_with("/me", &token)).await.status, 401);
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 200);
    assert_eq!(send(&there, logout(&token)).await.status, 204);
    assert_eq!(send(&there, get_with("/me", &token)).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_entry_is_503() {
    let Some(redis) = own_redis() else { return };
    let app = app(redis.url());
    let client = client(redis.url());
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    let mut full = redis::cmd("CONFIG");
    full.arg("SET").arg("maxmemory").arg(1);
    let () = full.query_async(&mut admin).await.unwrap();
    let token = testing::token("jane");
    is_unavailable(&send(&app, logout(&token)).await);
    assert_eq!(send(&app, get_with("/me", &token)).await.status, 200);
}

#[tokio::test]
async fn redis_outage_is_503_and_public_routes_are_served() {
    let (closed, closed_url) = silent_server().await;
    drop(closed);
    let (_silent, silent_url) = silent_server().await;
    for url in [closed_url, silent_url] {
        let app = app(&url);
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

#[tokio::test(start_paused = true)]
async fn waiting_requests_share_the_failing_attempt() {
    let (_silent, url) = silent_server().await;
    let app = app(&url);
    let token = testing::token("jane");
    let start = Instant::now();
    let requests = (0..100).map(|_| send(&app, get_with("/me", &token)));
    for answer in futures_util::future::join_all(requests).await {
        is_unavailable(&answer);
    }
    assert!(start.elapsed() < Duration::from_millis(1100));
}

#[tokio::test(start_paused = true)]
async fn cancelled_request_does_not_prolong_the_attempt() {
    let (_silent, url) = silent_server().await;
    let app = app(&url);
    let token = testing::token("jane");
    let start = Instant::now();
    let first = tokio::spawn({
        let (app, request) = (app.clone(), get_with("/me", &token));
        async move { send(&app, request).await }
    });
    sleep(Duration::from_millis(500)).await;
    let second = tokio::spawn({
        let (app, request) = (app.clone(), get_with("/me", &token));
        async move { send(&app, request).await }
    });
    sleep(Duration::from_millis(400)).await;
    first.abort();
    is_unavailable(&second.await.unwrap());
    assert!(start.elapsed() < Duration::from_millis(1100));
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
        let target = client(url).get_connection_info().addr().to_string();
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
    example::app(testing::verifier(), RedisDenyList::new(client(url)))
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
