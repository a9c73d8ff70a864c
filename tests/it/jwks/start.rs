//! The first fetch of a key set.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tower_warder::error::ConfigError;
use tower_warder::jwks::{JwksClient, RemoteJwks};
use tower_warder::keys::Algorithm;

use super::*;

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_startup() {
    let (server, keys) = published(["a", "b"]).await;
    assert_eq!(server.fetches(), 1);
    assert_eq!(keys.age(), Some(Duration::ZERO));
    for token in [named("a"), named("b")] {
        assert_eq!(
            outcome_now(&verifier(&keys), &token),
            Some(Outcome::Accepted)
        );
        assert!(verifier(&keys).verify_token(&token).is_ok());
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn key_sets_may_share_a_client() {
    let server = Arc::new(Server::publishing(["a"]));
    for fetches in 1..3 {
        let client: Arc<dyn JwksClient> = server.clone();
        let keys = RemoteJwks::from_url(URL).client(client).await.unwrap();
        let outcome = outcome_now(&verifier(&keys), &named("a"));
        assert_eq!(outcome, Some(Outcome::Accepted));
        assert_eq!(server.fetches(), fetches);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_first_fetch_is_a_startup_error() {
    for mood in [
        Mood::Answers(204),
        Mood::Answers(301),
        Mood::Answers(304),
        Mood::Answers(404),
        Mood::Answers(500),
        Mood::Breaks,
        Mood::Hangs,
        Mood::Panics,
    ] {
        let server = Server::publishing(["a"]);
        server.is(mood);
        let failed = RemoteJwks::from_url(format!("{URL}?code=hunter2")).client(server);
        let error = failed.await.unwrap_err();
        let ConfigError::KeySet { url, .. } = &error else {
            panic!("{mood:?}: {error}");
        };
        assert_eq!(url, URL);
        let error = error.to_string();
        assert!(!error.contains("hunter2"), "{error}");
        let names_redirect = error.contains("redirects are not followed");
        assert_eq!(names_redirect, mood == Mood::Answers(301), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_url_without_query_and_keys() {
    let fetch = RemoteJwks::from_url(format!("{URL}?code=hunter2"));
    let keys = fetch.client(Server::publishing(["2026-01"])).await.unwrap();
    let shown = format!("{keys:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    for part in [URL, "2026-01"] {
        assert!(shown.contains(part), "{shown}");
    }
    let shown = format!("{:?}", JwtVerifier::jwks(&keys));
    assert!(shown.contains("issuer: Unset"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn first_fetch_ends_at_the_timeout() {
    let server = Server::publishing(["a"]);
    server.is(Mood::Hangs);
    let start = Instant::now();
    let failed = RemoteJwks::from_url(URL)
        .timeout(Duration::from_secs(3))
        .client(server);
    let error = failed.await.unwrap_err().to_string();
    assert!(error.contains("took too long"), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn lazy_start_is_503_until_keys_arrive() {
    let server = Server::publishing(["a"]);
    server.is(Mood::Breaks);
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .connect_lazy();
    let keys = keys.unwrap();
    let verifier = verifier(&keys);
    assert_eq!(keys.age(), None);
    assert_eq!(
        outcome_of(&verifier, &named("a")).await,
        Outcome::Unavailable
    );
    assert_eq!(
        outcome_now(&verifier, &named("a")),
        Some(Outcome::Unavailable)
    );
    assert_eq!(server.fetches(), 1);

    server.is(Mood::Publishes);
    pass(Duration::from_secs(30)).await;
    assert_eq!(outcome_of(&verifier, &named("a")).await, Outcome::Accepted);
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_keys() {
    let server = Server::publishing(["a"]);
    server.takes(Duration::from_secs(2));
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .connect_lazy();
    let verifier = verifier(&keys.unwrap());
    assert_eq!(outcome_of(&verifier, &named("a")).await, Outcome::Accepted);
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn http_or_invalid_url_is_rejected_without_a_fetch() {
    for url in [
        "http://login.example/keys",
        "http://192.168.0.1/keys",
        "https://user:password@login.example/keys",
        "login.example",
    ] {
        let server = Server::publishing(["a"]);
        for rejected in [
            RemoteJwks::from_url(url).client(server.clone()).await,
            RemoteJwks::from_url(url)
                .client(server.clone())
                .connect_lazy(),
            RemoteJwks::from_oidc_issuer(url)
                .client(server.clone())
                .await,
        ] {
            assert!(matches!(rejected, Err(ConfigError::InvalidUrl(_))), "{url}");
        }
        assert_eq!(server.fetches(), 0, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_url_off_loopback_is_fetched_with_opt_in() {
    for url in ["http://keys:8080/jwks.json", "http://10.0.0.1/keys", URL] {
        let server = Server::publishing(["a"]);
        let fetch = RemoteJwks::from_url(url).client(server.clone());
        assert!(fetch.dangerous_allow_http().await.is_ok(), "{url}");
        assert_eq!(server.asked()[0].url, url);
    }
    for url in [
        "http://user:password@keys:8080/jwks.json",
        "http://user@keys:8080/jwks.json",
        "ftp://keys/jwks.json",
        "keys:8080",
    ] {
        let server = Server::publishing(["a"]);
        let fetch = RemoteJwks::from_url(url)
            .client(server.clone())
            .dangerous_allow_http();
        assert!(
            matches!(fetch.await, Err(ConfigError::InvalidUrl(_))),
            "{url}"
        );
        assert_eq!(server.fetches(), 0, "{url}");
    }
}

#[tokio::test]
async fn hmac_algorithms_are_rejected_for_published_keys() {
    let server = Server::publishing(["a"]);
    let rejected = RemoteJwks::from_url(URL)
        .algorithm(Algorithm::HS256)
        .client(server);
    assert!(matches!(
        rejected.await,
        Err(ConfigError::KeyTypeMismatch("HS256"))
    ));
}

#[tokio::test(start_paused = true)]
async fn remote_issuer_leeway_is_60_seconds() {
    let (_server, keys) = published(["a"]).await;
    let now = std::time::SystemTime::now();
    let at = |time| tower_warder::testing::FixedClock::at(time).clock();
    let issuer = JwtIssuer::new(key("a")).lifetime(Duration::from_secs(60));
    let token = issuer.issuer(ISSUER).clock(at(now)).issue("7").unwrap();
    let verifier = verifier(&keys);
    let strict = verifier.clone().leeway(Duration::ZERO).unwrap();
    // `iat` has a precision of one second.
    for (seconds, lenient, exact) in [
        (-64, "accepted", "issued_in_future"),
        (-67, "issued_in_future", "issued_in_future"),
        (0, "accepted", "accepted"),
        (118, "accepted", "expired"),
        (121, "expired", "expired"),
    ] {
        let shift = Duration::from_secs(i64::unsigned_abs(seconds));
        let clock = at(if seconds < 0 {
            now - shift
        } else {
            now + shift
        });
        for (verifier, expected) in [(&verifier, lenient), (&strict, exact)] {
            let verified = verifier.clone().clock(clock.clone()).verify_token(&token);
            let reason = verified.err().map_or("accepted", |error| error.reason());
            assert_eq!(reason, expected, "{seconds}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fetched_keys_without_issuer_rule_reject_every_token() {
    let (_server, keys) = published(["a"]).await;
    let token = named("a");
    let verifier = JwtVerifier::jwks(&keys).audience("orders");
    let error = verifier.verify_token(&token).unwrap_err();
    assert_eq!(error.reason(), "no_issuer_rule");
    let verifier = JwtVerifier::jwks(&keys);
    let error = verifier.verify_token(&token).unwrap_err();
    assert_eq!(error.reason(), "no_issuer_rule");
    for verifier in [
        verifier.clone().issuer(ISSUER),
        verifier.clone().issuers([ISSUER]),
        verifier.issuer_check(|issuer, _| issuer == ISSUER),
    ] {
        assert!(verifier.verify_token(&token).is_ok());
    }
}
