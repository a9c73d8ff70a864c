//! Failing user stores: 503, logged once, without effect on other routes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use futures_util::future::BoxFuture;
use futures_util::poll;
use tokio::time::{Instant, sleep};
use tower_warder::error::AuthErrorKind;
use tower_warder::testing::{self, TestUser};
use tower_warder::{
    AuthError, AuthLayer, AuthUser, BoxError, Claims, CurrentUser, Identity, RequireLayer,
    UserLoader, UserStatus, async_trait,
};

use crate::support::{Log, Mood, OUTAGE, Store, get, get_with, identity, layer, send};

#[tokio::test(start_paused = true)]
async fn failing_store_is_503_and_logged_once() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Hangs] {
        for path in ["/extractor", "/layer"] {
            let log = Log::record();
            let app = routes(bounded(&Store::is(mood)));
            let answer = send(&app, get_with(path, &testing::token("jane"))).await;
            assert_eq!(answer.status, 503, "{mood:?}");
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.header("www-authenticate"), None);
            assert!(!format!("{answer:?}").contains("db.internal"), "{mood:?}");
            assert_eq!(log.lines("ERROR").len(), 1, "{mood:?}: {}", log.text());
            let error = answer.extensions.get::<AuthError>().unwrap();
            assert_eq!(error.kind(), AuthErrorKind::Unavailable);
        }
    }
}

#[tokio::test]
async fn loader_that_panics_before_its_future_is_503() {
    struct PanickingLoader;

    impl UserLoader for PanickingLoader {
        type User = TestUser;

        fn load_user<'a, 'b, 'f>(
            &'a self,
            _: &'b Claims,
        ) -> BoxFuture<'f, Result<Option<TestUser>, BoxError>>
        where
            'a: 'f,
            'b: 'f,
        {
            panic!("{OUTAGE}")
        }
    }

    let app = routes(AuthLayer::new(testing::verifier(), PanickingLoader));
    for path in ["/extractor", "/layer"] {
        let answer = send(&app, get_with(path, &testing::token("jane"))).await;
        assert_eq!(answer.status, 503, "{path}");
    }
}

#[tokio::test]
async fn outage_start_and_end_are_logged_once() {
    let log = Log::record();
    let store = Store::is(Mood::Fails);
    let app = routes(layer(&store));
    let ask = |path| send(&app, get_with(path, &testing::token("jane")));
    for _ in 0..50 {
        for path in ["/extractor", "/layer"] {
            assert_eq!(ask(path).await.status, 503);
        }
    }
    let errors = log.lines("ERROR");
    assert!(
        errors.len() == 1 && errors[0].contains(OUTAGE),
        "{errors:?}"
    );
    // Every failure is logged at DEBUG.
    assert_eq!(log.lines("DEBUG").len(), 99);
    assert_eq!(log.lines("INFO"), [""; 0]);

    store.becomes(Mood::Answers);
    for _ in 0..3 {
        assert_eq!(ask("/layer").await.status, 200);
    }
    let over = log.lines("INFO");
    assert!(over.len() == 1 && over[0].contains("count=100"), "{over:?}");
    assert_eq!(log.lines("WARN"), [""; 0]);
}

#[tokio::test]
async fn missing_layer_is_logged_once() {
    struct Unlayered;

    impl AuthUser for Unlayered {
        fn status(&self) -> UserStatus {
            UserStatus::Approved
        }
    }

    let log = Log::record();
    let app = Router::new().route("/", on_get(async |_: CurrentUser<Unlayered>| "in"));
    for _ in 0..50 {
        assert_eq!(send(&app, get("/")).await.status, 500);
    }
    let errors = log.lines("ERROR");
    assert!(
        errors.len() == 1 && errors[0].contains("AuthLayer"),
        "{errors:?}"
    );
}

#[tokio::test]
async fn store_error_is_logged() {
    let log = Log::record();
    let app = routes(layer(&Store::is(Mood::Fails)));
    send(&app, get_with("/extractor", &testing::token("jane"))).await;
    assert!(log.text().contains(OUTAGE), "{}", log.text());
}

#[tokio::test]
async fn rejected_request_is_logged_at_debug() {
    let log = Log::record();
    let app = routes(layer(&Store::new()));
    for token in [
        testing::token("paul"),
        testing::token("nobody"),
        "a.b.c".into(),
    ] {
        assert_eq!(send(&app, get_with("/layer", &token)).await.status, 401);
    }
    send(&app, get("/layer")).await;
    assert!(log.lines("ERROR").is_empty() && log.lines("WARN").is_empty());
    assert_eq!(log.lines("DEBUG").len(), 3, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn public_routes_answer_during_an_outage() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Hangs] {
        let store = Store::is(mood);
        let app = routes(bounded(&store));
        for request in [get("/"), get_with("/", &testing::token("jane"))] {
            assert_eq!(send(&app, request).await.body, "public");
        }
        assert_eq!(send(&app, get("/option")).await.body, "false");
        let claims = send(&app, get_with("/claims", &testing::token("jane"))).await;
        assert_eq!(claims.body, "jane");
        assert_eq!(store.loads(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn request_waits_for_its_user_until_timeout() {
    let app = routes(bounded(&Store::is(Mood::Hangs)));
    let start = Instant::now();
    send(&app, get_with("/layer", &testing::token("jane"))).await;
    assert_eq!(start.elapsed(), TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn store_answer_before_the_timeout_is_used() {
    let store = Store::is(Mood::Waits);
    let app = routes(bounded(&store));
    let opening = async {
        sleep(TIMEOUT - Duration::from_millis(1)).await;
        store.open();
    };
    let request = get_with("/layer", &testing::token("jane"));
    let (answer, ()) = tokio::join!(send(&app, request), opening);
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn parked_load_blocks_other_waiters_until_timeout() {
    let store = Store::is(Mood::Waits);
    let identity = identity(&bounded(&store), get_with("/", &testing::token("jane"))).await;
    let mut parked = Box::pin(identity.user());
    assert!(poll!(&mut parked).is_pending());
    store.open();

    let start = Instant::now();
    let error = identity.user().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert_eq!(start.elapsed(), TIMEOUT);
    // The result of one request does not change.
    assert!(parked.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn parked_waiter_does_not_block_other_waiters() {
    let store = Store::is(Mood::Waits);
    let identity = identity(&bounded(&store), get_with("/", &testing::token("jane"))).await;
    let mut first = pin!(identity.user());
    assert!(poll!(&mut first).is_pending());
    let mut parked = pin!(identity.user());
    assert!(poll!(&mut parked).is_pending());
    let third = tokio::spawn({
        let identity = identity.clone();
        async move { identity.user().await }
    });
    tokio::task::yield_now().await;

    store.open();
    assert_eq!(first.await.unwrap().name, "Jane");
    assert_eq!(third.await.unwrap().unwrap().name, "Jane");
    assert_eq!(parked.await.unwrap().name, "Jane");
    assert_eq!(store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn timed_out_load_is_not_restarted_in_the_request() {
    let store = Store::is(Mood::Hangs);
    let identity = identity(&bounded(&store), get_with("/", &testing::token("jane"))).await;
    let (first, second) = tokio::join!(identity.user(), identity.user());
    assert!(first.is_err() && second.is_err());
    store.becomes(Mood::Answers);
    assert!(identity.user().await.is_err());
    assert_eq!(store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn recursive_loader_ends_at_the_timeout() {
    tokio::task_local! { static CURRENT: Identity<TestUser>; }
    struct RecursiveLoader;

    #[async_trait]
    impl UserLoader for RecursiveLoader {
        type User = TestUser;

        async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
            let identity = CURRENT.get();
            assert_eq!(identity.claims().await?.subject(), claims.subject());
            Ok(Some(TestUser::clone(&*identity.user().await?)))
        }
    }

    let layer = AuthLayer::new(testing::verifier(), RecursiveLoader).timeout_with(TIMEOUT, sleep);
    let identity = identity(&layer, get_with("/", &testing::token("jane"))).await;
    let asked = CURRENT.scope(identity.clone(), async move { identity.user().await });
    assert_eq!(asked.await.unwrap_err().kind(), AuthErrorKind::Unavailable);
}

#[tokio::test]
async fn loader_may_return_its_own_auth_error() {
    struct Tenants;

    #[async_trait]
    impl UserLoader for Tenants {
        type User = TestUser;

        async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
            #[derive(serde::Deserialize)]
            struct Tenant {
                tenant: String,
            }
            let Tenant { tenant } = claims.deserialize()?;
            Ok(Some(TestUser::approved(&tenant)))
        }
    }

    let layer = AuthLayer::new(testing::verifier(), Tenants)
        .realm("x")
        .unwrap();
    let app = routes(layer);
    let answer = send(&app, get_with("/layer", &testing::token("jane"))).await;
    assert_eq!(answer.status, 401);
    let challenge = r#"Bearer realm="x", error="invalid_token""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[tokio::test]
async fn loader_error_text_is_hidden_from_the_client() {
    struct ErrorTextLoader;

    #[async_trait]
    impl UserLoader for ErrorTextLoader {
        type User = TestUser;

        async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
            Err(AuthError::new(AuthErrorKind::Unavailable)
                .with_source(OUTAGE)
                .into())
        }
    }

    let app = routes(AuthLayer::new(testing::verifier(), ErrorTextLoader));
    let answer = send(&app, get_with("/layer", &testing::token("jane"))).await;
    assert_eq!(answer.status, 503);
    assert!(!answer.body.contains("db.internal"));
}

fn bounded(store: &Arc<Store>) -> AuthLayer<TestUser> {
    layer(store).timeout_with(TIMEOUT, sleep)
}

fn routes(layer: AuthLayer<TestUser>) -> Router {
    Router::new()
        .route("/layer", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(RequireLayer::<TestUser>::approved())
        .route("/extractor", on_get(async |_: CurrentUser<TestUser>| "in"))
        .route("/", on_get(async || "public"))
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

const TIMEOUT: Duration = Duration::from_secs(5);
