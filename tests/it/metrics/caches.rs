//! Metrics of the caches.

use std::time::Duration;

use futures_util::poll;
use futures_util::stream::poll_fn;
use tower_warder::cache::{Invalidation, UserCache};
use tower_warder::policy::Approved;
use tower_warder::testing::{self, FixedClock};
use tower_warder::{AuthLayer, JwtVerifier};

use super::counted;
use crate::support::{Store, get_with, identity, layer};

#[test]
fn user_cache_counts_hits_and_misses() {
    let counts = counted(async |_| {
        let cache = UserCache::new(8);
        let layer = layer(&Store::new()).user_cache(cache.clone());
        let ask = async |subject: &str| {
            let identity = identity(&layer, get_with("/", &testing::token(subject))).await;
            drop(identity.require(&Approved).await);
            drop(identity.user().await);
        };
        ask("jane").await;
        ask("jane").await;
        ask("jane").await;
        ask("nobody").await;
        cache.invalidate("jane");
        ask("jane").await;
    });
    assert_eq!(counts.of("user_cache_lookups_total"), "hit 2\nmiss 3");
    assert_eq!(counts.of("loads_total"), "found 2\nunknown 1");
}

#[test]
fn layer_without_cache_counts_no_lookups() {
    let counts = counted(async |_| {
        let layer = layer(&Store::new());
        let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
        identity.user().await.unwrap();
    });
    assert_eq!(counts.of("user_cache_lookups_total"), "");
    assert_eq!(counts.of("token_cache_lookups_total"), "");
}

#[test]
fn bypassed_cache_reports_disconnected_channels() {
    let counts = counted(async |recorder| {
        let cache = UserCache::new(8);
        let layer = layer(&Store::new()).user_cache(cache.clone());
        let ask = async || {
            let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
            identity.user().await.unwrap();
        };
        let (channel, mut words) = tokio::sync::mpsc::unbounded_channel();
        let mut follows = Box::pin(cache.subscribe(poll_fn(move |cx| words.poll_recv(cx))));
        ask().await;
        assert_eq!(recorder.of("user_cache_channels_down"), "1");
        channel.send(Invalidation::Connected).unwrap();
        assert!(poll!(&mut follows).is_pending());
        assert_eq!(recorder.of("user_cache_channels_down"), "");
        ask().await;
        ask().await;
        drop(follows);
        assert_eq!(recorder.of("user_cache_channels_down"), "1");
    });
    // The cache has been dropped.
    assert_eq!(counts.of("user_cache_channels_down"), "");
    assert_eq!(
        counts.of("user_cache_lookups_total"),
        "bypass 1\nhit 1\nmiss 1"
    );
}

#[test]
fn token_cache_counts_hits_and_misses() {
    let counts = counted(async |_| {
        let clock = FixedClock::new();
        let verifier = testing::verifier().clock(clock.clock()).cache(8);
        let layer = AuthLayer::new(verifier, Store::new());
        let token = testing::issuer()
            .clock(clock.clock())
            .issue("jane")
            .unwrap();
        for token in [&*token, &token, "e30.e30.AAAAAAAAAAAAAAAAAAAAAAAA"] {
            drop(identity(&layer, get_with("/", token)).await.claims().await);
        }
        // A hit on an expired token.
        clock.advance(Duration::from_secs(365 * 24 * 3600));
        drop(identity(&layer, get_with("/", &token)).await.claims().await);
    });
    assert_eq!(counts.of("token_cache_lookups_total"), "hit 2\nmiss 2");
    assert_eq!(
        counts.of("rejections_total"),
        "invalid_token algorithm 1\ninvalid_token expired 1"
    );
}

#[test]
fn token_is_evicted_as_expired_only_after_leeway() {
    let minute = Duration::from_secs(60);
    // The cache has eight places. One token has a short lifetime and is read twice, so that it is
    // evicted for no other reason.
    for (elapsed, expected) in [
        (Duration::from_secs(40), "hit 2\nmiss 9"),
        (Duration::from_secs(80), "hit 8\nmiss 9"),
    ] {
        let counts = counted(async |_| {
            let clock = FixedClock::new();
            let verifier = testing::verifier().clock(clock.clock()).leeway(minute);
            let verifier = verifier.unwrap().cache(8);
            let verify = |token: &String| drop(JwtVerifier::verify_token(&verifier, token));
            let issue = |lifetime: Duration| {
                let issuer = testing::issuer().clock(clock.clock()).lifetime(lifetime);
                issuer.issue("jane").unwrap()
            };
            let short = issue(minute / 6);
            let others: [String; 7] = std::array::from_fn(|_| issue(minute * 60));
            for token in [&short, &short].into_iter().chain(&others) {
                verify(token);
            }
            clock.advance(elapsed);
            verify(&issue(minute));
            match elapsed > minute {
                true => others.iter().for_each(verify),
                false => verify(&short),
            }
        });
        let lookups = counts.of("token_cache_lookups_total");
        assert_eq!(lookups, expected, "{elapsed:?}");
    }
}
