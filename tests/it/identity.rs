//! Lazy verification and loading through `Identity`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get as on_get;
use futures_util::{FutureExt, poll};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::testing::{self, TestUser};
use tower_warder::{AdminUser, AuthLayer, Claims, CurrentUser, Identity, RequireLayer};

use crate::support::{Counting, Mood, Store, get, get_with, identity, layer, send};

#[tokio::test]
async fn public_route_verifies_and_loads_nothing() {
    let (app, verified, store) = counted();
    let answer = send(&app, get_with("/public", &testing::token("root"))).await;
    assert_eq!(answer.body, "public");
    assert_eq!((count(&verified), store.loads()), (0, 0));
}

#[tokio::test]
async fn claims_cost_one_verification_and_no_load() {
    let (app, verified, store) = counted();
    let answer = send(&app, get_with("/claims", &testing::token("root"))).await;
    assert_eq!(answer.body, "root");
    assert_eq!((count(&verified), store.loads()), (1, 0));
}

#[tokio::test]
async fn all_extractors_share_one_verification_and_load() {
    let (app, verified, store) = counted();
    let answer = send(&app, get_with("/everybody", &testing::token("root"))).await;
    assert_eq!(answer.body, "Root Root Root root");
    assert_eq!((count(&verified), store.loads()), (1, 1));
}

#[tokio::test]
async fn invalid_token_is_verified_once_and_loads_nothing() {
    let (app, verified, store) = counted();
    let answer = send(&app, get_with("/option", "a.b.c")).await;
    assert_eq!(answer.status, 401);
    assert_eq!((count(&verified), store.loads()), (1, 0));
}

#[tokio::test]
async fn request_without_a_token_verifies_nothing() {
    let (app, verified, store) = counted();
    assert_eq!(send(&app, get("/everybody")).await.status, 401);
    assert_eq!(send(&app, get("/option")).await.body, "false");
    assert_eq!((count(&verified), store.loads()), (0, 0));
}

#[tokio::test]
async fn failed_load_is_cached_for_one_request_only() {
    let store = Store::is(Mood::Fails);
    let layer = layer(&store);
    let asked = identity(&layer, get_with("/", &testing::token("jane"))).await;
    for _ in 0..2 {
        let error = asked.user().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    }
    store.becomes(Mood::Answers);
    assert!(asked.clone().user().await.is_err());
    assert_eq!(store.loads(), 1);

    let next = identity(&layer, get_with("/", &testing::token("jane"))).await;
    assert_eq!(next.user().await.unwrap().name, "Jane");
}

#[tokio::test]
async fn load_cancelled_with_its_only_waiter_restarts() {
    let store = Store::is(Mood::Waits);
    let identity = identity(&layer(&store), get_with("/", &testing::token("jane"))).await;
    assert!(identity.user().now_or_never().is_none());
    assert_eq!(store.loads(), 1);

    store.open();
    assert_eq!(identity.user().await.unwrap().name, "Jane");
    assert_eq!(store.loads(), 2);
}

#[tokio::test]
async fn waiter_takes_over_a_cancelled_load() {
    let store = Store::is(Mood::Waits);
    let identity = identity(&layer(&store), get_with("/", &testing::token("jane"))).await;
    let mut first = Box::pin(identity.user());
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(identity.user());
    assert!(poll!(&mut second).is_pending());
    assert_eq!(store.loads(), 1);

    drop(first);
    store.open();
    assert_eq!(second.await.unwrap().name, "Jane");
    assert_eq!(store.loads(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiters_share_one_load() {
    let store = Store::is(Mood::Waits);
    let (verifier, verified) = Counting::new();
    let layer = AuthLayer::new(verifier, Arc::clone(&store));
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
    let waiters: Vec<_> = (0..1000)
        .map(|_| {
            let identity = identity.clone();
            tokio::spawn(async move { identity.user().await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    // Every third waiter is cancelled.
    let patient = waiters.into_iter().enumerate().filter_map(|(n, waiter)| {
        if n % 3 == 1 {
            waiter.abort();
            return None;
        }
        Some(waiter)
    });
    let patient: Vec<_> = patient.collect();
    store.open();

    let jane = identity.user().await.unwrap();
    for waiter in patient {
        assert!(Arc::ptr_eq(&jane, &waiter.await.unwrap()));
    }
    assert_eq!(count(&verified), 1);
}

#[tokio::test]
async fn identity_outlives_its_request() {
    let store = Store::new();
    let identity = {
        let layer = layer(&store);
        identity(&layer, get_with("/", &testing::token("jane"))).await
    };
    let user = tokio::spawn(async move { identity.user().await });
    assert_eq!(user.await.unwrap().unwrap().name, "Jane");
}

#[tokio::test]
async fn async_verifier_is_called_once() {
    let (remote, called, asked) = Remote::new();
    let store = Store::new();
    let layer = AuthLayer::new(remote, Arc::clone(&store));
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;

    assert_eq!(identity.claims().await.unwrap().subject(), "jane");
    assert_eq!(identity.user().await.unwrap().name, "Jane");
    assert_eq!(identity.try_claims().unwrap().unwrap().subject(), "jane");
    assert_eq!((count(&called), count(&asked)), (1, 1));
}

#[tokio::test]
async fn user_behind_async_verifier_costs_one_verification() {
    let (remote, called, asked) = Remote::new();
    let store = Store::new();
    let layer = AuthLayer::new(remote, Arc::clone(&store));
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
    assert_eq!(identity.user().await.unwrap().name, "Jane");
    assert_eq!((count(&called), count(&asked)), (1, 1));
}

#[tokio::test]
async fn waiters_share_one_async_verification() {
    let (remote, _, asked) = Remote::new();
    let store = Store::new();
    let layer = AuthLayer::new(remote, Arc::clone(&store));
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
    let (claims, again, user) = tokio::join!(identity.claims(), identity.claims(), identity.user());
    assert!(claims.is_ok() && again.is_ok() && user.is_ok());
    assert_eq!((count(&asked), store.loads()), (1, 1));
}

#[tokio::test]
async fn try_claims_never_starts_async_verification() {
    let (remote, _, asked) = Remote::new();
    let layer = AuthLayer::new(remote, Store::new());
    let sent = identity(&layer, get_with("/", &testing::token("jane"))).await;
    assert!(sent.try_claims().is_none());
    assert_eq!(count(&asked), 0);

    let anonymous = identity(&layer, get("/")).await;
    let error = anonymous.try_claims().unwrap().unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::MissingCredential);
}

#[tokio::test]
async fn guards_and_extractors_share_one_async_verification() {
    let (remote, _, asked) = Remote::new();
    let store = Store::new();
    let app = routes(AuthLayer::new(remote, Arc::clone(&store)));
    let answer = send(&app, get_with("/everybody", &testing::token("root"))).await;
    assert_eq!(answer.body, "Root Root Root root");
    assert_eq!((count(&asked), store.loads()), (1, 1));
}

#[tokio::test]
async fn cancelled_async_verification_restarts() {
    let (remote, _, asked) = Remote::new();
    let layer = AuthLayer::new(remote, Store::new());
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
    assert!(identity.claims().now_or_never().is_none());
    assert_eq!(identity.claims().await.unwrap().subject(), "jane");
    assert_eq!(count(&asked), 2);
}

#[tokio::test]
async fn claims_are_available_while_user_loads() {
    let store = Store::is(Mood::Waits);
    let identity = identity(&layer(&store), get_with("/", &testing::token("jane"))).await;
    let mut user = pin!(identity.user());
    assert!(poll!(&mut user).is_pending());
    assert_eq!(at_once(identity.claims()).unwrap().subject(), "jane");
}

/// Verifier that answers asynchronously, with counters of calls and of started verifications.
struct Remote {
    called: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Remote {
    fn new() -> (Self, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let (called, asked) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let this = Self {
            called: Arc::clone(&called),
            asked: Arc::clone(&asked),
        };
        (this, called, asked)
    }
}

impl Verifier for Remote {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        self.called.fetch_add(1, Ordering::SeqCst);
        Verification::Pending(Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            testing::verifier().verify_token(credential)
        }))
    }
}

fn counted() -> (Router, Arc<AtomicUsize>, Arc<Store>) {
    let store = Store::new();
    let (verifier, verified) = Counting::new();
    let app = routes(AuthLayer::new(verifier, Arc::clone(&store)));
    (app, verified, store)
}

fn routes(layer: AuthLayer<TestUser>) -> Router {
    let everybody = on_get(
        async |CurrentUser(user): CurrentUser<TestUser>,
               admin: AdminUser<TestUser>,
               claims: Claims,
               identity: Identity<TestUser>| {
            let again = identity.user().await.unwrap();
            format!(
                "{} {} {} {}",
                user.name,
                admin.name,
                again.name,
                claims.subject()
            )
        },
    );
    Router::new()
        .route("/everybody", everybody)
        .layer(RequireLayer::<TestUser>::approved())
        .layer(RequireLayer::<TestUser>::from_fn(|user, _| user.is_admin))
        .route("/public", on_get(async || "public"))
        .route(
            "/claims",
            on_get(async |claims: Claims| claims.subject().to_owned()),
        )
        .route(
            "/option",
            on_get(async |user: Option<CurrentUser<TestUser>>| user.is_some().to_string()),
        )
        .layer(layer)
}

fn at_once<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("an answer at once")
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

#[tokio::test]
async fn verifier_is_not_called_for_malformed_or_oversized_tokens() {
    let (app, verified, _) = counted();
    for credential in [
        "a b".to_owned(),
        "a,b".to_owned(),
        "a=b".to_owned(),
        "a".repeat(8 * 1024 + 1),
    ] {
        let answer = send(&app, get_with("/claims", &credential)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["code"], "invalid_token");
        assert_eq!(count(&verified), 0, "{credential}");
    }
    send(&app, get_with("/claims", &"a".repeat(8 * 1024))).await;
    assert_eq!(count(&verified), 1);
}
