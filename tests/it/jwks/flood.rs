//! Floods of tokens with unknown key ids.

use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{join, join_all};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower_warder::testing::TestUser;
use tower_warder::{AuthLayer, CurrentUser};

use super::*;
use crate::support::{Store, Trace};

#[tokio::test(start_paused = true)]
async fn unknown_key_flood_costs_one_fetch_and_delays_no_known_key() {
    let (server, keys) = published(["a"]).await;
    let (verifier, good) = (verifier(&keys), named("a"));
    let flood = made_up(&good);
    server.takes(Duration::from_secs(1));
    pass(COOLDOWN).await;

    let waiting = join_all(flood.iter().map(|bad| outcome_of(&verifier, bad)));
    let mut waiting = Box::pin(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    assert_eq!(outcome_now(&verifier, &good), Some(Outcome::Accepted));
    let outcomes = waiting.await;
    assert_eq!(server.fetches(), 2);
    // 1024 requests wait for the fetch; the others are answered with 503.
    let rejected = outcomes.iter().filter(|one| **one == Outcome::Rejected);
    assert_eq!(rejected.count(), 1024);
    assert!(!outcomes.contains(&Outcome::Accepted));

    // Later requests are rejected immediately.
    for bad in &flood {
        assert_eq!(outcome_now(&verifier, bad), Some(Outcome::Rejected));
        assert_eq!(outcome_now(&verifier, &good), Some(Outcome::Accepted));
    }
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cost_one_fetch_per_cooldown() {
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    let bad = named("b");
    for _ in 0..3600 {
        pass(Duration::from_secs(1)).await;
        outcome_of(&verifier, &bad).await;
    }
    let asked = server.asked();
    let shortest = asked.windows(2).map(|two| two[1].at - two[0].at).min();
    assert!(shortest.unwrap() >= COOLDOWN);
    assert!(asked.len() <= 121, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn unknown_key_ids_are_neither_sent_nor_logged() {
    let trace = Trace::record();
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    let told = "../../evil\r\nX-Evil: 1";
    for mood in [Mood::Publishes, Mood::Breaks] {
        server.is(mood);
        pass(COOLDOWN).await;
        outcome_of(&verifier, &named(told)).await;
        outcome_of(&verifier, &named(told)).await;
    }
    assert_eq!(server.fetches(), 3);
    let asked = format!("{:?}", server.asked()).to_lowercase();
    assert!(!asked.contains("evil"), "{asked}");
    assert!(!trace.text().to_lowercase().contains("evil"));
}

/// Measurement, not a test. Run with `cargo test --release --features jwks --test it -- --ignored
/// --nocapture measured`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn measured_with_and_without_a_flood() {
    let (server, keys) = published(["jane"]).await;
    let app = Router::new()
        .route("/me", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(AuthLayer::new(verifier(&keys), Store::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/me", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let maker = JwtIssuer::new(key("jane"));
    let jane = maker.issue("jane").unwrap();

    let (crowd, flood) = (vec![jane.clone(); FLOOD], made_up(&jane));
    for round in 0..3 {
        let alone = latencies(&url, &jane).await;
        let others = keep_asking(&url, &crowd, 200);
        let (crowded, ()) = join(latencies(&url, &jane), others).await;
        let (fetches, memory) = (server.fetches(), resident());
        let others = keep_asking(&url, &flood, 401);
        let (flooded, ()) = join(latencies(&url, &jane), others).await;
        println!(
            "round {round}: p50 and p99 in µs of requests with a known key: alone {alone:?}, \
             beside {FLOOD} like them {crowded:?}, beside {FLOOD} with unknown keys {flooded:?}, \
             with {} fetches and {} KiB more",
            server.fetches() - fetches,
            resident().saturating_sub(memory),
        );
    }
}

/// p50 and p99 in µs of sequential requests over ten seconds.
async fn latencies(url: &str, token: &str) -> (u128, u128) {
    let client = reqwest::Client::new();
    let end = std::time::Instant::now() + Duration::from_secs(10);
    let mut took = Vec::new();
    while std::time::Instant::now() < end {
        let start = std::time::Instant::now();
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        took.push(start.elapsed().as_micros());
        sleep(Duration::from_millis(1)).await;
    }
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

/// Sends 1000 requests per second for ten seconds on ten connections.
async fn keep_asking(url: &str, tokens: &[String], expected: u16) {
    let flooders = tokens.chunks(FLOOD / 10).map(|tokens| {
        let (url, tokens) = (url.to_owned(), tokens.to_vec());
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for token in tokens {
                pace.tick().await;
                let answer = client.get(&url).bearer_auth(token).send().await.unwrap();
                assert_eq!(answer.status(), expected);
            }
        })
    });
    for flooder in join_all(flooders).await {
        flooder.unwrap();
    }
}

/// Resident memory of the process in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let digits = line.into_iter().flat_map(|line| line.split_whitespace());
    digits
        .filter_map(|word| word.parse().ok())
        .next()
        .unwrap_or(0)
}

/// Tokens with unknown key ids. They are not signed: the signature is not reached.
fn made_up(token: &str) -> Vec<String> {
    let rest = token.split_once('.').unwrap().1;
    let header = |number| URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{number}"}}"#));
    (0..FLOOD)
        .map(|number| format!("{}.{rest}", header(number)))
        .collect()
}

const FLOOD: usize = 10_000;
const COOLDOWN: Duration = Duration::from_secs(30);
