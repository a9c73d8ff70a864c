//! Extractors and guards, beyond the table in `error_responses`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use http::{Method, Request};
use tower::{Layer, ServiceExt};
use tower_warder::cache::UserCache;
use tower_warder::policy::{Approved, Verified};
use tower_warder::testing::{self, StaticUserLoader, TestUser};
use tower_warder::{
    AdminUser, AuthError, AuthLayer, AuthUser, Claims, CurrentUser, Identity, Require,
    RequireLayer, UserStatus,
};

use crate::support::{Answer, Log, Mood, Store, get, get_with, inside, layer, read, send};
use crate::tokens::forge;

#[tokio::test]
async fn every_extractor_returns_the_authenticated_user() {
    let app = Router::new()
        .route(
            "/user",
            on_get(async |CurrentUser(user): CurrentUser<TestUser>| user.name.clone()),
        )
        .route(
            "/admin",
            on_get(async |admin: AdminUser<TestUser>| admin.name.clone()),
        )
        .route(
            "/guarded",
            on_get(async |user: Require<Approved, TestUser>| user.name.clone()),
        )
        .route(
            "/claims",
            on_get(async |claims: Claims| claims.subject().to_owned()),
        )
        .route(
            "/identity",
            on_get(async |identity: Identity<TestUser>| {
                identity.user().await.map(|user| user.name.clone())
            }),
        )
        .layer(layer(&Store::new()));
    for (path, body) in [
        ("/user", "Root"),
        ("/admin", "Root"),
        ("/guarded", "Root"),
        ("/claims", "root"),
        ("/identity", "Root"),
    ] {
        let answer = send(&app, get_with(path, &testing::token("root"))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, body),
            "{path}"
        );
    }
}

#[tokio::test]
async fn shared_user_is_checked_like_the_user_itself() {
    let jane = || TestUser::approved("Jane");
    let with_status = |status| TestUser { status, ..jane() };
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    for (user, statuses) in [
        (jane(), [200, 403, 403]),
        (TestUser::admin("Jane"), [200, 200, 403]),
        (
            TestUser {
                is_email_verified: true,
                ..jane()
            },
            [200, 403, 200],
        ),
        (with_status(UserStatus::Pending), [401; 3]),
        (with_status(UserStatus::Disabled), [401; 3]),
        (
            TestUser {
                token_generation: 1,
                ..jane()
            },
            [401; 3],
        ),
        (
            TestUser {
                tokens_valid_since: Some(tomorrow),
                ..jane()
            },
            [401; 3],
        ),
    ] {
        let shared = Arc::new(user.clone());
        assert_eq!(statuses_of(user.clone()).await, statuses, "{user:?}");
        assert_eq!(statuses_of(shared).await, statuses, "{user:?}");
    }
}

/// Statuses of an extractor of the user, of an admin, and of a user with a verified address.
async fn statuses_of<U: AuthUser + Clone>(user: U) -> [u16; 3] {
    let users = StaticUserLoader::new([("jane", user)]);
    let app = Router::new()
        .route("/user", on_get(async |_: CurrentUser<U>| "in"))
        .route("/admin", on_get(async |_: AdminUser<U>| "in"))
        .route("/verified", on_get(async |_: Require<Verified, U>| "in"))
        .layer(AuthLayer::new(testing::verifier(), users));
    let token = testing::token("jane");
    let status = async |path| send(&app, get_with(path, &token)).await.status.as_u16();
    [
        status("/user").await,
        status("/admin").await,
        status("/verified").await,
    ]
}

#[tokio::test]
async fn optional_extractor_is_none_only_without_a_credential() {
    let pending = testing::token("paul");
    let disabled = testing::token("dora");
    let jane = testing::token("jane");
    for path in OPTIONAL {
        let app = optional().layer(layer(&Store::new()));
        assert_eq!(send(&app, get(path)).await.body, "none", "{path}");
        let basic = Request::get(path)
            .header("authorization", "Basic YTpi")
            .body(Body::empty());
        assert_eq!(send(&app, basic.unwrap()).await.body, "none", "{path}");
        for token in ["a.b.c", ""] {
            assert_eq!(
                send(&app, get_with(path, token)).await.status,
                401,
                "{path}"
            );
        }
        let two = Request::get(path)
            .header("authorization", "a")
            .header("authorization", "b");
        assert_eq!(
            send(&app, two.body(Body::empty()).unwrap()).await.status,
            400,
            "{path}"
        );
        if path == "/claims" {
            assert_eq!(send(&app, get_with(path, &pending)).await.body, "some");
            continue;
        }
        for token in [&pending, &disabled] {
            assert_eq!(
                send(&app, get_with(path, token)).await.status,
                401,
                "{path}"
            );
        }
        let app = optional().layer(layer(&Store::is(Mood::Fails)));
        assert_eq!(
            send(&app, get_with(path, &jane)).await.status,
            503,
            "{path}"
        );
        assert_eq!(send(&app, get(path)).await.body, "none", "{path}");
    }
}

#[tokio::test]
async fn missing_layer_is_500_with_a_hint() {
    for path in OPTIONAL {
        for request in [get(path), get_with(path, &testing::token("jane"))] {
            let answer = send(&optional(), request).await;
            let user = if path == "/claims" {
                "Claims"
            } else {
                "session::TestUser`"
            };
            assert_hint(&answer, &["no AuthLayer", user, "after its routes"]);
        }
    }
    let guard = RequireLayer::<TestUser>::approved().layer(inside());
    let answer = read(guard.oneshot(get("/")).await.unwrap()).await;
    assert_hint(&answer, &["no AuthLayer", "session::TestUser`"]);
}

#[tokio::test]
async fn guard_outside_its_layer_has_its_own_reason() {
    let guard = RequireLayer::<TestUser>::approved();
    let auth = layer(&Store::new());
    let jane = testing::token("jane");
    let swapped = guard.layer(auth.layer(inside()));
    let answer = read(swapped.oneshot(get_with("/", &jane)).await.unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), reason(&answer)),
        (500, "layer_inside")
    );

    let missing = guard.layer(inside());
    let answer = read(missing.oneshot(get_with("/", &jane)).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), reason(&answer)), (500, "no_layer"));

    // A router hides its layers: the hint names an inner layer as a possible cause.
    let hidden = Router::new()
        .route("/", on_get("in"))
        .layer(auth)
        .layer(guard);
    let answer = send(&hidden, get_with("/", &jane)).await;
    assert_eq!((answer.status.as_u16(), reason(&answer)), (500, "no_layer"));
    assert_hint(&answer, &["no AuthLayer outside", "inside of it"]);
}

#[tokio::test]
async fn missing_layer_log_has_the_path_without_the_query() {
    let log = Log::record();
    let path = "/orders/7?token=secret";
    let handlers = Router::new()
        .route(
            "/orders/{id}",
            on_get(async |_: CurrentUser<TestUser>| "in"),
        )
        .route("/claims/{id}", on_get(async |_: Option<Claims>| "in"));
    let guarded = Router::new()
        .route("/orders/{id}", on_get("in"))
        .layer(RequireLayer::<TestUser>::approved());
    let other = Router::new()
        .route("/orders/{id}", on_get(async |_: Identity<Other>| "in"))
        .layer(layer(&Store::new()));
    for (app, path, logged) in [
        (&handlers, path, "/orders/7"),
        (&handlers, "/claims/7?token=secret", "/claims/7"),
        (&guarded, path, "/orders/7"),
        (&other, path, "/orders/7"),
    ] {
        // ERROR within the rate limit, which other tests use up, otherwise DEBUG.
        let before = log.lines(MISCONFIGURED).len();
        assert_eq!(send(app, get(path)).await.status, 500);
        let lines = log.lines(MISCONFIGURED);
        assert_eq!(lines.len(), before + 1, "one line for a request");
        let line = lines.last().unwrap();
        assert!(line.contains("GET"), "{line}");
        assert!(line.contains(&format!("path=\"{logged}\"")), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
    // A long path is truncated.
    let long = format!("/orders/{}", "a".repeat(2000));
    send(&guarded, get(&long)).await;
    let lines = log.lines(MISCONFIGURED);
    assert!(lines.last().unwrap().len() < 1000);
}

#[tokio::test]
async fn other_user_type_is_500_with_a_hint_naming_both() {
    let app = Router::new()
        .route("/user", on_get(async |_: CurrentUser<Other>| "in"))
        .route(
            "/option",
            on_get(async |_: Option<CurrentUser<Other>>| "in"),
        )
        .route("/admin", on_get(async |_: Option<AdminUser<Other>>| "in"))
        .route(
            "/guarded",
            on_get(async |_: Option<Require<Approved, Other>>| "in"),
        )
        .route("/identity", on_get(async |_: Identity<Other>| "in"))
        .route(
            "/layer",
            on_get("in").layer(RequireLayer::<Other>::approved()),
        )
        .layer(layer(&Store::new()));
    for path in [
        "/user",
        "/option",
        "/admin",
        "/guarded",
        "/identity",
        "/layer",
    ] {
        for request in [get(path), get_with(path, &testing::token("jane"))] {
            let answer = send(&app, request).await;
            assert_hint(
                &answer,
                &["loads `tower_warder::", "::TestUser`", "extractors::Other`"],
            );
        }
    }
}

#[tokio::test]
async fn token_generation_must_equal_user_generation() {
    let store = Store::new();
    store.put(
        "jane",
        TestUser {
            token_generation: 7,
            ..TestUser::approved("Jane")
        },
    );
    let app = Router::new()
        .route("/", on_get(async |_: CurrentUser<TestUser>| "in"))
        .layer(layer(&store));
    for (generation, status) in [(0, 401), (6, 401), (7, 200), (8, 401), (u64::MAX, 401)] {
        let token = testing::issuer()
            .token("jane")
            .generation(generation)
            .issue()
            .unwrap();
        assert_eq!(
            send(&app, get_with("/", &token)).await.status,
            status,
            "{generation}"
        );
    }
}

#[tokio::test]
async fn non_integer_generation_is_rejected_where_compared() {
    let compared = app_of::<TestUser>(AuthLayer::new(forge::verifier(), Store::new()));
    let cache = UserCache::new(8);
    let cached = AuthLayer::new(forge::verifier(), Store::new()).user_cache(cache);
    let cached = app_of::<TestUser>(cached);
    let users = StaticUserLoader::new([("jane", Reader)]);
    let ignored = app_of::<Reader>(AuthLayer::new(forge::verifier(), users));
    for (generation, status) in [
        ("0", 200),
        ("null", 200),
        ("1", 401),
        (r#""0""#, 401),
        ("0.0", 401),
        ("[]", 401),
        (r#"{"x":1}"#, 401),
        ("18446744073709551616", 401),
    ] {
        let payload = format!(r#"{{"sub":"jane","exp":1767229200,"gen":{generation}}}"#);
        let token = forge::with_payload(payload);
        for app in [&compared, &cached, &cached] {
            let answer = send(app, get_with("/", &token)).await;
            assert_eq!(answer.status, status, "{generation}");
        }
        // A user type without generations ignores the claim.
        let answer = send(&ignored, get_with("/", &token)).await;
        assert_eq!(answer.status, 200, "{generation}");
    }
}

fn app_of<U: AuthUser>(layer: AuthLayer<U>) -> Router {
    let app = Router::new().route("/", on_get(async |_: CurrentUser<U>| "in"));
    app.layer(layer)
}

/// User type without token generations.
#[derive(Clone)]
struct Reader;

impl AuthUser for Reader {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

#[tokio::test]
async fn two_extractors_in_one_handler_both_apply() {
    let app = Router::new()
        .route(
            "/both",
            on_get(
                async |user: CurrentUser<TestUser>, admin: AdminUser<TestUser>| {
                    format!("{} {}", user.name, admin.name)
                },
            ),
        )
        .layer(layer(&Store::new()));
    let root = send(&app, get_with("/both", &testing::token("root"))).await;
    assert_eq!(root.body, "Root Root");
    assert_eq!(
        send(&app, get_with("/both", &testing::token("jane")))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn no_method_passes_a_guard_without_a_token() {
    for method in [
        Method::OPTIONS,
        Method::HEAD,
        Method::CONNECT,
        Method::TRACE,
    ] {
        let app = layer(&Store::new()).layer(RequireLayer::<TestUser>::approved().layer(inside()));
        let request = Request::builder()
            .method(&method)
            .header("origin", "https://elsewhere.example")
            .header("access-control-request-method", "GET")
            .body(Body::empty());
        let answer = read(app.oneshot(request.unwrap()).await.unwrap()).await;
        assert_eq!(answer.status, 401, "{method}");
    }
}

fn optional() -> Router {
    let say = |some| if some { "some" } else { "none" };
    Router::new()
        .route(
            "/user",
            on_get(async move |it: Option<CurrentUser<TestUser>>| say(it.is_some())),
        )
        .route(
            "/admin",
            on_get(async move |it: Option<AdminUser<TestUser>>| say(it.is_some())),
        )
        .route(
            "/guarded",
            on_get(async move |it: Option<Require<Approved, TestUser>>| say(it.is_some())),
        )
        .route(
            "/claims",
            on_get(async move |it: Option<Claims>| say(it.is_some())),
        )
}

const OPTIONAL: [&str; 4] = ["/user", "/admin", "/guarded", "/claims"];

/// Log message for every misconfigured route.
const MISCONFIGURED: &str = "authentication is misconfigured";

fn reason(answer: &Answer) -> &'static str {
    answer.extensions.get::<AuthError>().unwrap().reason()
}

fn assert_hint(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.status, 500);
    assert_eq!(answer.detail(), "Authentication is misconfigured");
    let error = answer.extensions.get::<AuthError>().unwrap();
    let hint = std::error::Error::source(error).unwrap().to_string();
    for word in words {
        assert!(hint.contains(word), "{hint}");
    }
    assert!(
        !hint.contains("CurrentUser") && !hint.contains("Option"),
        "{hint}"
    );
}

struct Other;

impl AuthUser for Other {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}
