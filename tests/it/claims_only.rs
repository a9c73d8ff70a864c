//! Layers without a user type: claims as users, typed claims, inserted claims, functions as
//! loaders.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::routing::get as on_get;
use axum::{Extension, Router};
use futures_util::FutureExt;
use http::{Request, Response};
use serde::Deserialize;
use tower::{Layer, ServiceExt, service_fn};
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::AuthErrorKind;
use tower_warder::extract::TypedClaims;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::policy::{Approved, Scope};
use tower_warder::require::RequireService;
use tower_warder::testing::{self, TestUser};
use tower_warder::{
    AdminUser, AuthError, AuthLayer, BoxError, Claims, CurrentUser, Require, RequireLayer,
};

use crate::support::{
    Answer, Counting, Log, Mood, Store, Strict, get, get_with, inside, layer, read, send,
};

#[tokio::test]
async fn claims_only_layer_supports_every_guard() {
    let scope = RequireLayer::<Claims>::new(Scope::new("orders:read").unwrap());
    let app = Router::new()
        .route("/scope", on_get("in").layer(scope))
        .route(
            "/guard",
            on_get("in").layer(RequireLayer::<Claims>::approved()),
        )
        .route(
            "/user",
            on_get(async |user: CurrentUser<Claims>| user.subject().to_owned()),
        )
        .route(
            "/guarded",
            on_get(async |user: Require<Approved, Claims>| user.subject().to_owned()),
        )
        .route("/claims", on_get(async |_: Claims| "in"))
        .route("/admin", on_get(async |_: AdminUser<Claims>| "in"))
        .layer(AuthLayer::claims_only(testing::verifier()));
    let reader = with_scope("orders:read");
    let jane = testing::token("jane");
    for (path, token, status) in [
        ("/scope", &reader, 200),
        ("/scope", &jane, 403),
        ("/guard", &jane, 200),
        ("/user", &jane, 200),
        ("/guarded", &jane, 200),
        ("/claims", &jane, 200),
        ("/admin", &reader, 403),
    ] {
        let answer = send(&app, get_with(path, token)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(send(&app, get(path)).await.status, 401, "{path}");
        let rejected = send(&app, get_with(path, "a.b.c")).await;
        assert_eq!(reason(&rejected), "base64", "{path}");
    }
    assert_eq!(send(&app, get_with("/user", &jane)).await.body, "jane");
}

#[tokio::test]
async fn missing_scope_is_explained_in_the_log() {
    let app = Router::new()
        .route("/", on_get("in"))
        .layer(RequireLayer::<Claims>::new(
            Scope::new("orders:read").unwrap(),
        ))
        .layer(AuthLayer::claims_only(testing::verifier()));
    let log = Log::record();
    for (token, remedy) in [
        (testing::token("jane"), true),
        (with_scope("orders:write"), false),
    ] {
        let before = log.lines("DEBUG").len();
        assert_eq!(send(&app, get_with("/", &token)).await.status, 403);
        let lines = log.lines("DEBUG").split_off(before);
        let line = lines.iter().find(|line| line.contains("code=\"none\""));
        let line = line.unwrap();
        assert_eq!(line.contains("scope_claims"), remedy, "{line}");
        assert_eq!(line.contains("orders:read is required"), !remedy, "{line}");
    }
}

#[tokio::test]
async fn claims_only_layer_accepts_any_token_generation() {
    let token = testing::issuer().token("jane").generation(7).issue();
    let app = AuthLayer::claims_only(testing::verifier());
    let app = app.layer(RequireLayer::<Claims>::approved().layer(inside()));
    let answer = app.oneshot(get_with("/", &token.unwrap())).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn claims_only_layer_awaits_async_verifier() {
    let app = Router::new()
        .route(
            "/user",
            on_get(async |user: CurrentUser<Claims>| user.subject().to_owned()),
        )
        .layer(RequireLayer::<Claims>::approved())
        .layer(AuthLayer::claims_only(Remote));
    let answer = send(&app, get_with("/user", &testing::token("jane"))).await;
    assert_eq!(answer.body, "jane");
    assert_eq!(send(&app, get_with("/user", "a.b.c")).await.status, 401);
}

#[tokio::test]
async fn user_cache_never_returns_claims_of_another_token() {
    let cache = UserCache::new(16);
    let app = Router::new()
        .route(
            "/",
            on_get(async |user: CurrentUser<Claims>| user.scopes().count().to_string()),
        )
        .layer(AuthLayer::claims_only(testing::verifier()).user_cache(cache));
    let admin = with_scope("read write");
    for (token, scopes) in [(admin, "2"), (testing::token("jane"), "0")] {
        assert_eq!(send(&app, get_with("/", &token)).await.body, scopes);
    }
}

#[tokio::test]
async fn claims_guard_below_a_user_layer_is_misconfigured() {
    let token = testing::token("dora");
    let users = layer(&Store::new()).layer(guarded::<Claims>());
    let answer = read(users.oneshot(get_with("/", &token)).await.unwrap()).await;
    assert_eq!(reason(&answer), "other_user_type");
    let claims = AuthLayer::claims_only(testing::verifier()).layer(guarded::<TestUser>());
    let answer = read(claims.oneshot(get_with("/", &token)).await.unwrap()).await;
    assert_eq!(reason(&answer), "other_user_type");
}

#[tokio::test]
async fn typed_claims_deserialize_into_application_type() {
    let app = tenants(layer(&Store::new()));
    let acme = serde_json::json!({ "tenant": "acme" });
    let acme = testing::issuer().token("jane").claims(&acme).issue();
    let acme = acme.unwrap();
    for path in ["/tenant", "/option"] {
        assert_eq!(send(&app, get_with(path, &acme)).await.body, "acme");
        for (custom, status) in [
            (serde_json::json!({ "tenant": 7 }), 401),
            (serde_json::json!({ "other": "acme" }), 401),
            (serde_json::json!({ "tenant": "acme", "more": [] }), 200),
        ] {
            let token = testing::issuer().token("jane").claims(&custom).issue();
            let answer = send(&app, get_with(path, &token.unwrap())).await;
            assert_eq!(answer.status, status, "{path} {custom}");
            if status == 401 {
                assert_eq!(reason(&answer), "custom_claims");
                assert_eq!(answer.json()["code"], "invalid_token");
            }
        }
        let answer = send(&app, get_with(path, "a.b.c")).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(send(&app, get("/tenant")).await.status, 401);
    assert_eq!(send(&app, get("/option")).await.body, "none");
    // A disabled account has valid claims.
    let dora = serde_json::json!({ "tenant": "acme" });
    let dora = testing::issuer().token("dora").claims(&dora).issue();
    assert_eq!(
        send(&app, get_with("/tenant", &dora.unwrap())).await.status,
        200
    );
}

#[tokio::test]
async fn typed_claims_rejection_follows_layer_configuration() {
    let app = tenants(layer(&Store::new()).realm("shop").unwrap());
    let answer = send(&app, get_with("/tenant", &testing::token("jane"))).await;
    let challenge = r#"Bearer realm="shop", error="invalid_token""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
    let without_layer = Router::new().route("/", on_get(async |_: TypedClaims<Tenant>| "in"));
    assert_eq!(send(&without_layer, get("/")).await.status, 500);
}

#[tokio::test]
async fn claims_are_inserted_only_if_configured() {
    let token = testing::token("jane");
    for (insert, expected) in [(None, NONE), (Some(false), NONE), (Some(true), "jane")] {
        let mut auth = layer(&Store::new());
        if let Some(insert) = insert {
            auth = auth.insert_claims(insert);
        }
        assert_eq!(seen(&auth, get_with("/", &token)).await, expected);
    }
    let app = Router::new()
        .route(
            "/",
            on_get(async |claims: Option<Extension<Claims>>| match claims {
                Some(claims) => claims.subject().to_owned(),
                None => NONE.to_owned(),
            }),
        )
        .layer(layer(&Store::new()).insert_claims(true));
    assert_eq!(send(&app, get_with("/", &token)).await.body, "jane");
    assert_eq!(send(&app, get("/")).await.body, NONE);
    assert_eq!(send(&app, get_with("/", "a.b.c")).await.body, NONE);
}

#[tokio::test]
async fn inserted_claims_belong_to_this_request_and_layer() {
    let planted = |mut request: Request<Body>| {
        let root = Claims::from_json(r#"{"sub":"root","exp":4102444800}"#);
        request.extensions_mut().insert(root.unwrap());
        request
    };
    let jane = testing::token("jane");
    let auth = layer(&Store::new()).insert_claims(true);
    assert_eq!(seen(&auth, planted(get("/"))).await, NONE);
    assert_eq!(seen(&auth, planted(get_with("/", "a.b.c"))).await, NONE);
    assert_eq!(seen(&auth, planted(get_with("/", &jane))).await, "jane");

    let mut twice = get_with("/", &jane);
    let header = twice.headers()["authorization"].clone();
    twice.headers_mut().append("authorization", header);
    assert_eq!(seen(&auth, twice).await, NONE);

    // An inner layer that accepts no credential of this request removes what an outer one inserted.
    let theirs = AuthLayer::claims_only(testing::verifier().issuer("https://other.example"));
    for inner in [theirs.clone(), theirs.insert_claims(true)] {
        let app = auth.layer(inner.layer(service_fn(subject)));
        assert_eq!(app.oneshot(get_with("/", &jane)).await.unwrap(), NONE);
    }
}

#[tokio::test]
async fn claims_of_a_cross_origin_cookie_are_not_inserted() {
    let cookies = CredentialSource::cookie(AuthCookie::new("id").unwrap());
    let auth = layer(&Store::new())
        .credentials(cookies)
        .insert_claims(true);
    for (site, expected) in [("same-origin", "jane"), ("cross-site", NONE)] {
        let request = Request::post("/")
            .header("cookie", format!("__Host-id={}", testing::token("jane")))
            .header("sec-fetch-site", site);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(seen(&auth, request).await, expected, "{site}");
    }
}

#[tokio::test]
async fn claims_of_an_async_verifier_are_not_inserted() {
    let auth = AuthLayer::new(Remote, Store::new()).insert_claims(true);
    let jane = testing::token("jane");
    assert_eq!(seen(&auth, get_with("/", &jane)).await, NONE);
    // A guard awaits them.
    let app = Router::new()
        .route(
            "/",
            on_get(async |claims: Extension<Claims>| claims.subject().to_owned()),
        )
        .layer(RequireLayer::<TestUser>::approved())
        .layer(auth);
    assert_eq!(send(&app, get_with("/", &jane)).await.body, "jane");
}

#[tokio::test]
async fn inserted_claims_cost_one_verification_and_no_load() {
    let (verifier, verified) = Counting::new();
    let store = Store::is(Mood::Fails);
    let auth = AuthLayer::new(verifier, Arc::clone(&store)).insert_claims(true);
    let app = Router::new()
        .route("/public", on_get("public"))
        .route("/claims", on_get(async |_: Claims| "in"))
        .layer(auth);
    for (n, path) in ["/public", "/claims"].into_iter().enumerate() {
        let answer = send(&app, get_with(path, &testing::token("jane"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(verified.load(Ordering::SeqCst), n + 1, "{path}");
    }
    assert_eq!(store.loads(), 0);
}

#[tokio::test]
async fn closure_is_a_loader() {
    let loads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&loads);
    let auth = AuthLayer::new(testing::verifier(), move |claims: Claims| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { find(claims.subject()).await }
    });
    let app = Router::new()
        .route(
            "/",
            on_get(async |user: CurrentUser<TestUser>| user.name.clone()),
        )
        .layer(auth);
    for (subject, status) in [
        ("jane", 200),
        ("nobody", 401),
        ("outage", 503),
        ("refused", 401),
    ] {
        let answer = send(&app, get_with("/", &testing::token(subject))).await;
        assert_eq!(answer.status, status, "{subject}");
    }
    assert_eq!(loads.load(Ordering::SeqCst), 4);
}

#[test]
fn function_is_a_loader() {
    async fn load(claims: Claims) -> Result<Option<TestUser>, BoxError> {
        find(claims.subject()).await
    }
    let app = AuthLayer::new(testing::verifier(), load).layer(guarded::<TestUser>());
    let answer = app.oneshot(get_with("/", &testing::token("jane")));
    let answer = answer.now_or_never().expect("nothing to wait for").unwrap();
    assert_eq!(answer.status(), 200);
}

async fn find(subject: &str) -> Result<Option<TestUser>, BoxError> {
    match subject {
        "jane" => Ok(Some(TestUser::approved("Jane"))),
        "outage" => Err("the database is gone".into()),
        "refused" => Err(AuthError::new(AuthErrorKind::InvalidToken).into()),
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
struct Tenant {
    tenant: String,
}

fn tenants(auth: AuthLayer<TestUser>) -> Router {
    Router::new()
        .route(
            "/tenant",
            on_get(async |claims: TypedClaims<Tenant>| claims.tenant.clone()),
        )
        .route(
            "/option",
            on_get(async |claims: Option<TypedClaims<Tenant>>| match claims {
                Some(TypedClaims(claims)) => claims.tenant,
                None => "none".to_owned(),
            }),
        )
        .layer(auth)
}

type InnerService = Strict<fn(Request<Body>) -> Response<Body>>;

fn guarded<U>() -> RequireService<InnerService, U> {
    RequireLayer::<U>::approved().layer(inside())
}

fn with_scope(scope: &str) -> String {
    let claims = serde_json::json!({ "scope": scope });
    let token = testing::issuer().token("jane").claims(&claims).issue();
    token.unwrap()
}

/// Subject of the claims in the extensions, as a plain tower service reads it.
async fn seen(auth: &AuthLayer<TestUser>, request: Request<Body>) -> String {
    auth.layer(service_fn(subject))
        .oneshot(request)
        .await
        .unwrap()
}

async fn subject(request: Request<Body>) -> Result<String, Infallible> {
    let claims = request.extensions().get::<Claims>();
    Ok(claims.map_or(NONE, Claims::subject).to_owned())
}

fn reason(answer: &Answer) -> &'static str {
    answer.extensions.get::<AuthError>().unwrap().reason()
}

/// Verifier that always answers asynchronously.
struct Remote;

impl Verifier for Remote {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        Verification::Pending(Box::pin(async {
            tokio::task::yield_now().await;
            testing::verifier().verify_token(credential)
        }))
    }
}

const NONE: &str = "none";
