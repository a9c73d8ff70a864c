//! Test user loader and verifier.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use tokio::sync::Semaphore;
use tower::{Layer, ServiceExt};
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::testing::{self, TestUser};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, Identity, JwtVerifier, UserLoader, UserStatus,
    async_trait,
};

/// User loader that counts its calls, with a configurable behavior.
#[derive(Debug)]
pub struct Store {
    users: Mutex<HashMap<&'static str, TestUser>>,
    mood: Mutex<Mood>,
    loads: AtomicUsize,
    gate: Semaphore,
}

/// Behavior of a [`Store`].
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    Answers,
    /// Answers once the test [opens](Store::open) the gate.
    Waits,
    Hangs,
    Fails,
    Panics,
}

impl Store {
    /// Creates a store with `jane`, `root` (an admin), `paul` (pending) and `dora` (disabled).
    pub fn new() -> Arc<Self> {
        let with = |status, user| TestUser { status, ..user };
        Arc::new(Self {
            users: Mutex::new(HashMap::from([
                ("jane", TestUser::approved("Jane")),
                ("root", TestUser::admin("Root")),
                ("paul", with(UserStatus::Pending, TestUser::admin("Paul"))),
                ("dora", with(UserStatus::Disabled, TestUser::admin("Dora"))),
            ])),
            mood: Mutex::new(Mood::Answers),
            loads: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        })
    }

    pub fn is(mood: Mood) -> Arc<Self> {
        let this = Self::new();
        this.becomes(mood);
        this
    }

    pub fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn put(&self, subject: &'static str, user: TestUser) {
        self.users.lock().unwrap().insert(subject, user);
    }

    pub fn remove(&self, subject: &str) {
        self.users.lock().unwrap().remove(subject);
    }

    /// Releases one waiting load.
    pub fn open(&self) {
        self.gate.add_permits(1);
    }

    /// Number of loads that were started.
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl UserLoader for Store {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => {}
            Mood::Waits => self.gate.acquire().await?.forget(),
            Mood::Hangs => pending().await,
            Mood::Fails => return Err(OUTAGE.into()),
            Mood::Panics => panic!("{OUTAGE}"),
        }
        Ok(self.users.lock().unwrap().get(claims.subject()).cloned())
    }
}

/// Error text that may appear in the log, but not in a response.
pub const OUTAGE: &str = "connection to db.internal:5432 lost";

/// Returns the usual layer over a store.
pub fn layer(store: &Arc<Store>) -> AuthLayer<TestUser> {
    AuthLayer::new(testing::verifier(), Arc::clone(store))
}

/// Verifier that counts its calls.
pub struct Counting {
    verifier: JwtVerifier,
    count: Arc<AtomicUsize>,
}

impl Counting {
    pub fn new() -> (Self, Arc<AtomicUsize>) {
        let count = Arc::default();
        let verifier = testing::verifier();
        let this = Self {
            verifier,
            count: Arc::clone(&count),
        };
        (this, count)
    }
}

impl Verifier for Counting {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.verifier.verify(credential)
    }
}

/// Returns the identity that `layer` attaches to a request.
pub async fn identity<U: AuthUser>(layer: &AuthLayer<U>, request: Request<Body>) -> Identity<U> {
    let inner = tower::service_fn(|request: Request<Body>| {
        ready(Ok::<_, Infallible>(Identity::from_extensions(
            request.extensions(),
        )))
    });
    layer.layer(inner).oneshot(request).await.unwrap().unwrap()
}
