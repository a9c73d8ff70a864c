//! Pages of another origin: where `CorsLayer` stands, and preflights at a door.

use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use axum::{Extension, Router};
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use tower_http::cors::CorsLayer;
use tower_warder::testing::{self, TestUser};
use tower_warder::{Admin, Claims, CurrentUser, Identity, RequireLayer};

use crate::support::{Mood, Store, get, get_with, layer, send};

#[tokio::test]
async fn cors_outside_of_the_door_answers_preflights() {
    let store = Store::new();
    let app = room().layer(approved()).layer(layer(&store)).layer(cors());
    let answer = send(&app, preflight()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(headers, Some("authorization"));
    assert_eq!(answer.body, "", "the room was not asked");
    assert_eq!(store.loads(), 0);
}

#[tokio::test]
async fn cors_outside_of_the_door_lets_the_page_read_refusals() {
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
        let app = room().layer(admins).layer(layer(store)).layer(cors());
        let answer = send(&app, from_the_page(request)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
        let exposed = answer.header("access-control-expose-headers");
        assert_eq!(exposed, Some("www-authenticate,retry-after"));
    }
    let app = room().layer(approved()).layer(layer(&up)).layer(cors());
    let answer = send(&app, from_the_page(get_with("/", &jane()))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
}

#[tokio::test]
async fn cors_inside_of_the_door_never_sees_a_preflight_nor_a_refusal() {
    let app = room().layer(cors()).layer(approved());
    let app = app.layer(layer(&Store::new()));
    for request in [preflight(), from_the_page(get("/"))] {
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header(ALLOW_ORIGIN), None);
    }
}

#[tokio::test]
async fn cors_inside_of_a_door_that_passes_preflights_answers_them() {
    let store = Store::new();
    let door = approved().pass_preflights(true);
    let app = room().layer(cors()).layer(door).layer(layer(&store));
    let answer = send(&app, preflight()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(ALLOW_ORIGIN), Some(PAGE));
    assert_eq!(store.loads(), 0);
    // Nothing but preflights: what the door refuses, the page still cannot read.
    let answer = send(&app, from_the_page(get("/"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header(ALLOW_ORIGIN)),
        (401, None)
    );
}

#[tokio::test]
async fn preflight_passes_a_door_only_where_the_application_says_so() {
    for (door, status) in [
        (approved(), 401),
        (approved().pass_preflights(false), 401),
        (approved().pass_preflights(true), 200),
        (approved().pass_preflights(true).clone(), 200),
        (approved().pass_preflights(true).pass_preflights(false), 401),
    ] {
        let app = room().layer(door).layer(layer(&Store::new()));
        assert_eq!(send(&app, preflight()).await.status, status);
    }
    // Whatever the order of the settings.
    let teapot = |_: &_, _: &_| http::Response::new(Body::empty());
    let door = approved().pass_preflights(true).rejection(teapot);
    let app = room().layer(door).layer(layer(&Store::new()));
    assert_eq!(send(&app, preflight()).await.status, 200);
}

#[tokio::test]
async fn only_a_preflight_passes_as_one() {
    let app = room()
        .layer(approved().pass_preflights(true))
        .layer(layer(&Store::new()));
    assert_eq!(send(&app, preflight()).await.body, NOBODY);

    for missing in ["origin", "access-control-request-method"] {
        let mut request = preflight();
        request.headers_mut().remove(missing);
        assert_eq!(send(&app, request).await.status, 401, "{missing}");
    }
    for method in [
        "GET", "HEAD", "POST", "CONNECT", "TRACE", "options", "OPTIONSX",
    ] {
        let mut request = preflight();
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(send(&app, request).await.status, 401, "{method}");
    }
    // What another header says of the method is not believed.
    let mut request = preflight();
    *request.method_mut() = Method::POST;
    let options = HeaderValue::from_static("OPTIONS");
    request
        .headers_mut()
        .insert("x-http-method-override", options);
    assert_eq!(send(&app, request).await.status, 401);
}

#[tokio::test]
async fn preflight_with_a_credential_is_judged() {
    let store = Store::new();
    let admins = RequireLayer::<TestUser>::new(Admin).pass_preflights(true);
    let app = room().layer(admins).layer(layer(&store));
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

#[tokio::test]
async fn preflight_smuggles_nobody_into_the_room() {
    let door = approved().pass_preflights(true);
    let planted = CurrentUser(std::sync::Arc::new(TestUser::admin("Planted")));
    let claims = Claims::from_json(r#"{"sub":"root","exp":4102444800}"#).unwrap();
    // Between layer and door, where the layer cannot take them out.
    let app = room()
        .layer(door)
        .layer(Extension(planted))
        .layer(Extension(claims))
        .layer(layer(&Store::new()));
    assert_eq!(send(&app, preflight()).await.body, NOBODY);
}

#[tokio::test]
async fn whom_an_outer_door_admitted_does_not_pass_an_inner_one_by_a_preflight() {
    let admins = RequireLayer::<TestUser>::new(Admin).pass_preflights(true);
    let outer = approved().pass_preflights(true);
    let app = room()
        .layer(admins)
        .layer(outer)
        .layer(layer(&Store::new()));
    let by_jane = with_token(preflight(), &jane());
    assert_eq!(send(&app, by_jane).await.status, 403);
    let by_root = with_token(preflight(), &testing::token("root"));
    assert_eq!(send(&app, by_root).await.body, "Root root root");
    assert_eq!(send(&app, preflight()).await.body, NOBODY);
}

#[tokio::test]
async fn preflight_without_a_layer_is_misconfigured() {
    let app = room().layer(approved().pass_preflights(true));
    let answer = send(&app, preflight()).await;
    assert_eq!(answer.status, 500);
}

/// Answers every method with whom it sees: by a door, and by asking.
fn room() -> Router {
    let seen = async |request: Request| {
        let extensions = request.extensions();
        let user = extensions.get::<CurrentUser<TestUser>>();
        let user = user.map_or("no-user", |user| &user.name);
        let claims = extensions.get::<Claims>();
        let claims = claims.map_or("no-claims", Claims::subject);
        let identity = Identity::<TestUser>::of(extensions).unwrap();
        let asked = identity.claims().await;
        let asked = asked.as_ref().map_or("anonymous", Claims::subject);
        format!("{user} {claims} {asked}")
    };
    Router::new().route("/", any(seen))
}

const NOBODY: &str = "no-user no-claims anonymous";

fn approved() -> RequireLayer<TestUser> {
    RequireLayer::approved()
}

/// As the README shows it.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(PAGE))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER])
}

/// What a browser sends before a request with a token.
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
