//! Streams end when their request is no longer authorized.

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
async fn authorized_stream_passes_every_check() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    for checks in 1..5 {
        assert!(poll!(&mut denied).is_pending());
        assert_eq!(fixture.store.loads(), checks);
        assert!(poll!(&mut denied).is_pending());
        assert_eq!(fixture.store.loads(), checks);
        timer.rings();
    }
}

#[tokio::test]
async fn disabled_user_ends_the_stream_at_the_next_check() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    fixture.store.put("jane", disabled());
    assert!(poll!(&mut denied).is_pending());
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
}

#[tokio::test]
async fn invalidated_user_ends_the_stream_immediately() {
    for all in [false, true] {
        let cache = UserCache::new(64);
        let fixture = Fixture::new(Some(cache.clone()));
        let (mut denied, _timer) = fixture.watch("jane", Approved).await;
        let (mut other, _other) = fixture.watch("root", Approved).await;
        assert!(poll!(&mut denied).is_pending() && poll!(&mut other).is_pending());
        fixture.store.put("jane", disabled());
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
async fn invalidation_during_a_check_is_seen() {
    let cache = UserCache::new(64);
    let fixture = Fixture::new(Some(cache.clone()));
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    cache.invalidate("jane");
    fixture.store.becomes(Mood::Waits);
    assert!(poll!(&mut denied).is_pending());
    timer.expects(&[Fixture::INTERVAL, Fixture::INTERVAL, Fixture::INTERVAL]);
    // The check waits for the store, which will return the user as it was before the change.
    let disabled = disabled();
    cache.invalidate("jane");
    fixture.store.open();
    assert!(poll!(&mut denied).is_pending());
    fixture.store.put("jane", disabled);
    fixture.store.open();
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
}

#[tokio::test]
async fn expired_token_ends_the_stream() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    fixture.clock.advance(WEEK - Duration::from_millis(1));
    timer.rings();
    assert!(poll!(&mut denied).is_pending());
    fixture.clock.advance(Duration::from_millis(1));
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn stream_is_checked_when_the_token_expires() {
    let store = Store::new();
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store));
    let issuer = testing::issuer().lifetime(Duration::from_secs(9));
    let request = get_with("/", &issuer.issue("jane").unwrap());
    let (mut denied, timer) = watch(&layer, request, Approved).await;
    assert!(poll!(&mut denied).is_pending());
    let waits = timer.waits();
    assert_eq!(waits[0], Fixture::INTERVAL);
    assert!(waits[1] <= Duration::from_secs(9) && waits[1] > Duration::from_secs(5));
}

#[tokio::test]
async fn later_generation_ends_the_stream() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    let reset = TestUser {
        token_generation: 1,
        ..TestUser::approved("Jane")
    };
    fixture.store.put("jane", reset);
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn deleted_user_ends_the_stream_at_the_next_check() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    fixture.store.remove("jane");
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn later_policy_denial_ends_the_stream() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("root", Admin).await;
    assert!(poll!(&mut denied).is_pending());
    fixture.store.put("root", TestUser::approved("Root"));
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::Forbidden);
}

#[tokio::test]
async fn removed_key_ends_the_stream() {
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
async fn stream_opened_by_a_ticket_lasts_as_long_as_its_token() {
    let fixture = Fixture::new(None);
    let layer = fixture.layer();
    let layer = layer
        .credentials(
            CredentialSource::header()
                .with_query_token("/events")
                .unwrap(),
        )
        .stream_tickets(StreamTickets::new(8).clock(fixture.clock.clock()));
    let asks = identity(&layer, get_with("/", &fixture.token("jane"))).await;
    let ticket = asks.issue_stream_ticket().await.unwrap();
    let opens = get(&format!("/events?token={}", ticket.as_str()));
    let (mut denied, timer) = watch(&layer, opens, Approved).await;
    // The stream lasts longer than the ticket.
    for _ in 0..3 {
        assert!(poll!(&mut denied).is_pending());
        fixture.clock.advance(WEEK / 3);
        timer.rings();
    }
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);

    let again = get(&format!("/events?token={}", ticket.as_str()));
    let (denied, _timer) = watch(&layer, again, Approved).await;
    assert_eq!(denied.await.kind(), AuthErrorKind::InvalidToken);
}

#[tokio::test]
async fn failing_store_ends_the_stream() {
    for mood in [Mood::Fails, Mood::Panics] {
        let fixture = Fixture::new(None);
        let (mut denied, timer) = fixture.watch("jane", Approved).await;
        assert!(poll!(&mut denied).is_pending());
        fixture.store.becomes(mood);
        timer.rings();
        assert_eq!(denied.await.kind(), AuthErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn hanging_store_ends_the_stream_after_the_interval() {
    let fixture = Fixture::new(None);
    let (mut denied, timer) = fixture.watch("jane", Approved).await;
    assert!(poll!(&mut denied).is_pending());
    fixture.store.becomes(Mood::Hangs);
    timer.rings();
    assert!(poll!(&mut denied).is_pending());
    timer.rings();
    assert_eq!(denied.await.kind(), AuthErrorKind::Unavailable);
}

#[tokio::test]
async fn unauthorized_stream_ends_immediately() {
    let fixture = Fixture::new(None);
    for (subject, kind) in [
        ("paul", AuthErrorKind::AccountPending),
        ("dora", AuthErrorKind::AccountDisabled),
        ("nobody", AuthErrorKind::InvalidToken),
    ] {
        let (denied, _timer) = fixture.watch(subject, Approved).await;
        assert_eq!(denied.now_or_never().unwrap().kind(), kind);
    }
    let (denied, _timer) = watch(&fixture.layer(), get("/"), Approved).await;
    let error = denied.now_or_never().unwrap();
    assert_eq!(error.kind(), AuthErrorKind::MissingCredential);
}

#[tokio::test]
async fn disclosed_account_status_is_the_reason() {
    let fixture = Fixture::new(None);
    let layer = fixture.layer().disclose_account_status(true);
    let request = get_with("/", &fixture.token("dora"));
    let (denied, _timer) = watch(&layer, request, Approved).await;
    assert_eq!(denied.await.detail(), "Account disabled");
}

#[tokio::test]
async fn event_stream_ends_with_authorization() {
    let fixture = Fixture::new(None);
    let (denied, timer) = fixture.watch("jane", Approved).await;
    let (sender, receiver) = mpsc::unbounded_channel();
    let events = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|event| (event, receiver))
    });
    let mut events = pin!(events.take_until(denied));
    sender.send(1).unwrap();
    assert_eq!(events.next().await, Some(1));
    fixture.store.put("jane", disabled());
    sender.send(2).unwrap();
    assert_eq!(events.next().await, Some(2));
    timer.rings();
    sender.send(3).unwrap();
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn stream_checks_do_not_change_the_request_identity() {
    let fixture = Fixture::new(None);
    let request = get_with("/", &fixture.token("jane"));
    let identity = identity(&fixture.layer(), request).await;
    let user = identity.user().await.unwrap();
    fixture.store.put("jane", disabled());
    let denied =
        identity
            .clone()
            .until_unauthorized(Approved, Fixture::INTERVAL, tokio::time::sleep);
    assert_eq!(denied.await.kind(), AuthErrorKind::AccountDisabled);
    assert!(Arc::ptr_eq(&user, &identity.user().await.unwrap()));
}

#[tokio::test]
async fn zero_interval_is_one_second() {
    let fixture = Fixture::new(None);
    let request = get_with("/", &fixture.token("jane"));
    let identity = identity(&fixture.layer(), request).await;
    let waits = std::sync::Mutex::new(Vec::new());
    let denied = identity.until_unauthorized(Approved, Duration::ZERO, |wait| {
        waits.lock().unwrap().push(wait);
        std::future::pending()
    });
    assert!(denied.now_or_never().is_none());
    assert_eq!(*waits.lock().unwrap(), [Duration::from_secs(1); 2]);
}

struct Fixture {
    store: Arc<Store>,
    clock: FixedClock,
    cache: Option<UserCache<TestUser>>,
}

impl Fixture {
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

/// Sleeps of one stream, which end when the test says so.
struct Timer {
    ring: tokio::sync::watch::Sender<u32>,
    waits: Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Timer {
    /// Ends every pending sleep.
    fn rings(&self) {
        self.ring.send_modify(|count| *count += 1);
    }

    fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }

    /// Asserts the durations of all sleeps so far.
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
    let denied = identity.until_unauthorized(policy, Fixture::INTERVAL, sleep);
    (denied.boxed(), timer)
}

fn disabled() -> TestUser {
    TestUser {
        status: UserStatus::Disabled,
        ..TestUser::approved("Jane")
    }
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
