//! Policies, and custom responses for rejected requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use http::{HeaderMap, Request, Response, Version};
use tower::{Layer, ServiceExt};
use tower_warder::error::AuthErrorKind;
use tower_warder::policy::{Admin, Denied, Policy, Scope};
use tower_warder::response::{EmptyBody, MakeErrorResponse};
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthError, Claims, RequireLayer};

use crate::support::{Answer, Mood, Store, get_with, inside, layer, read};

#[tokio::test]
async fn policy_is_skipped_for_inactive_users() {
    let asked = Arc::new(AtomicBool::new(false));
    let policy = {
        let asked = Arc::clone(&asked);
        move |_: &TestUser, _: &Claims| {
            asked.store(true, Ordering::SeqCst);
            true
        }
    };
    let guard = RequireLayer::<TestUser>::new(policy);
    for subject in ["paul", "dora", "nobody"] {
        assert_eq!(
            send_through(guard.clone(), &testing::token(subject))
                .await
                .status,
            401
        );
    }
    assert!(!asked.load(Ordering::SeqCst));
    assert_eq!(
        send_through(guard, &testing::token("jane")).await.status,
        200
    );
    assert!(asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn closures_are_policies_without_type_annotations() {
    let jane = testing::token("jane");
    let named = RequireLayer::<TestUser>::from_fn(|user, _| user.name == "Jane");
    assert_eq!(send_through(named, &jane).await.status, 200);

    let subject = RequireLayer::<TestUser>::from_fn(|_, claims| claims.subject() == "root");
    let answer = send_through(subject, &jane).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail()),
        (403, "Not allowed".to_owned())
    );

    let said = RequireLayer::<TestUser>::from_fn(|user, _| match user.is_admin {
        true => Ok(()),
        false => Err(Denied::new(format!("Not for {}", user.name))),
    });
    assert_eq!(send_through(said, &jane).await.detail(), "Not for Jane");
}

#[tokio::test]
async fn scope_matches_one_whole_word() {
    let scoped = |scope| {
        let claims = serde_json::json!({"scope": scope});
        testing::issuer()
            .token("jane")
            .claims(&claims)
            .issue()
            .unwrap()
    };
    let guard = RequireLayer::<TestUser>::new(Scope::new("orders:read").unwrap());
    for (scope, status) in [
        ("orders:read", 200),
        ("a orders:read b", 200),
        ("orders:read-all", 403),
        ("ORDERS:READ", 403),
        ("orders:", 403),
        ("", 403),
    ] {
        assert_eq!(
            send_through(guard.clone(), &scoped(scope)).await.status,
            status,
            "{scope}"
        );
    }
    let answer = send_through(guard, &testing::token("jane")).await;
    assert_eq!(answer.detail(), "The scope orders:read is required");
    for scope in ["", "a b", "a\"", "a\\", "é"] {
        assert!(Scope::new(scope).is_err(), "{scope}");
    }
}

#[tokio::test]
async fn scope_does_not_admit_a_pending_account() {
    let claims = serde_json::json!({"scope": "a"});
    let token = testing::issuer()
        .token("paul")
        .claims(&claims)
        .issue()
        .unwrap();
    let guard = RequireLayer::<TestUser>::new(Scope::new("a").unwrap());
    assert_eq!(send_through(guard, &token).await.status, 401);
}

#[tokio::test]
async fn custom_rejection_keeps_challenge_and_error() {
    let guard = RequireLayer::<TestUser>::new(Admin).on_rejection(
        |error: &AuthError, headers: &HeaderMap| {
            let page = headers
                .get("accept")
                .is_some_and(|accept| accept == "text/html");
            let mut response = Response::new(Body::from(if page { "page" } else { "api" }));
            *response.status_mut() = error.status();
            response
                .headers_mut()
                .insert("www-authenticate", BASIC.parse().unwrap());
            response
                .headers_mut()
                .insert("set-cookie", "a=b".parse().unwrap());
            response
                .extensions_mut()
                .insert(AuthError::new(AuthErrorKind::Misconfigured));
            response
        },
    );
    let mut request = get_with("/", &testing::token("jane"));
    request
        .headers_mut()
        .insert("accept", "text/html".parse().unwrap());
    let app = layer(&Store::new()).layer(guard.layer(inside()));
    let answer = read(app.oneshot(request).await.unwrap()).await;

    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (403, "page")
    );
    assert_eq!(answer.header("set-cookie"), Some("a=b"));
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    let ours = r#"Bearer realm="api", error="insufficient_scope""#;
    assert_eq!(challenges, [BASIC, ours]);
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(error.kind(), AuthErrorKind::Forbidden);
}

#[tokio::test]
async fn custom_rejection_may_set_retry_after() {
    let app = |rejection: fn(&AuthError, &HeaderMap) -> Response<Body>| {
        let guard = RequireLayer::<TestUser>::approved().on_rejection(rejection);
        layer(&Store::is(Mood::Fails)).layer(guard.layer(inside()))
    };
    let request = || get_with("/", &testing::token("jane"));
    let silent = app(|_, _| Response::new(Body::empty()));
    let answer = read(silent.oneshot(request()).await.unwrap()).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Without a status from the handler, a rejection is never a success.
    assert_eq!(answer.status.as_u16(), 503);

    // The response has no `grpc-status`, so the content type alone does not make it a gRPC
    // response.
    let grpc = Request::post("/").version(Version::HTTP_2);
    let grpc = grpc.header("content-type", "application/grpc");
    let grpc = grpc.header(
        "authorization",
        format!("Bearer {}", testing::token("jane")),
    );
    let grpc = grpc.body(Body::empty()).unwrap();
    let silent = app(|_, _| Response::new(Body::empty()));
    let answer = read(silent.oneshot(grpc).await.unwrap()).await;
    assert_eq!(answer.status.as_u16(), 503);

    let later = app(|_, _| {
        let response = Response::builder().header("retry-after", "30");
        response.body(Body::empty()).unwrap()
    });
    let answer = read(later.oneshot(request()).await.unwrap()).await;
    let values: Vec<_> = answer.headers.get_all("retry-after").iter().collect();
    assert_eq!(values, ["30"]);
}

#[tokio::test]
async fn empty_body_rejection_has_status_and_challenge() {
    let guard = RequireLayer::<TestUser>::approved().on_rejection(EmptyBody);
    let answer = send_through(guard.clone(), "a.b.c").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, ""));
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
    assert!(answer.extensions.get::<AuthError>().is_some());

    let request = Request::post("/")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc");
    let request = request.body(Body::empty()).unwrap();
    let app = layer(&Store::new()).layer(guard.layer(inside()));
    let answer = read(app.oneshot(request).await.unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("grpc-status")),
        (200, Some("16"))
    );
}

/// Response of a guard to a request with `token`.
async fn send_through<P, R>(guard: RequireLayer<TestUser, P, R>, token: &str) -> Answer
where
    P: Policy<TestUser>,
    R: MakeErrorResponse<Body>,
{
    let app = layer(&Store::new()).layer(guard.layer(inside()));
    read(app.oneshot(get_with("/", token)).await.unwrap()).await
}

const BASIC: &str = r#"Basic realm="api""#;
