//! Streams end when who opened them would not be let in any more.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, poll, stream};
use http::Request;
use tokio::sync::mpsc;
use tower_warder::cache::UserCache;
use tower_warder::credentials::CredentialSource;
use tower_warder::error::AuthErrorKind;
use tower_warder::keys::{KeyRing, SigningKey};
use tower_warder::policy::{Admin, Approved, Policy};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{
    AuthError, AuthLayer, HmacSecret, Identity, JwtIssuer, JwtVerifier, UserStatus,
};

use crate::support::{Mood, Store, get, get_with, identity};

#[tokio::test]
async fn whoever_is_admitted_stays_through_every_check() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    for checks in 1..5 {
        assert!(poll!(&mut denied).is_pending());
        assert_eq!(house.store.loads(), checks);
        assert!(poll!(&mut denied).is_pending());
        assert_eq!(house.store.loads(), checks);
        timer.rings();
    }
}

#[tokio::test]
async fn disabled_user_is_out_at_the_next_check() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    house.store.put("jane", disabled());
    assert!(poll!(&mut denied).is_pending());
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
}

#[tokio::test]
async fn disabled_user_is_out_at_once_where_it_is_invalidated() {
    for all in [false, true] {
        let cache = UserCache::new(64);
        let house = House::new(Some(cache.clone()));
        let (mut denied, _timer) = house.watch("jane", Approved).await;
        let (mut other, _other) = house.watch("root", Approved).await;
        assert!(poll!(&mut denied).is_pending() && poll!(&mut other).is_pending());
        house.store.put("jane", disabled());
        assert!(poll!(&mut denied).is_pending());
        let task = tokio::spawn(denied);
        tokio::task::yield_now().await;
        match all {
            false => cache.invalidate("jane"),
            true => cache.invalidate_all(),
        }
        assert_eq!(task.await.unwrap().kind(), AuthErrorKind::AccountDisabled);
        assert!(poll!(&mut other).is_pending());
    }
}

#[tokio::test]
async fn a_change_that_is_invalidated_during_a_check_is_seen() {
    let cache = UserCache::new(64);
    let house = House::new(Some(cache.clone()));
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    cache.invalidate("jane");
    house.store.becomes(Mood::Waits);
    assert!(poll!(&mut denied).is_pending());
    timer.expects(&[House::INTERVAL, House::INTERVAL, House::INTERVAL]);
    // The check waits for the store, which will find Jane as she was.
    let disabled = disabled();
    cache.invalidate("jane");
    house.store.open();
    assert!(poll!(&mut denied).is_pending());
    house.store.put("jane", disabled);
    house.store.open();
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
}

#[tokio::test]
async fn expired_token_ends_the_stream() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    house.clock.advance(WEEK - Duration::from_millis(1));
    timer.rings();
    assert!(poll!(&mut denied).is_pending());
    house.clock.advance(Duration::from_millis(1));
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn it_looks_again_when_the_token_expires() {
    let store = Store::new();
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store));
    let issuer = testing::issuer().lifetime(Duration::from_secs(9));
    let request = get_with("/", &issuer.issue("jane").unwrap());
    let (mut denied, timer) = watch(&layer, request, Approved).await;
    assert!(poll!(&mut denied).is_pending());
    let waits = timer.waits();
    assert_eq!(waits[0], House::INTERVAL);
    assert!(waits[1] <= Duration::from_secs(9) && waits[1] > Duration::from_secs(5));
}

#[tokio::test]
async fn a_later_generation_ends_the_stream() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    let reset = TestUser {
        token_generation: 1,
        ..TestUser::approved("Jane")
    };
    house.store.put("jane", reset);
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn a_deleted_user_is_out_at_the_next_check() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    house.store.remove("jane");
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn a_policy_that_says_no_later_ends_the_stream() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("root", Admin).await;
    assert!(poll!(&mut denied).is_pending());
    house.store.put("root", TestUser::approved("Root"));
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::Forbidden);
}

#[tokio::test]
async fn a_removed_key_ends_the_stream() {
    let secret = HmacSecret::generate();
    let ring = KeyRing::new();
    let old = SigningKey::hs256(&secret).key_id("old");
    ring.set_signing_key(old).unwrap();
    let token = JwtIssuer::ring(&ring).issue("jane").unwrap();
    let layer = AuthLayer::new(JwtVerifier::ring(&ring), Store::new());
    let (mut denied, timer) = watch(&layer, get_with("/", &token), Approved).await;
    assert!(poll!(&mut denied).is_pending());
    let new = SigningKey::hs256(&HmacSecret::generate()).key_id("new");
    ring.set_signing_key(new).unwrap();
    ring.remove("old");
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn a_stream_of_a_ticket_lives_as_long_as_its_token() {
    let house = House::new(None);
    let layer = house.layer();
    let layer = layer
        .credentials(
            CredentialSource::header()
                .with_query_token("/events")
                .unwrap(),
        )
        .stream_tickets(StreamTickets::new(8).clock(house.clock.clock()));
    let asks = identity(&layer, get_with("/", &house.token("jane"))).await;
    let ticket = asks.issue_stream_ticket().await.unwrap();
    let opens = get(&format!("/events?token={}", ticket.as_str()));
    let (mut denied, timer) = watch(&layer, opens, Approved).await;
    // Long after the ticket has expired.
    for _ in 0..3 {
        assert!(poll!(&mut denied).is_pending());
        house.clock.advance(WEEK / 3);
        timer.rings();
    }
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);

    let again = get(&format!("/events?token={}", ticket.as_str()));
    let (denied, _timer) = watch(&layer, again, Approved).await;
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn a_store_that_cannot_answer_ends_the_stream() {
    for mood in [Mood::Fails, Mood::Panics] {
        let house = House::new(None);
        let (mut denied, timer) = house.watch("jane", Approved).await;
        assert!(poll!(&mut denied).is_pending());
        house.store.becomes(mood);
        timer.rings();
        assert_eq!(denied.await.kind(), AuthErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_store_that_hangs_ends_the_stream_after_the_interval() {
    let house = House::new(None);
    let (mut denied, timer) = house.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    house.store.becomes(Mood::Hangs);
    timer.rings();
    assert!(poll!(&mut denied).is_pending());
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::Unavailable);
}

#[tokio::test]
async fn whoever_would_not_be_let_in_is_told_at_once() {
    let house = House::new(None);
    for (subject, kind) in [
        ("paul", AuthErrorKind::AccountPending),
        ("dora", AuthErrorKind::AccountDisabled),
        ("nobody", AuthErrorKind::InvalidToken),
    ] {
        let (denied, _timer) = house.watch(subject, Approved).await;
        assert_eq!(denied.now_or_never().unwrap().kind(), kind);
    }
    let (denied, _timer) = watch(&house.layer(), get("/"), Approved).await;
    let error = denied.now_or_never().unwrap();
    assert_eq!(error.kind(), AuthErrorKind::MissingCredential);
}

#[tokio::test]
async fn a_disclosed_status_is_the_reason() {
    let house = House::new(None);
    let layer = house.layer().disclose_account_status(true);
    let request = get_with("/", &house.token("dora"));
    let (denied, _timer) = watch(&layer, request, Approved).await;
    assert_eq!(denied.await.detail(), "Account disabled");
}

#[tokio::test]
async fn a_stream_ends_with_the_admission() {
    let house = House::new(None);
    let (denied, timer) = house.watch("jane", Approved).await;
    let (sender, receiver) = mpsc::unbounded_channel();
    let events = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|event| (event, receiver))
    });
    let mut events = pin!(events.take_until(denied));
    sender.send(1).unwrap();
    assert_eq!(events.next().await, Some(1));
    house.store.put("jane", disabled());
    sender.send(2).unwrap();
    assert_eq!(events.next().await, Some(2));
    timer.rings();
    sender.send(3).unwrap();
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_memory_of_the_request_stays_what_it_was() {
    let house = House::new(None);
    let request = get_with("/", &house.token("jane"));
    let identity = identity(&house.layer(), request).await;
    let user = identity.user().await.unwrap();
    house.store.put("jane", disabled());
    let denied = identity
        .clone()
        .until_unauthorized(Approved, House::INTERVAL, tokio::time::sleep);
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
    assert!(Arc::ptr_eq(&user, &identity.user().await.unwrap()));
}

#[tokio::test]
async fn an_interval_of_nothing_is_a_second() {
    let house = House::new(None);
    let request = get_with("/", &house.token("jane"));
    let identity = identity(&house.layer(), request).await;
    let waits = std::sync::Mutex::new(Vec::new());
    let denied = identity.until_unauthorized(Approved, Duration::ZERO, |wait| {
        waits.lock().unwrap().push(wait);
        std::future::pending()
    });
    assert!(denied.now_or_never().is_none());
    assert_eq!(*waits.lock().unwrap(), [Duration::from_secs(1); 2]);
}

struct House {
    store: Arc<Store>,
    clock: FixedClock,
    cache: Option<UserCache<TestUser>>,
}

impl House {
    const INTERVAL: Duration = Duration::from_secs(30);

    fn new(cache: Option<UserCache<TestUser>>) -> Self {
        Self {
            store: Store::new(),
            clock: FixedClock::new(),
            cache,
        }
    }

    fn token(&self, subject: &str) -> String {
        let issuer = testing::issuer().clock(self.clock.clock());
        issuer.lifetime(WEEK).issue(subject).unwrap()
    }

    fn layer(&self) -> AuthLayer<TestUser> {
        let verifier = testing::verifier().clock(self.clock.clock());
        let layer = AuthLayer::new(verifier, Arc::clone(&self.store));
        match &self.cache {
            Some(cache) => layer.user_cache(cache.clone()),
            None => layer,
        }
    }

    async fn watch(&self, subject: &str, policy: impl Policy<TestUser>) -> (Denied, Timer) {
        let request = get_with("/", &self.token(subject));
        watch(&self.layer(), request, policy).await
    }
}

type Denied = Pin<Box<dyn Future<Output = AuthError> + Send>>;

/// The sleeps of one stream, which last until the test says so.
struct Timer {
    ring: tokio::sync::watch::Sender<u32>,
    waits: Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Timer {
    /// Ends every sleep that was begun.
    fn rings(&self) {
        self.ring.send_modify(|count| *count += 1);
    }

    fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }

    /// How long it was to sleep so far.
    fn expects(&self, waits: &[Duration]) {
        assert_eq!(self.waits(), waits);
    }
}

async fn watch(
    layer: &AuthLayer<TestUser>,
    request: Request<axum::body::Body>,
    policy: impl Policy<TestUser>,
) -> (Denied, Timer) {
    let identity: Identity<TestUser> = identity(layer, request).await;
    let ring = tokio::sync::watch::Sender::new(0);
    let waits = Arc::<std::sync::Mutex<Vec<Duration>>>::default();
    let timer = Timer {
        ring: ring.clone(),
        waits: Arc::clone(&waits),
    };
    let sleep = move |wait| {
        waits.lock().unwrap().push(wait);
        let mut rung = ring.subscribe();
        async move { drop(rung.changed().await) }
    };
    let denied = identity.until_unauthorized(policy, House::INTERVAL, sleep);
    (denied.boxed(), timer)
}

fn disabled() -> TestUser {
    TestUser {
        status: UserStatus::Disabled,
        ..TestUser::approved("Jane")
    }
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
