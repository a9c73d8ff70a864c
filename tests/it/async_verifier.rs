//! Verifiers that answer asynchronously: a failing key source is 503, logged once, and affects no
//! public route.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use tokio::time::{Instant, sleep};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthError, AuthLayer, Claims, CurrentUser, RequireLayer};

use crate::support::{Log, OUTAGE, Store, get, get_with, send};

#[tokio::test(start_paused = true)]
async fn failing_key_source_is_503_and_logged_once() {
    for keys in KEYS {
        for path in ["/extractor", "/claims", "/option", "/layer", "/both"] {
            let log = Log::record();
            let (app, store) = routes(keys);
            let answer = send(&app, get_with(path, &testing::token("jane"))).await;
            assert_eq!(answer.status, 503, "{keys:?} {path}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{keys:?} {path}");
            assert_eq!(answer.header("www-authenticate"), None, "{keys:?} {path}");
            assert_eq!(answer.json()["code"], "unavailable", "{keys:?} {path}");
            assert!(!format!("{answer:?}").contains("db.internal"), "{keys:?}");
            assert_eq!(
                log.lines("ERROR").len(),
                1,
                "{keys:?} {path}: {}",
                log.text()
            );
            let error = answer.extensions.get::<AuthError>().unwrap();
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
            assert_eq!(store.loads(), 0, "{keys:?} {path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn key_source_error_is_logged() {
    for keys in [Keys::Fail, Keys::FailLater] {
        let log = Log::record();
        send(&routes(keys).0, get_with("/layer", &testing::token("jane"))).await;
        assert!(log.text().contains(OUTAGE), "{keys:?}: {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn public_routes_answer_while_key_source_fails() {
    for keys in KEYS {
        let log = Log::record();
        let (app, _) = routes(keys);
        let start = Instant::now();
        for request in [get("/"), get_with("/", &testing::token("jane"))] {
            let answer = send(&app, request).await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (200, "public"));
        }
        assert_eq!(send(&app, get("/option")).await.body, "false", "{keys:?}");
        assert_eq!(send(&app, get("/layer")).await.status, 401, "{keys:?}");
        assert_eq!(start.elapsed(), Duration::ZERO, "{keys:?}");
        assert!(log.lines("ERROR").is_empty(), "{keys:?}: {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn request_waits_for_keys_until_timeout() {
    for path in ["/extractor", "/claims", "/option", "/layer", "/both"] {
        let (app, _) = routes(Keys::Hang);
        let start = Instant::now();
        send(&app, get_with(path, &testing::token("jane"))).await;
        assert_eq!(start.elapsed(), TIMEOUT, "{path}");
    }
}

/// Verifier that fetches its keys, by the way in which fetching them fails.
#[derive(Clone, Copy, Debug)]
enum Keys {
    Fail,
    FailLater,
    PanicLater,
    Hang,
}

const KEYS: [Keys; 4] = [Keys::Fail, Keys::FailLater, Keys::PanicLater, Keys::Hang];

impl Verifier for Keys {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        let error = AuthError::new(AuthErrorKind::Unavailable).with_source(OUTAGE);
        match self {
            Self::Fail => Verification::Ready(Err(error)),
            Self::FailLater => Verification::Pending(Box::pin(async {
                sleep(TIMEOUT / 2).await;
                Err(error)
            })),
            Self::PanicLater => Verification::Pending(Box::pin(async { panic!("{OUTAGE}") })),
            Self::Hang => Verification::Pending(Box::pin(pending())),
        }
    }
}

fn routes(keys: Keys) -> (Router, Arc<Store>) {
    let store = Store::new();
    let layer = AuthLayer::new(keys, Arc::clone(&store)).timeout_with(TIMEOUT, sleep);
    let app = Router::new()
        .route("/layer", on_get("in"))
        .route("/both", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(RequireLayer::<TestUser>::approved())
        .route("/extractor", on_get(async |_: CurrentUser<TestUser>| "in"))
        .route("/claims", on_get(async |_: Claims| "in"))
        .route(
            "/option",
            on_get(async |it: Option<CurrentUser<TestUser>>| it.is_some().to_string()),
        )
        .route("/", on_get("public"))
        .layer(layer);
    (app, store)
}

const TIMEOUT: Duration = Duration::from_secs(5);
