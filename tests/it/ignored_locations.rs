//! Tokens in cookies, queries and forms are ignored by default.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::Request;
use tower::{Layer, ServiceExt};
use tower_warder::policy::{Admin, Approved};
use tower_warder::testing::{self, TestUser};
use tower_warder::{AdminUser, AuthError, Claims, CurrentUser, Identity, Require, RequireLayer};

use crate::support::{Answer, Store, inside, layer, read, send};

#[tokio::test]
async fn extractors_ignore_tokens_in_other_locations() {
    let app = routes();
    for path in ["/user", "/admin", "/guarded", "/claims", "/identity"] {
        for (place, request) in requests(path) {
            assert_anonymous(
                &send(&app, request).await,
                &format!("{place}, extractor {path}"),
            );
        }
    }
}

#[tokio::test]
async fn optional_extractors_ignore_tokens_in_other_locations() {
    let app = routes();
    for path in ["/optional-user", "/optional-admin", "/optional-claims"] {
        for (place, request) in requests(path) {
            let answer = send(&app, request).await;
            assert_eq!(answer.body, "true", "{place}, {path}");
        }
    }
}

#[tokio::test]
async fn layers_ignore_tokens_in_other_locations() {
    let layer = layer(&Store::new());
    for (place, request) in requests("/") {
        let guard = RequireLayer::<TestUser>::approved().layer(inside());
        let answer = read(layer.layer(guard).oneshot(request).await.unwrap()).await;
        assert_anonymous(&answer, &format!("{place}, layer for users"));
    }
    for (place, request) in requests("/") {
        let guard = RequireLayer::<TestUser>::new(Admin).layer(inside());
        let answer = read(layer.layer(guard).oneshot(request).await.unwrap()).await;
        assert_anonymous(&answer, &format!("{place}, layer for admins"));
    }
}

#[track_caller]
fn assert_anonymous(answer: &Answer, place: &str) {
    assert_eq!(answer.status, 401, "{place}");
    let challenge = Some(r#"Bearer realm="api""#);
    assert_eq!(answer.header("www-authenticate"), challenge, "{place}");
    assert_eq!(answer.json()["code"], "not_authenticated", "{place}");
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(error.code(), "not_authenticated", "{place}");
}

/// Requests with the token of an admin in every location except `Authorization`.
fn requests(path: &str) -> Vec<(String, Request<Body>)> {
    let token = testing::token("root");
    let post = |query: &str| Request::post(format!("{path}{query}"));
    let mut requests = Vec::new();
    for name in ["token", "access_token", "jwt", "Authorization"] {
        let pairs = [
            format!("{name}={token}"),
            format!("{name}=Bearer%20{token}"),
        ];
        for pair in pairs {
            let in_cookie = post("").header("cookie", &pair).body(Body::empty());
            let in_query = post(&format!("?{pair}")).body(Body::empty());
            let in_form = post("")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Body::from(pair));
            requests.extend([
                (format!("{name} in a cookie"), in_cookie.unwrap()),
                (format!("{name} in the query"), in_query.unwrap()),
                (format!("{name} in a form"), in_form.unwrap()),
            ]);
        }
    }
    requests
}

fn routes() -> Router {
    Router::new()
        .route("/user", post(async |_: CurrentUser<TestUser>| "in"))
        .route("/admin", post(async |_: AdminUser<TestUser>| "in"))
        .route(
            "/guarded",
            post(async |_: Require<Approved, TestUser>| "in"),
        )
        .route("/claims", post(async |_: Claims| "in"))
        .route(
            "/identity",
            post(async |it: Identity<TestUser>| it.user().await.map(|_| "in")),
        )
        .route(
            "/optional-user",
            post(async |it: Option<CurrentUser<TestUser>>| it.is_none().to_string()),
        )
        .route(
            "/optional-admin",
            post(async |it: Option<AdminUser<TestUser>>| it.is_none().to_string()),
        )
        .route(
            "/optional-claims",
            post(async |it: Option<Claims>| it.is_none().to_string()),
        )
        .layer(layer(&Store::new()))
}
