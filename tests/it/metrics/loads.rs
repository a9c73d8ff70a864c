//! Metrics of user loads.

use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use futures_util::{FutureExt, poll};
use tower_warder::cache::UserCache;
use tower_warder::error::AuthErrorKind;
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthError, AuthLayer, BoxError, Claims, CurrentUser, UserLoader, async_trait};

use super::counted;
use crate::support::{Mood, Store, get_with, identity, layer, send};

#[test]
fn loads_are_counted_by_outcome() {
    for (mood, subject, outcome) in [
        (Mood::Answers, "jane", "found 1"),
        (Mood::Answers, "dora", "found 1"),
        (Mood::Answers, "nobody", "unknown 1"),
        (Mood::Fails, "jane", "failed 1"),
        (Mood::Panics, "jane", "failed 1"),
        (Mood::Hangs, "jane", "abandoned 1"),
    ] {
        for cache in [None, Some(UserCache::new(8))] {
            let counts = counted(async |_| {
                let store = Store::is(mood);
                let mut layer = layer(&store).timeout_with(FIVE_SECONDS, tokio::time::sleep);
                if let Some(cache) = cache {
                    layer = layer.user_cache(cache);
                }
                send(&three_times(layer), get_with("/", &testing::token(subject))).await;
            });
            assert_eq!(counts.of("loads_total"), outcome, "{mood:?}");
            assert_eq!(counts.of("load_duration_seconds"), "1", "{mood:?}");
        }
    }
}

#[test]
fn token_rejected_by_the_loader_is_not_a_failed_load() {
    struct RejectingLoader;

    #[async_trait]
    impl UserLoader for RejectingLoader {
        type User = TestUser;

        async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
            Err(AuthError::new(AuthErrorKind::InvalidToken).into())
        }
    }

    let counts = counted(async |_| {
        let layer = AuthLayer::new(testing::verifier(), RejectingLoader);
        send(&three_times(layer), get_with("/", &testing::token("jane"))).await;
    });
    assert_eq!(counts.of("loads_total"), "refused 1");
}

#[test]
fn failed_load_is_counted_once_per_request() {
    let counts = counted(async |_| {
        let layer = layer(&Store::is(Mood::Fails));
        let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
        for _ in 0..3 {
            assert!(identity.user().await.is_err());
        }
    });
    assert_eq!(counts.of("loads_total"), "failed 1");
    assert_eq!(counts.of("rejections_total"), "unavailable none 1");
}

#[test]
fn cancelled_and_restarted_load_counts_twice() {
    let counts = counted(async |counts| {
        let store = Store::is(Mood::Hangs);
        let identity = identity(&layer(&store), get_with("/", &testing::token("jane"))).await;
        assert!(identity.user().now_or_never().is_none());
        assert_eq!(counts.of("loads_total"), "abandoned 1");
        store.becomes(Mood::Answers);
        identity.user().await.unwrap();
    });
    assert_eq!(counts.of("loads_total"), "abandoned 1\nfound 1");
}

#[test]
fn shared_load_counts_once() {
    let counts = counted(async |_| {
        let store = Store::is(Mood::Waits);
        let layer = layer(&store).user_cache(UserCache::new(8));
        let token = testing::token("jane");
        let one = identity(&layer, get_with("/", &token)).await;
        let other = identity(&layer, get_with("/", &token)).await;
        let (mut one, mut other) = (Box::pin(one.user()), Box::pin(other.user()));
        assert!(poll!(&mut one).is_pending() && poll!(&mut other).is_pending());
        store.open();
        assert!(one.await.is_ok() && other.await.is_ok());
    });
    assert_eq!(counts.of("loads_total"), "found 1");
    assert_eq!(counts.of("user_cache_lookups_total"), "miss 2");
}

fn three_times(layer: AuthLayer<TestUser>) -> Router {
    type User = CurrentUser<TestUser>;
    let handler = async |_: Result<User, AuthError>, _: Result<User, AuthError>, _: User| "in";
    Router::new().route("/", on_get(handler)).layer(layer)
}

const FIVE_SECONDS: Duration = Duration::from_secs(5);
