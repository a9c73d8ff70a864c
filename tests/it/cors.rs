//! CORS: the position of `CorsLayer`, and preflights at a guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use tower_http::cors::CorsLayer;
use tower_warder::RequireLayer;
use tower_warder::policy::Admin;
use tower_warder::testing::{self, TestUser};

use crate::support::{Mood, Store, get, get_with, layer, send};

#[tokio::test]
async fn cors_layer_outside_the_guard_answers_preflights() {
    let store = Store::new();
    let app = routes()
        .layer(approved())
        .layer(layer(&store))
        .layer(cors());
    let answer = send(&app, preflight()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(headers, Some("authorization"));
    assert_eq!(answer.body, "", "the handler did not run");
    assert_eq!(store.loads(), 0);
}

#[tokio::test]
async fn cors_layer_outside_the_guard_exposes_rejections() {
    let (up, down) = (Store::new(), Store::is(Mood::Fails));
    for (store, request, status) in [
        (&up, get("/"), StatusCode::UNAUTHORIZED),
        (&up, get_with("/", "a.b.c"), StatusCode::UNAUTHORIZED),
        (&up, get_with("/", &jane()), StatusCode::FORBIDDEN),
        (
            &down,
            get_with("/", &jane()),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ] {
        let admins = RequireLayer::<TestUser>::new(Admin);
        let app = routes().layer(admins).layer(layer(store)).layer(cors());
        let answer = send(&app, from_the_page(request)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
        let exposed = answer.header("access-control-expose-headers");
        assert_eq!(exposed, Some("www-authenticate,retry-after"));
    }
    let app = routes().layer(approved()).layer(layer(&up)).layer(cors());
    let answer = send(&app, from_the_page(get_with("/", &jane()))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
}

#[tokio::test]
async fn cors_layer_inside_the_guard_sees_no_preflight_or_rejection() {
    let app = routes().layer(cors()).layer(approved());
    let app = app.layer(layer(&Store::new()));
    for request in [preflight(), from_the_page(get("/"))] {
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header(ALLOW_ORIGIN), None);
    }
}

#[tokio::test]
async fn preflight_runs_no_handler_for_any_method() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = any(async move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let app = Router::new().route("/", handler).layer(approved());
    for outside in [None, Some(cors())] {
        let app = app.clone().layer(layer(&Store::new()));
        let (app, status) = match outside {
            None => (app, StatusCode::UNAUTHORIZED),
            Some(cors) => (app.layer(cors), StatusCode::OK),
        };
        assert_eq!(send(&app, preflight()).await.status, status);
        assert_eq!(runs.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn preflight_with_a_credential_is_authorized_normally() {
    let admins = RequireLayer::<TestUser>::new(Admin);
    let app = routes().layer(admins).layer(layer(&Store::new()));
    for (token, status) in [
        ("a.b.c", 401),
        ("", 401),
        (&*testing::token("dora"), 401),
        (&*jane(), 403),
        (&*testing::token("root"), 200),
    ] {
        let answer = send(&app, with_token(preflight(), token)).await;
        assert_eq!(answer.status, status, "{token}");
    }
    let two = with_token(with_token(preflight(), &jane()), &jane());
    assert_eq!(send(&app, two).await.status, 400);
}

fn routes() -> Router {
    Router::new().route("/", any("in"))
}

fn approved() -> RequireLayer<TestUser> {
    RequireLayer::approved()
}

/// `CorsLayer` as in the README.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(PAGE))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER])
}

/// Preflight that a browser sends before a request with a token.
fn preflight() -> Request {
    let mut request = from_the_page(get("/"));
    *request.method_mut() = Method::OPTIONS;
    let headers = request.headers_mut();
    headers.insert(
        "access-control-request-method",
        HeaderValue::from_static("GET"),
    );
    let authorization = HeaderValue::from_static("authorization");
    headers.insert("access-control-request-headers", authorization);
    request
}

fn from_the_page(mut request: Request) -> Request {
    let page = HeaderValue::from_static(PAGE);
    request.headers_mut().insert("origin", page);
    request
}

fn with_token(mut request: Request, token: &str) -> Request {
    let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    request.headers_mut().append(AUTHORIZATION, value);
    request
}

fn jane() -> String {
    testing::token("jane")
}

const PAGE: &str = "https://page.example";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";
