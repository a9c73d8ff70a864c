//! The contract of tower services: readiness, concurrency, errors and cancellation.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::{FutureExt, poll};
use http::{Request, Response};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::policy::{Admin, Denied, Policy};
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthLayer, Claims, Identity, RequireLayer};

use crate::support::{Mood, Store, get, get_with, inside, layer};

#[tokio::test]
async fn polled_ready_service_is_the_one_called() {
    for mood in [Mood::Answers, Mood::Waits] {
        let store = Store::is(mood);
        let mut stack = ServiceBuilder::new()
            .layer(layer(&store))
            .layer(RequireLayer::<TestUser>::approved())
            // The user is loaded already, so the guard does not wait.
            .layer(RequireLayer::<TestUser>::from_fn(|user, _| {
                !user.name.is_empty()
            }))
            .service(inside());
        for (token, status) in [("jane", 200), ("nobody", 401), ("jane", 200), ("paul", 401)] {
            store.open();
            let request = get_with("/", &testing::token(token));
            let response = stack.ready().await.unwrap().call(request).await.unwrap();
            assert_eq!(response.status(), status, "{token}");
            let rejected = stack.ready().await.unwrap().call(get("/")).await.unwrap();
            assert_eq!(rejected.status(), 401);
        }
    }
}

#[tokio::test]
async fn requests_of_one_service_run_concurrently() {
    let store = Store::is(Mood::Waits);
    let mut stack = ServiceBuilder::new()
        .layer(layer(&store))
        .layer(RequireLayer::<TestUser>::approved())
        .service(inside());
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let request = get_with("/", &testing::token("jane"));
        waiting.push(stack.ready().await.unwrap().call(request));
    }
    (0..3).for_each(|_| store.open());
    for response in waiting.into_iter().rev() {
        assert_eq!(response.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn inner_service_error_passes_unchanged() {
    for mood in [Mood::Answers, Mood::Waits] {
        let store = Store::is(mood);
        store.open();
        let stack = ServiceBuilder::new()
            .layer(layer(&store))
            .layer(RequireLayer::<TestUser>::approved())
            .service(Broken { when_asked: false });
        let error = stack
            .oneshot(get_with("/", &testing::token("jane")))
            .await
            .unwrap_err();
        assert_eq!(error, Failure("called"));
    }
}

#[tokio::test]
async fn readiness_error_passes_unchanged() {
    let mut stack = ServiceBuilder::new()
        .layer(layer(&Store::new()))
        .layer(RequireLayer::<TestUser>::approved())
        .service(Broken { when_asked: true });
    assert_eq!(stack.ready().await.unwrap_err(), Failure("asked"));
}

#[tokio::test]
async fn readiness_does_not_wait_for_the_verifier() {
    struct Never;

    impl Verifier for Never {
        fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
            Verification::Pending(Box::pin(std::future::pending()))
        }
    }

    let mut stack = ServiceBuilder::new()
        .layer(AuthLayer::new(Never, Store::is(Mood::Hangs)))
        .layer(RequireLayer::<TestUser>::approved())
        .service(inside());
    for _ in 0..2 {
        assert!(poll!(stack.ready()).is_ready());
        let waiting = stack.call(get_with("/", &testing::token("jane")));
        assert!(poll!(std::pin::pin!(waiting)).is_pending());
    }
}

#[tokio::test]
async fn readiness_follows_the_inner_service() {
    struct Busy;

    impl Service<Request<Body>> for Busy {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            unreachable!("never ready")
        }
    }

    impl Clone for Busy {
        fn clone(&self) -> Self {
            Self
        }
    }

    let mut stack = ServiceBuilder::new()
        .layer(layer(&Store::new()))
        .layer(RequireLayer::<TestUser>::approved())
        .service(Busy);
    assert!(poll!(stack.ready()).is_pending());
}

#[tokio::test]
async fn dropped_future_leaves_nothing_behind() {
    let store = Store::is(Mood::Waits);
    let policy = Arc::new(AtomicUsize::new(0));
    let counted = Counted(Arc::clone(&policy));
    let mut stack = ServiceBuilder::new()
        .layer(layer(&store))
        .layer(RequireLayer::<TestUser>::new(counted))
        .service(tower::service_fn(async |_: Request<Body>| {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let idle = (Arc::strong_count(&store), Arc::strong_count(&policy));

    for polls in 0.. {
        let call = stack
            .ready()
            .await
            .unwrap()
            .call(get_with("/", &testing::token("jane")));
        let mut call = Box::pin(call);
        let mut done = false;
        for n in 0..polls {
            // The store answers before the third poll.
            if n == 2 {
                store.open();
            }
            done = poll!(&mut call).is_ready();
        }
        drop(call);
        assert_eq!(
            (Arc::strong_count(&store), Arc::strong_count(&policy)),
            idle,
            "{polls}"
        );
        if done {
            assert_eq!(policy.load(Ordering::SeqCst), 2);
            return;
        }
    }
}

#[test]
fn futures_and_services_are_send() {
    fn sendable<T: Send + 'static>(_: &T) {}
    let mut stack = ServiceBuilder::new()
        .layer(layer(&Store::new()))
        .layer(RequireLayer::<TestUser>::approved())
        .service(inside());
    sendable(&stack);
    assert!(stack.ready().now_or_never().is_some());
    let call = stack.call(get("/"));
    sendable(&call);

    let identity: Option<Identity<TestUser>> = None;
    sendable(&identity);
    sendable(&async move {
        let identity = identity?;
        identity.require(&Admin).await.ok()
    });
}

/// Service that fails in `poll_ready` or in `call`.
#[derive(Clone, Debug)]
struct Broken {
    when_asked: bool,
}

#[derive(Debug, PartialEq)]
struct Failure(&'static str);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {}

impl Service<Request<Body>> for Broken {
    type Response = Response<Body>;
    type Error = Failure;
    type Future = Ready<Result<Response<Body>, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(if self.when_asked {
            Err(Failure("asked"))
        } else {
            Ok(())
        })
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Err(Failure("called")))
    }
}

/// Policy that counts its checks.
struct Counted(Arc<AtomicUsize>);

impl Policy<TestUser> for Counted {
    fn check(&self, _: &TestUser, _: &Claims) -> Result<(), Denied> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
