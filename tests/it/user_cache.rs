//! U1, U2 and U7 of a cache before the loader: a hit asks nobody, a change is seen in time, and
//! nothing that failed or was overtaken is kept.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use tokio::sync::{Notify, Semaphore};
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{
    AuthError, AuthErrorKind, AuthLayer, BoxError, Claims, Identity, UserCache, UserLoader,
    UserStatus, async_trait,
};

use crate::support::{Mood, Store, get_with, identity};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn cached_user_is_not_asked_for_until_the_time_to_live_is_over() {
    let door = Door::new(|cache| cache.time_to_live(5 * SECOND));
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
    let clock = tower_warder::Clock::from_fn(move || *now.lock().unwrap());
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

    let door = Door::new(|cache| cache.unknown_time_to_live(SECOND));
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
async fn load_that_had_read_before_the_change_does_not_fill_the_cache_after_the_invalidation() {
    for all in [false, true] {
        let (stage, layer, cache) = Stage::new(Order::ReadsThenWaits);
        let early = ask(&layer, "jane").await;
        let mut early = pin!(early.user());
        assert!(poll!(&mut early).is_pending());

        stage.put(disabled());
        match all {
            true => cache.invalidate_all(),
            false => cache.invalidate("jane"),
        }
        // Whoever comes now does not join the load of before.
        let late = ask(&layer, "jane").await;
        let mut late = pin!(late.user());
        assert!(poll!(&mut late).is_pending());

        stage.gate.add_permits(2);
        assert_eq!(early.await.unwrap().status, UserStatus::Approved);
        assert_eq!(late.await.unwrap().status, UserStatus::Disabled);
        let next = ask(&layer, "jane").await;
        assert_eq!(next.user().await.unwrap().status, UserStatus::Disabled);
        assert_eq!(stage.loads(), 2);
    }
}

#[tokio::test]
async fn late_end_of_an_overtaken_load_does_not_replace_what_came_after() {
    let (stage, layer, cache) = Stage::new(Order::ReadsThenWaits);
    let early = ask(&layer, "jane").await;
    let mut early = pin!(early.user());
    assert!(poll!(&mut early).is_pending());
    stage.put(disabled());
    cache.invalidate("jane");

    stage.becomes(Order::Reads);
    let late = ask(&layer, "jane").await;
    assert_eq!(late.user().await.unwrap().status, UserStatus::Disabled);

    stage.gate.add_permits(1);
    assert_eq!(early.await.unwrap().status, UserStatus::Approved);
    let next = ask(&layer, "jane").await;
    assert_eq!(next.user().await.unwrap().status, UserStatus::Disabled);
    assert_eq!(stage.loads(), 2);
}

#[tokio::test]
async fn change_that_comes_before_the_load_reads_is_seen_by_it() {
    let (stage, layer, cache) = Stage::new(Order::WaitsThenReads);
    let early = ask(&layer, "jane").await;
    let mut early = pin!(early.user());
    assert!(poll!(&mut early).is_pending());
    stage.put(disabled());
    cache.invalidate("jane");
    stage.gate.add_permits(2);
    assert_eq!(early.await.unwrap().status, UserStatus::Disabled);
    let next = ask(&layer, "jane").await;
    assert_eq!(next.user().await.unwrap().status, UserStatus::Disabled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_misses_at_once_are_one_load() {
    let door = Arc::new(Door::new(|cache| cache));
    door.store.becomes(Mood::Waits);
    let arrived = Arc::new(Semaphore::new(0));
    let requests = (0..1000).map(|_| {
        let (door, arrived) = (Arc::clone(&door), Arc::clone(&arrived));
        tokio::spawn(async move {
            let asked = door.identity("jane").await;
            let mut user = pin!(asked.user());
            let first = poll!(&mut user);
            arrived.add_permits(1);
            match first {
                std::task::Poll::Ready(user) => user.unwrap().name.clone(),
                std::task::Poll::Pending => user.await.unwrap().name.clone(),
            }
        })
    });
    let requests: Vec<_> = requests.collect();
    let _all = arrived.acquire_many(1000).await.unwrap();
    assert_eq!(door.store.loads(), 1);
    door.store.open();
    for name in join_all(requests).await {
        assert_eq!(name.unwrap(), "Jane");
    }
    assert_eq!(door.store.loads(), 1);
}

#[tokio::test]
async fn request_that_began_the_load_may_go_and_the_others_have_it() {
    let door = Door::new(|cache| cache);
    door.store.becomes(Mood::Waits);
    let (leader, follower) = (door.identity("jane").await, door.identity("jane").await);
    let mut first = Box::pin(leader.user());
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(follower.user());
    assert!(poll!(&mut second).is_pending());

    drop(first);
    door.store.open();
    assert_eq!(second.await.unwrap().name, "Jane");
    door.name("jane").await.unwrap();
    assert_eq!(door.store.loads(), 1);
}

#[tokio::test]
async fn load_that_nobody_waits_for_is_over() {
    let door = Door::new(|cache| cache);
    door.store.becomes(Mood::Waits);
    for _ in 0..2 {
        assert!(door.name("jane").now_or_never().is_none());
    }
    assert_eq!(door.store.loads(), 2);
    door.store.becomes(Mood::Answers);
    assert_eq!(door.name("jane").await.unwrap(), "Jane");
}

#[tokio::test]
async fn load_that_panics_or_fails_is_503_for_all_who_wait() {
    for mood in [Mood::Fails, Mood::Panics] {
        let door = Door::new(|cache| cache);
        door.store.becomes(mood);
        let all = join_all((0..3).map(|_| door.name("jane"))).await;
        for error in all {
            assert_eq!(error.unwrap_err().kind(), AuthErrorKind::Unavailable);
        }
    }
}

#[tokio::test]
async fn load_that_took_too_long_is_not_joined_any_more() {
    let store = Store::is(Mood::Hangs);
    let late = Arc::new(Notify::new());
    let alarm = Arc::clone(&late);
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store))
        .user_cache(UserCache::new(16))
        .loader_timeout(SECOND, move |_| {
            let alarm = Arc::clone(&alarm);
            async move { alarm.notified().await }
        });
    let (first, second) = (ask(&layer, "jane").await, ask(&layer, "jane").await);
    let (mut first, mut second) = (pin!(first.user()), pin!(second.user()));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    assert_eq!(store.loads(), 1);

    late.notify_one();
    assert_eq!(first.await.unwrap_err().kind(), AuthErrorKind::Unavailable);
    // The store has recovered; the second still waits for the load that hangs.
    store.becomes(Mood::Answers);
    assert!(poll!(&mut second).is_pending());
    let third = ask(&layer, "jane").await;
    assert_eq!(third.user().await.unwrap().name, "Jane");
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
async fn same_subject_of_two_issuers_is_two_users() {
    let cache = UserCache::new(16);
    let layer = AuthLayer::new(testing::verifier(), Issuers).user_cache(cache.clone());
    for _ in 0..2 {
        for issuer in [Some("a"), Some("b"), None] {
            let mut tokens = testing::issuer();
            if let Some(issuer) = issuer {
                tokens = tokens.issuer(issuer);
            }
            let asked = identity(&layer, get_with("/", &tokens.issue("7").unwrap())).await;
            assert_eq!(asked.user().await.unwrap().name, issuer.unwrap_or("none"));
        }
    }
}

#[tokio::test]
async fn loader_says_what_its_users_are_found_by() {
    let tenants = Arc::new(Tenants(Mutex::new(0)));
    let cache = UserCache::new(16);
    // Also through an `Arc`.
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&tenants)).user_cache(cache.clone());
    let of = async |tenant: &str| {
        let claims = serde_json::json!({"tenant": tenant});
        let token = testing::issuer()
            .token("7")
            .claims(&claims)
            .issue()
            .unwrap();
        let asked = identity(&layer, get_with("/", &token)).await;
        asked.user().await.unwrap().name.clone()
    };
    for _ in 0..2 {
        assert_eq!((of("a").await, of("b").await), ("a".into(), "b".into()));
    }
    assert_eq!(*tenants.0.lock().unwrap(), 2);
    cache.invalidate("a/7");
    assert_eq!((of("a").await, of("b").await), ("a".into(), "b".into()));
    assert_eq!(*tenants.0.lock().unwrap(), 3);

    // A tenant that the loader does not want cached.
    for loads in [4, 5] {
        of("volatile").await;
        assert_eq!(*tenants.0.lock().unwrap(), loads);
    }
}

#[tokio::test]
async fn debug_of_a_cache_shows_no_user() {
    let door = Door::new(|cache| cache);
    door.name("jane").await.unwrap();
    let shown = format!("{:?} {:#?}", door.cache, door.cache);
    assert!(!shown.to_lowercase().contains("jane"), "{shown}");
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

/// A store of one user that reads and waits in the order of the test.
struct Stage {
    user: Mutex<TestUser>,
    order: Mutex<Order>,
    loads: Mutex<usize>,
    gate: Semaphore,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Reads,
    ReadsThenWaits,
    WaitsThenReads,
}

impl Stage {
    fn new(order: Order) -> (Arc<Self>, AuthLayer<TestUser>, UserCache<TestUser>) {
        let stage = Arc::new(Self {
            user: Mutex::new(TestUser::approved("Jane")),
            order: Mutex::new(order),
            loads: Mutex::new(0),
            gate: Semaphore::new(0),
        });
        let cache = UserCache::new(16);
        let layer = AuthLayer::new(testing::verifier(), Arc::clone(&stage));
        (stage, layer.user_cache(cache.clone()), cache)
    }

    fn put(&self, user: TestUser) {
        *self.user.lock().unwrap() = user;
    }

    fn becomes(&self, order: Order) {
        *self.order.lock().unwrap() = order;
    }

    fn loads(&self) -> usize {
        *self.loads.lock().unwrap()
    }

    fn read(&self) -> TestUser {
        self.user.lock().unwrap().clone()
    }

    fn pass(&self) -> impl Future<Output = ()> {
        self.gate.acquire().map(|permit| permit.unwrap().forget())
    }
}

#[async_trait]
impl UserLoader for Stage {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        *self.loads.lock().unwrap() += 1;
        let order = *self.order.lock().unwrap();
        let user = match order {
            Order::Reads => self.read(),
            Order::ReadsThenWaits => {
                let user = self.read();
                self.pass().await;
                user
            }
            Order::WaitsThenReads => {
                self.pass().await;
                self.read()
            }
        };
        Ok(Some(user))
    }
}

/// Calls every user after the issuer.
struct Issuers;

#[async_trait]
impl UserLoader for Issuers {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        let issuer = claims.issuer().unwrap_or("none");
        Ok(Some(TestUser::approved(issuer)))
    }
}

/// Calls every user after the tenant, and counts.
struct Tenants(Mutex<usize>);

impl Tenants {
    fn of(claims: &Claims) -> String {
        let claims: serde_json::Value = claims.custom().unwrap();
        claims["tenant"].as_str().unwrap().to_owned()
    }
}

#[async_trait]
impl UserLoader for Tenants {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        *self.0.lock().unwrap() += 1;
        Ok(Some(TestUser::approved(&Self::of(claims))))
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        let tenant = Self::of(claims);
        (tenant != "volatile").then(|| format!("{tenant}/{}", claims.subject()).into())
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
