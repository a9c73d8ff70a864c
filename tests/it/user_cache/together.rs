//! Concurrent misses share one load if it is recent enough.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_concurrent_misses_share_one_load() {
    let fixture = Arc::new(Fixture::new(|cache| cache));
    fixture.store.becomes(Mood::Waits);
    let arrived = Arc::new(Semaphore::new(0));
    let requests = (0..1000).map(|_| {
        let (fixture, arrived) = (Arc::clone(&fixture), Arc::clone(&arrived));
        tokio::spawn(async move {
            let asked = fixture.identity("jane").await;
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
    assert_eq!(fixture.store.loads(), 1);
    fixture.store.open();
    for name in join_all(requests).await {
        assert_eq!(name.unwrap(), "Jane");
    }
    assert_eq!(fixture.store.loads(), 1);
}

#[tokio::test]
async fn load_survives_cancellation_of_its_first_request() {
    let fixture = Fixture::new(|cache| cache);
    fixture.store.becomes(Mood::Waits);
    let (leader, follower) = (
        fixture.identity("jane").await,
        fixture.identity("jane").await,
    );
    let mut first = Box::pin(leader.user());
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(follower.user());
    assert!(poll!(&mut second).is_pending());

    drop(first);
    fixture.store.open();
    assert_eq!(second.await.unwrap().name, "Jane");
    fixture.name("jane").await.unwrap();
    assert_eq!(fixture.store.loads(), 1);
}

#[tokio::test]
async fn load_without_waiters_is_cancelled() {
    let fixture = Fixture::new(|cache| cache);
    fixture.store.becomes(Mood::Waits);
    for _ in 0..2 {
        assert!(fixture.name("jane").now_or_never().is_none());
    }
    assert_eq!(fixture.store.loads(), 2);
    fixture.store.becomes(Mood::Answers);
    assert_eq!(fixture.name("jane").await.unwrap(), "Jane");
}

#[tokio::test]
async fn failed_or_panicking_load_is_503_for_all_waiters() {
    for mood in [Mood::Fails, Mood::Panics] {
        let fixture = Fixture::new(|cache| cache);
        fixture.store.becomes(mood);
        let all = join_all((0..3).map(|_| fixture.name("jane"))).await;
        for error in all {
            assert_eq!(error.unwrap_err().kind(), AuthErrorKind::Unavailable);
        }
    }
}

#[tokio::test]
async fn timed_out_load_is_not_joined() {
    let store = Store::is(Mood::Hangs);
    let late = Arc::new(Notify::new());
    let alarm = Arc::clone(&late);
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store))
        .user_cache(UserCache::new(16))
        .timeout_with(SECOND, move |_| {
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
    // The store has recovered; the second request still waits for the load that hangs.
    store.becomes(Mood::Answers);
    assert!(poll!(&mut second).is_pending());
    let third = ask(&layer, "jane").await;
    assert_eq!(third.user().await.unwrap().name, "Jane");
}

#[tokio::test]
async fn load_older_than_the_ttl_is_not_joined() {
    let (stage, layer, cache) = Stage::new(Order::ReadsThenWaits);
    let clock = FixedClock::new();
    let layer = layer.user_cache(cache.clock(clock.clock()));
    let early = ask(&layer, "jane").await;
    let mut early = pin!(early.user());
    assert!(poll!(&mut early).is_pending());
    stage.put(disabled());
    clock.advance(5 * SECOND);

    stage.becomes(Order::Reads);
    let late = ask(&layer, "jane").await;
    let late = late.user().now_or_never().unwrap();
    assert_eq!(late.unwrap().status, UserStatus::Disabled);
    stage.gate.add_permits(1);
    assert_eq!(early.await.unwrap().status, UserStatus::Approved);
    let next = ask(&layer, "jane").await;
    assert_eq!(next.user().await.unwrap().status, UserStatus::Disabled);
}

#[tokio::test]
async fn rejection_of_one_token_does_not_affect_another() {
    let loader = Arc::new(TenantLoader(Semaphore::new(0)));
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&loader));
    let layer = layer.user_cache(UserCache::new(16));
    let odd = ask(&layer, "jane").await;
    let mut odd = pin!(odd.user());
    assert!(poll!(&mut odd).is_pending());
    let tokens = testing::issuer();
    let token = tokens
        .token("jane")
        .claims(&serde_json::json!({"tenant": "a"}));
    let good = identity(&layer, get_with("/", &token.issue().unwrap())).await;
    let mut good = pin!(good.user());
    assert!(poll!(&mut good).is_pending());
    loader.0.add_permits(2);
    assert_eq!(odd.await.unwrap_err().kind(), AuthErrorKind::InvalidToken);
    assert_eq!(good.await.unwrap().name, "a");
}

#[tokio::test]
async fn parked_first_request_does_not_block_other_waiters() {
    let fixture = Fixture::new(|cache| cache);
    fixture.store.becomes(Mood::Waits);
    let (leader, follower) = (
        fixture.identity("jane").await,
        fixture.identity("jane").await,
    );
    let mut first = Box::pin(leader.user());
    assert!(poll!(&mut first).is_pending());
    let second = tokio::spawn(async move { follower.user().await });
    tokio::task::yield_now().await;
    fixture.store.open();
    assert_eq!(second.await.unwrap().unwrap().name, "Jane");
    assert_eq!(fixture.store.loads(), 1);
    assert_eq!(first.await.unwrap().name, "Jane");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelled_requests_leave_no_waiter_hanging() {
    let layer = AuthLayer::new(testing::verifier(), Slow).user_cache(UserCache::new(8));
    for round in 0..300_usize {
        let subject = format!("user-{round}");
        let requests = (0..8).map(|_| {
            let (layer, subject) = (layer.clone(), subject.clone());
            tokio::spawn(async move { ask(&layer, &subject).await.user().await.unwrap() })
        });
        let requests: Vec<_> = requests.collect();
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        for (number, request) in requests.into_iter().enumerate() {
            if (round + number) % 3 == 0 {
                request.abort();
            } else {
                assert_eq!(request.await.unwrap().name, "Jane");
            }
        }
    }
}

/// Loader that yields three times before it answers.
struct Slow;

#[async_trait]
impl UserLoader for Slow {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        Ok(Some(TestUser::approved("Jane")))
    }
}

/// Loader that rejects tokens without a tenant.
struct TenantLoader(Semaphore);

#[async_trait]
impl UserLoader for TenantLoader {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        self.0.acquire().await?.forget();
        #[derive(serde::Deserialize)]
        struct Tenant {
            tenant: String,
        }
        let claims: Tenant = claims.deserialize()?;
        Ok(Some(TestUser::approved(&claims.tenant)))
    }
}
