//! The user cache: hits need no load, changes are seen in time, failed and overtaken loads are not
//! cached.

mod follow;
mod keys;
mod model;
mod overtaken;
mod stage;
mod together;

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use tokio::sync::{Notify, Semaphore};
use tower_warder::cache::UserCache;
use tower_warder::error::AuthErrorKind;
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{
    AuthError, AuthLayer, BoxError, Claims, Identity, UserLoader, UserStatus, async_trait,
};

use self::stage::{Order, Stage};
use crate::support::{Mood, Store, get_with, identity};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn cached_user_is_not_loaded_until_ttl_ends() {
    let fixture = Fixture::new(|cache| cache.ttl(5 * SECOND));
    for _ in 0..3 {
        assert_eq!(fixture.name("jane").await.unwrap(), "Jane");
    }
    fixture.clock.advance(5 * SECOND - Duration::from_nanos(1));
    fixture.name("jane").await.unwrap();
    assert_eq!(fixture.store.loads(), 1);

    fixture.store.put("jane", disabled());
    fixture.clock.advance(Duration::from_nanos(1));
    assert_eq!(fixture.status("jane").await, UserStatus::Disabled);
    assert_eq!(fixture.store.loads(), 2);
}

#[tokio::test]
async fn ttl_defaults_to_5_seconds_including_load_time() {
    let fixture = Fixture::new(|cache| cache);
    fixture.store.becomes(Mood::Waits);
    let asked = fixture.identity("jane").await;
    let mut waiting = pin!(asked.user());
    assert!(poll!(&mut waiting).is_pending());
    fixture.clock.advance(4 * SECOND);
    fixture.store.open();
    waiting.await.unwrap();

    fixture.store.becomes(Mood::Answers);
    fixture.name("jane").await.unwrap();
    assert_eq!(fixture.store.loads(), 1);
    fixture.clock.advance(SECOND);
    fixture.name("jane").await.unwrap();
    assert_eq!(fixture.store.loads(), 2);
}

#[tokio::test]
async fn clock_set_back_does_not_extend_the_ttl() {
    let fixture = Fixture::new(|cache| cache);
    fixture.name("jane").await.unwrap();
    let past = Arc::new(Mutex::new(fixture.clock.now() - SECOND));
    let now = Arc::clone(&past);
    let clock = tower_warder::clock::Clock::from_fn(move || *now.lock().unwrap());
    let fixture = Fixture::new(|cache| cache.clock(clock.clone()));
    fixture.name("jane").await.unwrap();
    *past.lock().unwrap() -= 10 * SECOND;
    fixture.name("jane").await.unwrap();
    assert_eq!(fixture.store.loads(), 2);
}

#[tokio::test]
async fn errors_and_panics_are_never_cached() {
    let fixture = Fixture::new(|cache| cache);
    for mood in [Mood::Fails, Mood::Panics] {
        fixture.store.becomes(mood);
        for _ in 0..2 {
            let error = fixture.name("jane").await.unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
        }
    }
    assert_eq!(fixture.store.loads(), 4);
    fixture.store.becomes(Mood::Answers);
    fixture.name("jane").await.unwrap();
}

#[tokio::test]
async fn unknown_users_are_cached_only_if_configured() {
    let fixture = Fixture::new(|cache| cache);
    for _ in 0..2 {
        let error = fixture.name("nobody").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
    assert_eq!(fixture.store.loads(), 2);

    let fixture = Fixture::new(|cache| cache.negative_ttl(SECOND));
    for _ in 0..2 {
        let error = fixture.name("nobody").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
    assert_eq!(fixture.store.loads(), 1);
    fixture.store.put("nobody", TestUser::approved("Nobody"));
    fixture.clock.advance(SECOND);
    assert_eq!(fixture.name("nobody").await.unwrap(), "Nobody");
}

#[tokio::test]
async fn deleted_user_is_removed_from_the_cache() {
    let fixture = Fixture::new(|cache| cache);
    fixture.name("jane").await.unwrap();
    fixture.store.remove("jane");
    for token in [generation(1), testing::token("jane")] {
        let error = fixture.name_of(&token).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
}

#[tokio::test]
async fn token_of_another_generation_reloads_before_rejection() {
    let fixture = Fixture::new(|cache| cache);
    fixture.name("jane").await.unwrap();

    // Another instance reset the password, and the user has logged in again.
    let renewed = TestUser {
        token_generation: 1,
        ..TestUser::approved("Jane")
    };
    fixture.store.put("jane", renewed);
    assert_eq!(fixture.name_of(&generation(1)).await.unwrap(), "Jane");
    assert_eq!(fixture.store.loads(), 2);

    // The earlier token is rejected every time, without effect on the current one.
    for loads in [3, 4] {
        let error = fixture.name("jane").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
        assert_eq!(fixture.store.loads(), loads);
    }
    assert_eq!(fixture.name_of(&generation(1)).await.unwrap(), "Jane");
    assert_eq!(fixture.store.loads(), 4);
}

#[tokio::test]
async fn invalidation_reloads_only_that_user() {
    let fixture = Fixture::new(|cache| cache);
    for subject in ["jane", "root"] {
        fixture.name(subject).await.unwrap();
    }
    fixture.store.put("jane", disabled());
    fixture.cache.invalidate("jane");
    assert_eq!(fixture.status("jane").await, UserStatus::Disabled);
    fixture.name("root").await.unwrap();
    assert_eq!(fixture.store.loads(), 3);

    fixture.cache.invalidate_all();
    for subject in ["jane", "root"] {
        fixture.status(subject).await;
    }
    assert_eq!(fixture.store.loads(), 5);
}

#[tokio::test]
async fn full_cache_stays_correct() {
    let fixture = Fixture::new(|cache| cache);
    let names: Vec<String> = (0..1000).map(|n| format!("user-{n}")).collect();
    let leak = |name: &String| -> &'static str { Box::leak(name.clone().into_boxed_str()) };
    for name in &names {
        fixture.store.put(leak(name), TestUser::approved(name));
    }
    for _ in 0..2 {
        for name in &names {
            assert_eq!(fixture.name(name).await.unwrap(), *name);
        }
    }
    assert!(
        fixture.store.loads() > 1000,
        "16 places do not keep a thousand"
    );
}

#[tokio::test]
async fn cache_debug_shows_no_user() {
    let fixture = Fixture::new(|cache| cache);
    fixture.name("jane").await.unwrap();
    let shown = format!("{:?} {:#?}", fixture.cache, fixture.cache);
    assert!(!shown.to_lowercase().contains("jane"), "{shown}");
}

#[tokio::test]
async fn earlier_generation_is_rejected_once_a_later_one_is_known() {
    // Seven of eight users are read again, so that Jane evicts the eighth.
    for skipped in 0..8 {
        let store = Store::new();
        let clock = FixedClock::new();
        let cache = UserCache::new(8).clock(clock.clock());
        let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store)).user_cache(cache);
        let others = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for name in others {
            store.put(name, TestUser::approved(name));
            ask(&layer, name).await.user().await.unwrap();
        }
        for (number, name) in others.into_iter().enumerate() {
            if number != skipped {
                ask(&layer, name).await.user().await.unwrap();
            }
        }
        clock.advance(4 * SECOND);
        ask(&layer, "jane").await.user().await.unwrap();

        // The other entries have expired, and their slots are free.
        clock.advance(SECOND);
        let renewed = TestUser {
            token_generation: 1,
            ..TestUser::approved("Jane")
        };
        store.put("jane", renewed);
        let living = identity(&layer, get_with("/", &generation(1))).await;
        living.user().await.unwrap();
        let error = ask(&layer, "jane").await.user().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken, "{skipped}");
    }
}

#[tokio::test]
async fn zero_capacity_cache_is_a_small_cache() {
    let fixture = Fixture::new(|_| UserCache::new(0));
    for _ in 0..2 {
        fixture.name("jane").await.unwrap();
        fixture.name("root").await.unwrap();
    }
    assert_eq!(fixture.store.loads(), 2);
}

/// Layer with a cache in front of a store.
struct Fixture {
    store: Arc<Store>,
    cache: UserCache<TestUser>,
    layer: AuthLayer<TestUser>,
    clock: FixedClock,
}

impl Fixture {
    fn new(configure: impl FnOnce(UserCache<TestUser>) -> UserCache<TestUser>) -> Self {
        let (store, clock) = (Store::new(), FixedClock::new());
        let cache = configure(UserCache::new(16).clock(clock.clock()));
        let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store));
        Self {
            layer: layer.user_cache(cache.clone()),
            store,
            cache,
            clock,
        }
    }

    async fn identity(&self, subject: &str) -> Identity<TestUser> {
        ask(&self.layer, subject).await
    }

    async fn name(&self, subject: &str) -> Result<String, AuthError> {
        self.name_of(&testing::token(subject)).await
    }

    async fn name_of(&self, token: &str) -> Result<String, AuthError> {
        let asked = identity(&self.layer, get_with("/", token)).await;
        Ok(asked.user().await?.name.clone())
    }

    async fn status(&self, subject: &str) -> UserStatus {
        self.identity(subject).await.user().await.unwrap().status
    }
}

async fn ask(layer: &AuthLayer<TestUser>, subject: &str) -> Identity<TestUser> {
    identity(layer, get_with("/", &testing::token(subject))).await
}

fn disabled() -> TestUser {
    TestUser {
        status: UserStatus::Disabled,
        ..TestUser::approved("Jane")
    }
}

fn generation(generation: u64) -> String {
    let issuer = testing::issuer();
    issuer.token("jane").generation(generation).issue().unwrap()
}
