//! Outages of the key server.

use std::future::IntoFuture;
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use tokio::time::Instant;
use tower_warder::jwks::RemoteJwks;
use tower_warder::testing::TestUser;
use tower_warder::{AuthLayer, CurrentUser};

use super::*;
use crate::support::{Log, Store, get, get_with, send};

#[tokio::test(start_paused = true)]
async fn stale_keys_are_used_until_max_staleness_then_503() {
    for mood in [Mood::Answers(500), Mood::Breaks, Mood::Hangs, Mood::Panics] {
        let (server, keys) = published(["a"]).await;
        let (verifier, token) = (verifier(&keys), named("a"));
        server.is(mood);
        for _ in 0..23 {
            pass(Duration::from_secs(3600)).await;
            let outcome = outcome_now(&verifier, &token);
            assert_eq!(outcome, Some(Outcome::Accepted), "{mood:?}");
        }
        pass(Duration::from_secs(3600)).await;
        assert_eq!(outcome_of(&verifier, &token).await, Outcome::Unavailable);
        assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Unavailable));

        server.is(Mood::Publishes);
        pass(COOLDOWN).await;
        assert_eq!(outcome_of(&verifier, &token).await, Outcome::Accepted);
        assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Accepted));
    }
}

#[tokio::test(start_paused = true)]
async fn unusable_documents_do_not_replace_the_keys() {
    for document in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct"}]}"#] {
        let (server, keys) = published(["a"]).await;
        server.say(document);
        pass(INTERVAL).await;
        assert_eq!(server.fetches(), 2);
        let outcome = outcome_now(&verifier(&keys), &named("a"));
        assert_eq!(outcome, Some(Outcome::Accepted), "{document}");
        assert!(keys.age().unwrap() >= INTERVAL * 4 / 5, "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_key_is_503_during_an_outage_and_401_after_it() {
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    server.is(Mood::Answers(502));
    pass(COOLDOWN).await;
    assert_eq!(
        outcome_of(&verifier, &named("b")).await,
        Outcome::Unavailable
    );
    assert_eq!(
        outcome_now(&verifier, &named("b")),
        Some(Outcome::Unavailable)
    );
    assert_eq!(outcome_now(&verifier, &named("a")), Some(Outcome::Accepted));

    server.is(Mood::Publishes);
    pass(COOLDOWN * 2).await;
    // The background refresh has fetched the keys.
    assert_eq!(outcome_now(&verifier, &named("b")), Some(Outcome::Rejected));
    assert_eq!(outcome_now(&verifier, &named("a")), Some(Outcome::Accepted));
}

#[tokio::test(start_paused = true)]
async fn request_waits_for_a_fetch_until_timeout() {
    let server = Server::publishing(["a"]);
    let fetch = RemoteJwks::from_url(URL).timeout(Duration::from_secs(2));
    let keys = fetch.client(server.clone()).await.unwrap();
    server.is(Mood::Hangs);
    pass(COOLDOWN).await;
    let start = Instant::now();
    let outcome = outcome_of(&verifier(&keys), &named("b")).await;
    assert_eq!(outcome, Outcome::Unavailable);
    assert!(start.elapsed() < Duration::from_millis(2100));
}

#[tokio::test(start_paused = true)]
async fn failed_fetch_is_retried_after_each_cooldown() {
    let (server, _keys) = published(["a"]).await;
    server.is(Mood::Breaks);
    pass(INTERVAL).await;
    for _ in 0..600 {
        pass(Duration::from_secs(1)).await;
    }
    // One retry every 30 to 38 seconds.
    let tries = server.fetches() - 2;
    assert!((15..=20).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn key_server_outage_is_logged_once() {
    // With the first, a fetch falls on the moment at which the keys become too old.
    for pause in [Duration::from_secs(1800), Duration::from_secs(1801)] {
        let (server, keys) = published(["a"]).await;
        let log = Log::record();
        server.is(Mood::Breaks);
        for _ in 0..100 {
            pass(pause).await;
        }
        let (warnings, errors) = (log.lines("WARN"), log.lines("ERROR"));
        assert_eq!(warnings.len(), 1, "{}", log.text());
        assert!(warnings[0].contains("keys.internal does not answer"));
        assert_eq!(errors.len(), 1, "{}", log.text());
        assert!(errors[0].contains("too old"), "{}", errors[0]);

        server.is(Mood::Publishes);
        pass(INTERVAL).await;
        assert_eq!(log.lines("INFO").len(), 1, "{}", log.text());
        drop(keys);
    }
}

#[test]
fn unknown_key_is_503_after_its_runtime_has_ended() {
    let other = tokio::runtime::Runtime::new().unwrap();
    let server = Server::publishing(["a"]);
    let fetch = RemoteJwks::from_url(URL)
        .cooldown(Duration::ZERO)
        .client(server);
    let keys = other.block_on(fetch.into_future()).unwrap();
    drop(other);
    std::thread::sleep(Duration::from_millis(1100));
    let verifier = verifier(&keys);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert_eq!(outcome_of(&verifier, &named("a")).await, Outcome::Accepted);
        assert_eq!(
            outcome_of(&verifier, &named("b")).await,
            Outcome::Unavailable
        );
    });
}

#[tokio::test(start_paused = true)]
async fn jwks_outage_is_answered_like_any_outage() {
    let (server, keys) = published(["jane"]).await;
    let layer = AuthLayer::new(verifier(&keys), Store::new());
    let app = Router::new()
        .route("/", on_get(async || "public"))
        .route("/me", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(layer);
    let jane = |key_id: &str| {
        let issuer = JwtIssuer::new(key(key_id)).issuer(ISSUER);
        issuer.issue("jane").unwrap()
    };
    assert_eq!(send(&app, get_with("/me", &jane("jane"))).await.status, 200);
    assert_eq!(send(&app, get_with("/me", &jane("x"))).await.status, 401);

    server.is(Mood::Breaks);
    pass(COOLDOWN).await;
    let answer = send(&app, get_with("/me", &jane("x"))).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("www-authenticate"), None);
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.body.contains("keys.internal"));
    assert_eq!(send(&app, get_with("/me", &jane("jane"))).await.status, 200);

    pass(Duration::from_secs(24 * 3600)).await;
    assert_eq!(send(&app, get_with("/me", &jane("jane"))).await.status, 503);
    assert_eq!(send(&app, get_with("/", &jane("jane"))).await.status, 200);
    assert_eq!(send(&app, get("/me")).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn unknown_key_ids_log_no_errors() {
    let (server, keys) = published(["a"]).await;
    let app = Router::new()
        .route("/me", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(AuthLayer::new(verifier(&keys), Store::new()));
    server.is(Mood::Breaks);
    pass(COOLDOWN).await;
    let log = Log::record();
    for number in 0..20 {
        let token = named(&format!("made-up-{number}"));
        assert_eq!(send(&app, get_with("/me", &token)).await.status, 503);
    }
    assert!(log.lines("ERROR").is_empty(), "{}", log.text());
    assert_eq!(log.lines("WARN").len(), 1, "{}", log.text());
}

const INTERVAL: Duration = Duration::from_secs(300);
const COOLDOWN: Duration = Duration::from_secs(30);
