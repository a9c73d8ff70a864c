//! Refreshing of key sets.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tower_warder::jwks::RemoteJwks;

use super::*;
use crate::support::Log;

#[tokio::test(start_paused = true)]
async fn new_keys_are_fetched_in_the_background() {
    let (server, keys) = published(["a"]).await;
    server.publish(["a", "b"]);
    pass(INTERVAL).await;
    assert_eq!(server.fetches(), 2);
    assert_eq!(
        outcome_now(&verifier(&keys), &named("b")),
        Some(Outcome::Accepted)
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_times_are_jittered() {
    let (server, _keys) = published(["a"]).await;
    for _ in 0..6000 {
        pass(Duration::from_secs(5)).await;
    }
    let asked = server.asked();
    let gaps = asked.windows(2).map(|two| two[1].at - two[0].at);
    let mut gaps: Vec<_> = gaps.map(|gap| gap.as_secs()).collect();
    gaps.sort_unstable();
    let (shortest, longest) = (gaps[0], gaps[gaps.len() - 1]);
    assert!((240..=255).contains(&shortest), "{gaps:?}");
    assert!((290..=305).contains(&longest), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn cache_control_shortens_the_interval_to_a_minimum() {
    for (cache_control, expected) in [
        ("public, max-age=100", 100),
        ("MAX-AGE=\"100\"", 100),
        ("max-age=5", 30),
        ("max-age=86400", 300),
        ("max-age=0", 300),
        ("no-store", 300),
        ("max-age=-1", 300),
        ("max-age=99999999999999999999", 300),
        ("s-maxage=100", 300),
    ] {
        let server = Server::publishing(["a"]);
        server.controls_caches(cache_control);
        let _keys = RemoteJwks::from_url(URL)
            .client(server.clone())
            .await
            .unwrap();
        let mut waited = 0;
        while server.fetches() < 2 {
            pass(Duration::from_secs(1)).await;
            waited += 1;
        }
        let sooner = waited * 5 >= expected * 4 && waited <= expected + 1;
        assert!(sooner, "{cache_control}: {waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_for_a_new_key_share_one_fetch() {
    let (server, keys) = published(["a"]).await;
    server.takes(Duration::from_secs(1));
    server.publish(["a", "b"]);
    pass(COOLDOWN).await;
    let (verifier, token) = (verifier(&keys), named("b"));
    let outcomes = join_all((0..100).map(|_| outcome_of(&verifier, &token))).await;
    assert!(outcomes.iter().all(|one| *one == Outcome::Accepted));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_key_is_rejected_immediately_within_the_cooldown() {
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    assert_eq!(outcome_now(&verifier, &named("b")), Some(Outcome::Rejected));
    pass(COOLDOWN - Duration::from_millis(1)).await;
    assert_eq!(outcome_now(&verifier, &named("b")), Some(Outcome::Rejected));
    assert_eq!(server.fetches(), 1);

    pass(Duration::from_millis(1)).await;
    assert_eq!(outcome_of(&verifier, &named("b")).await, Outcome::Rejected);
    assert_eq!(server.fetches(), 2);
    assert_eq!(outcome_now(&verifier, &named("c")), Some(Outcome::Rejected));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn token_rejected_by_its_header_triggers_no_fetch() {
    let (server, keys) = published(["a", "b"]).await;
    pass(COOLDOWN).await;
    let verifier = verifier(&keys);
    let good = named("a");
    for bad in [
        String::new(),
        "a.b.c".to_owned(),
        good[..good.len() - 4].to_owned(),
        format!("{good}A"),
        token(SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap()),
        token(
            SigningKey::from_pem(Algorithm::ES256, P256)
                .unwrap()
                .key_id("a"),
        ),
        named(&"c".repeat(700)) + &"A".repeat(8 * 1024),
    ] {
        assert_eq!(
            outcome_now(&verifier, &bad),
            Some(Outcome::Rejected),
            "{bad}"
        );
    }
    settle().await;
    assert_eq!(server.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiter_leaves_nothing_behind() {
    let (server, keys) = published(["a"]).await;
    server.takes(Duration::from_secs(2));
    server.publish(["a", "b"]);
    pass(COOLDOWN).await;
    let (verifier, token) = (verifier(&keys), named("b"));
    {
        let mut gone = Box::pin(outcome_of(&verifier, &token));
        assert!(poll!(&mut gone).is_pending());
        settle().await;
        assert_eq!(server.fetches(), 2, "begun");
    }
    // The fetch continues and is not started again.
    assert_eq!(outcome_of(&verifier, &token).await, Outcome::Accepted);
    assert_eq!(server.fetches(), 2);

    // A future that is never polled starts no fetch.
    pass(COOLDOWN).await;
    drop(verifier.verify(&named("c")));
    settle().await;
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn synchronous_verification_of_an_unknown_key_is_503() {
    let (server, keys) = published(["a"]).await;
    server.publish(["a", "b"]);
    pass(COOLDOWN).await;
    let verifier = verifier(&keys);
    let error = verifier.verify_token(&named("b")).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    settle().await;
    assert!(verifier.verify_token(&named("b")).is_ok());
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_a_removed_key_are_rejected_after_the_next_fetch() {
    let (server, keys) = published(["a", "b"]).await;
    let verifier = verifier(&keys).cache(16);
    for _ in 0..2 {
        assert_eq!(outcome_now(&verifier, &named("a")), Some(Outcome::Accepted));
    }
    let token = named("a");
    assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Accepted));
    server.publish(["b"]);
    pass(INTERVAL).await;
    assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Rejected));
    assert_eq!(outcome_now(&verifier, &named("b")), Some(Outcome::Accepted));
}

#[tokio::test(start_paused = true)]
async fn key_replaced_under_the_same_id_is_updated() {
    let other = SigningKey::from_pem(Algorithm::ES256, P256).unwrap();
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys).cache(16);
    let token = named("a");
    assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Accepted));
    let jwk = other.key_id("a").verifying_key().to_jwk().unwrap();
    server.say(&format!(r#"{{"keys":[{jwk}]}}"#));
    pass(INTERVAL).await;
    assert_eq!(outcome_now(&verifier, &token), Some(Outcome::Rejected));
}

#[tokio::test(start_paused = true)]
async fn unchanged_keys_are_not_transferred_again() {
    let server = Server::publishing(["a"]);
    server.gives_etags();
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    pass(INTERVAL).await;
    let asked = server.asked();
    assert_eq!(asked[0].headers.get("if-none-match"), None);
    let known = asked[1].headers.get("if-none-match");
    assert!(known.is_some());
    assert_eq!((asked[0].status, asked[1].status), (200, 304));
    assert!(keys.age().unwrap() < Duration::from_secs(61), "renewed");
    assert_eq!(
        outcome_now(&verifier(&keys), &named("a")),
        Some(Outcome::Accepted)
    );

    server.publish(["a", "longer"]);
    pass(INTERVAL).await;
    assert_eq!(server.asked()[2].status, 200);
    let token = named("longer");
    assert_eq!(
        outcome_now(&verifier(&keys), &token),
        Some(Outcome::Accepted)
    );
}

#[tokio::test(start_paused = true)]
async fn unsolicited_304_does_not_renew_the_keys() {
    let (server, keys) = published(["a"]).await;
    server.is(Mood::Answers(304));
    pass(INTERVAL).await;
    assert!(
        keys.age().unwrap() >= Duration::from_secs(240),
        "not renewed"
    );
}

#[tokio::test(start_paused = true)]
async fn only_key_changes_are_logged() {
    let log = Log::record();
    let (server, _keys) = published(["a"]).await;
    assert_eq!(log.lines("INFO").len(), 1, "{}", log.text());
    for _ in 0..5 {
        pass(INTERVAL).await;
    }
    assert_eq!(log.lines("INFO").len(), 1, "{}", log.text());
    server.publish(["a", "b"]);
    pass(INTERVAL).await;
    let lines = log.lines("INFO");
    assert_eq!(lines.len(), 2, "{}", log.text());
    assert!(
        lines[1].contains("keys=2") && lines[1].contains(URL),
        "{}",
        lines[1]
    );
}

#[tokio::test(start_paused = true)]
async fn fetching_stops_with_the_last_handle() {
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    let clone = keys.clone();
    drop(keys);
    pass(INTERVAL).await;
    assert_eq!(server.fetches(), 2, "there are others");
    drop((verifier, clone));
    settle().await;
    assert!(!server.has_clients());

    // A running fetch is cancelled as well.
    let (server, keys) = published(["a"]).await;
    server.is(Mood::Hangs);
    pass(INTERVAL).await;
    assert_eq!(server.fetches(), 2);
    drop(keys);
    settle().await;
    assert!(!server.has_clients());
}

#[tokio::test(start_paused = true)]
async fn single_key_without_id_yields_to_a_named_key() {
    let alone = |key: &SigningKey| {
        let key = key.verifying_key().to_jwk().unwrap();
        format!(r#"{{"keys":[{key}]}}"#)
    };
    // First algorithm and signature differ, then only the signature.
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let anonymous = SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap();
        let server = Server::saying(&alone(&anonymous));
        let keys = RemoteJwks::from_url(URL)
            .client(server.clone())
            .await
            .unwrap();
        let verifier = verifier(&keys);
        let new = SigningKey::generate(algorithm).unwrap().key_id("b");
        server.say(&alone(&new));
        pass(COOLDOWN).await;
        assert_eq!(
            outcome_now(&verifier, &token(anonymous)),
            Some(Outcome::Accepted)
        );
        assert_eq!(outcome_of(&verifier, &token(new)).await, Outcome::Accepted);
        assert_eq!(server.fetches(), 2, "{algorithm:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn single_key_without_id_is_replaced_at_the_next_refresh() {
    let [old, new] = [(); 2].map(|()| SigningKey::generate(Algorithm::EdDSA).unwrap());
    let [before, after] = [&old, &new].map(|key| {
        let key = key.verifying_key().to_jwk().unwrap();
        format!(r#"{{"keys":[{key}]}}"#)
    });
    let server = Server::saying(&before);
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    let verifier = verifier(&keys);
    server.say(&after);
    pass(COOLDOWN).await;
    assert_eq!(
        outcome_now(&verifier, &token(new.clone())),
        Some(Outcome::Rejected)
    );
    pass(INTERVAL).await;
    assert_eq!(outcome_now(&verifier, &token(new)), Some(Outcome::Accepted));
    assert_eq!(outcome_now(&verifier, &token(old)), Some(Outcome::Rejected));
}

const INTERVAL: Duration = Duration::from_secs(300);
const COOLDOWN: Duration = Duration::from_secs(30);

#[cfg(feature = "metrics")]
#[test]
fn fetches_are_counted_by_outcome() {
    let counts = crate::support::counted(async |_| {
        let (server, _keys) = published(["a"]).await;
        server.is(Mood::Answers(500));
        pass(INTERVAL).await;
    });
    assert_eq!(counts.of("key_fetches_total"), "failed 1\nok 1");
}
