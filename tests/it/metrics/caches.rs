//! Each look-up in a cache is a hit or a miss.

use tower_warder::testing::{self, FixedClock};
use tower_warder::{Approved, AuthLayer, UserCache};

use super::counted;
use crate::support::{Store, get_with, identity, layer};

#[test]
fn users_hit_or_miss() {
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
fn without_a_cache_there_is_nothing_to_look_up() {
    let counts = counted(async |_| {
        let layer = layer(&Store::new());
        let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
        identity.user().await.unwrap();
    });
    assert_eq!(counts.of("user_cache_lookups_total"), "");
    assert_eq!(counts.of("token_cache_lookups_total"), "");
}

#[test]
fn tokens_hit_or_miss() {
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
        // Found, and of no use.
        clock.advance(std::time::Duration::from_secs(365 * 24 * 3600));
        drop(identity(&layer, get_with("/", &token)).await.claims().await);
    });
    assert_eq!(counts.of("token_cache_lookups_total"), "hit 2\nmiss 2");
    assert_eq!(
        counts.of("refusals_total"),
        "invalid_token algorithm 1\ninvalid_token expired 1"
    );
}
