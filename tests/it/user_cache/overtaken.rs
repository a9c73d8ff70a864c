//! Loads that are overtaken by an invalidation are not cached.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::*;

#[tokio::test]
async fn load_read_before_an_invalidation_is_not_cached() {
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
        // A request after the invalidation does not join the earlier load.
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
async fn overtaken_load_does_not_replace_a_newer_one() {
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
async fn load_sees_a_change_made_before_it_reads() {
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

#[test]
fn user_drop_may_call_the_cache() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let cache = UserCache::new(8);
        let layer = AuthLayer::new(testing::verifier(), InvalidatesOnDropLoader(cache.clone()));
        let layer = layer.user_cache(cache.clone());
        let ask = |subject: &str| {
            let request = get_with("/", &testing::token(subject));
            let user = async { identity(&layer, request).await.user().await };
            user.now_or_never().unwrap().unwrap();
        };
        for subject in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            ask(subject);
        }
        for subject in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            cache.invalidate(subject);
        }
        ask("a");
        cache.invalidate_all();
        done.send(()).unwrap();
    });
    wait.recv_timeout(10 * SECOND).expect("no deadlock");
}

#[tokio::test]
async fn loader_may_invalidate_the_user_it_loads() {
    let cache = UserCache::new(16);
    let loader = Arc::new(InvalidatingLoader(cache.clone(), Mutex::new(0)));
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&loader)).user_cache(cache);
    for loads in [1, 2] {
        ask(&layer, "jane").await.user().await.unwrap();
        assert_eq!(*loader.1.lock().unwrap(), loads);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn request_after_an_invalidation_never_sees_older_data() {
    let store = Arc::new(Versions::default());
    let cache = UserCache::new(8);
    let layer = AuthLayer::new(testing::verifier(), Arc::clone(&store)).user_cache(cache.clone());
    let readers = (0..3).map(|_| {
        let (layer, store) = (layer.clone(), Arc::clone(&store));
        tokio::spawn(async move {
            while !store.over.load(SeqCst) {
                let announced = store.announced.load(SeqCst);
                let user = ask(&layer, "jane").await.user().await.unwrap();
                let version: u64 = user.name.parse().unwrap();
                assert!(version >= announced, "{version} after {announced}");
                store.asked.fetch_add(1, SeqCst);
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for version in 1..=300 {
        store.stored.store(version, SeqCst);
        match version % 2 {
            0 => cache.invalidate("jane"),
            _ => cache.invalidate_all(),
        }
        store.announced.store(version, SeqCst);
        let enough = store.asked.load(SeqCst) + version % 16;
        while store.asked.load(SeqCst) < enough
            && !readers.iter().any(|reader| reader.is_finished())
        {
            tokio::task::yield_now().await;
        }
    }
    store.over.store(true, SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(store.loads.load(SeqCst) < store.asked.load(SeqCst));
}

/// User that calls the cache when it is dropped.
struct InvalidatesOnDrop(UserCache<InvalidatesOnDrop>);

impl tower_warder::AuthUser for InvalidatesOnDrop {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

impl Drop for InvalidatesOnDrop {
    fn drop(&mut self) {
        self.0.invalidate("somebody");
    }
}

struct InvalidatesOnDropLoader(UserCache<InvalidatesOnDrop>);

#[async_trait]
impl UserLoader for InvalidatesOnDropLoader {
    type User = InvalidatesOnDrop;

    async fn load_user(&self, _: &Claims) -> Result<Option<InvalidatesOnDrop>, BoxError> {
        Ok(Some(InvalidatesOnDrop(self.0.clone())))
    }
}

/// Loader that invalidates the user that it loads.
struct InvalidatingLoader(UserCache<TestUser>, Mutex<usize>);

#[async_trait]
impl UserLoader for InvalidatingLoader {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        *self.1.lock().unwrap() += 1;
        self.0.invalidate(claims.subject());
        self.0.invalidate_all();
        Ok(Some(TestUser::approved("Jane")))
    }
}

/// Store of one user whose name is a version number.
#[derive(Default)]
struct Versions {
    // Version in the store, and version whose invalidation is complete.
    stored: AtomicU64,
    announced: AtomicU64,
    loads: AtomicU64,
    asked: AtomicU64,
    over: AtomicBool,
}

#[async_trait]
impl UserLoader for Versions {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        self.loads.fetch_add(1, SeqCst);
        let version = self.stored.load(SeqCst);
        // Another version may be stored before this one is returned.
        for _ in 0..version % 4 {
            tokio::task::yield_now().await;
        }
        Ok(Some(TestUser::approved(&version.to_string())))
    }
}
