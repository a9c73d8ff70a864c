//! U1, U2 and U7 of a cache before the loader: a hit asks nobody, a change is seen in time, and
//! nothing that failed or was overtaken is kept.

mod follow;
mod keys;
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
async fn cached_user_is_not_asked_for_until_the_time_to_live_is_over() {
    let door = Door::new(|cache| cache.ttl(5 * SECOND));
    for _ in 0..3 {
        assert_eq!(door.name("jane").await.unwrap(), "Jane");
    }
    door.clock.advance(5 * SECOND - Duration::from_nanos(1));
    door.name("jane").await.unwrap();
    assert_eq!(door.store.loads(), 1);

    door.store.put("jane", disabled());
    door.clock.advance(Duration::from_nanos(1));
    assert_eq!(door.status("jane").await, UserStatus::Disabled);
    assert_eq!(door.store.loads(), 2);
}

#[tokio::test]
async fn five_seconds_are_the_default_and_the_load_itself_counts() {
    let door = Door::new(|cache| cache);
    door.store.becomes(Mood::Waits);
    let asked = door.identity("jane").await;
    let mut waiting = pin!(asked.user());
    assert!(poll!(&mut waiting).is_pending());
    door.clock.advance(4 * SECOND);
    door.store.open();
    waiting.await.unwrap();

    door.store.becomes(Mood::Answers);
    door.name("jane").await.unwrap();
    assert_eq!(door.store.loads(), 1);
    door.clock.advance(SECOND);
    door.name("jane").await.unwrap();
    assert_eq!(door.store.loads(), 2);
}

#[tokio::test]
async fn clock_that_is_set_back_prolongs_nothing() {
    let door = Door::new(|cache| cache);
    door.name("jane").await.unwrap();
    let past = Arc::new(Mutex::new(door.clock.now() - SECOND));
    let now = Arc::clone(&past);
    let clock = tower_warder::clock::Clock::from_fn(move || *now.lock().unwrap());
    let door = Door::new(|cache| cache.clock(clock.clone()));
    door.name("jane").await.unwrap();
    *past.lock().unwrap() -= 10 * SECOND;
    door.name("jane").await.unwrap();
    assert_eq!(door.store.loads(), 2);
}

#[tokio::test]
async fn errors_and_panics_are_never_kept() {
    let door = Door::new(|cache| cache);
    for mood in [Mood::Fails, Mood::Panics] {
        door.store.becomes(mood);
        for _ in 0..2 {
            let error = door.name("jane").await.unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
        }
    }
    assert_eq!(door.store.loads(), 4);
    door.store.becomes(Mood::Answers);
    door.name("jane").await.unwrap();
}

#[tokio::test]
async fn unknown_users_are_asked_for_again_unless_that_is_chosen_otherwise() {
    let door = Door::new(|cache| cache);
    for _ in 0..2 {
        let error = door.name("nobody").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
    assert_eq!(door.store.loads(), 2);

    let door = Door::new(|cache| cache.negative_ttl(SECOND));
    for _ in 0..2 {
        let error = door.name("nobody").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
    assert_eq!(door.store.loads(), 1);
    door.store.put("nobody", TestUser::approved("Nobody"));
    door.clock.advance(SECOND);
    assert_eq!(door.name("nobody").await.unwrap(), "Nobody");
}

#[tokio::test]
async fn user_who_is_found_to_be_gone_is_forgotten() {
    let door = Door::new(|cache| cache);
    door.name("jane").await.unwrap();
    door.store.remove("jane");
    for token in [generation(1), testing::token("jane")] {
        let error = door.name_of(&token).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
}

#[tokio::test]
async fn token_of_another_generation_asks_the_store_before_it_is_refused() {
    let door = Door::new(|cache| cache);
    door.name("jane").await.unwrap();

    // The password was reset elsewhere, and the user has logged in again.
    let renewed = TestUser {
        token_generation: 1,
        ..TestUser::approved("Jane")
    };
    door.store.put("jane", renewed);
    assert_eq!(door.name_of(&generation(1)).await.unwrap(), "Jane");
    assert_eq!(door.store.loads(), 2);

    // The earlier token is dead, however often it comes; the living one is not disturbed.
    for loads in [3, 4] {
        let error = door.name("jane").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
        assert_eq!(door.store.loads(), loads);
    }
    assert_eq!(door.name_of(&generation(1)).await.unwrap(), "Jane");
    assert_eq!(door.store.loads(), 4);
}

#[tokio::test]
async fn invalidated_user_is_asked_for_at_once_and_the_others_stay() {
    let door = Door::new(|cache| cache);
    for subject in ["jane", "root"] {
        door.name(subject).await.unwrap();
    }
    door.store.put("jane", disabled());
    door.cache.invalidate("jane");
    assert_eq!(door.status("jane").await, UserStatus::Disabled);
    door.name("root").await.unwrap();
    assert_eq!(door.store.loads(), 3);

    door.cache.invalidate_all();
    for subject in ["jane", "root"] {
        door.status(subject).await;
    }
    assert_eq!(door.store.loads(), 5);
}

#[tokio::test]
async fn cache_that_is_full_goes_on_and_stays_right() {
    let door = Door::new(|cache| cache);
    let names: Vec<String> = (0..1000).map(|n| format!("user-{n}")).collect();
    let leak = |name: &String| -> &'static str { Box::leak(name.clone().into_boxed_str()) };
    for name in &names {
        door.store.put(leak(name), TestUser::approved(name));
    }
    for _ in 0..2 {
        for name in &names {
            assert_eq!(door.name(name).await.unwrap(), *name);
        }
    }
    assert!(
        door.store.loads() > 1000,
        "16 places do not keep a thousand"
    );
}

#[tokio::test]
async fn debug_of_a_cache_shows_no_user() {
    let door = Door::new(|cache| cache);
    door.name("jane").await.unwrap();
    let shown = format!("{:?} {:#?}", door.cache, door.cache);
    assert!(!shown.to_lowercase().contains("jane"), "{shown}");
}

#[tokio::test]
async fn token_of_an_earlier_generation_is_dead_once_the_later_one_is_known() {
    // Seven users of eight come again, so that Jane takes the place of the one who does not.
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

        // The others' time is over, and their places are free.
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
async fn cache_of_no_capacity_is_a_small_one() {
    let door = Door::new(|_| UserCache::new(0));
    for _ in 0..2 {
        door.name("jane").await.unwrap();
        door.name("root").await.unwrap();
    }
    assert_eq!(door.store.loads(), 2);
}

/// A layer with a cache over a store.
struct Door {
    store: Arc<Store>,
    cache: UserCache<TestUser>,
    layer: AuthLayer<TestUser>,
    clock: FixedClock,
}

impl Door {
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
