//! Policies, and custom responses for rejected requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, Version};
use tower::{Layer, ServiceExt};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::policy::{Admin, Denied, Policy, RecentLogin, Scope};
use tower_warder::response::{EmptyBody, MakeErrorResponse};
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{AuthError, AuthLayer, Claims, RequireLayer};

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

#[test]
fn login_is_recent_up_to_its_maximum_age() {
    let clock = FixedClock::at(UNIX_EPOCH + Duration::from_secs(LOGIN + 60));
    let policy = |leeway| {
        let policy = RecentLogin::new(Duration::from_millis(60_900)).clock(clock.clock());
        policy.leeway(Duration::from_secs(leeway))
    };
    let admits = |leeway, auth_time: &str| reason(&policy(leeway), auth_time) == "admitted";
    for (leeway, auth_time, expected) in [
        (0, "1767225600", true),
        (0, "1767225599", false),
        (0, "1767225600.5", true),
        (0, "1767225599.9", false),
        (0, "1767225660", true),
        (0, "1767225665", true),
        (0, "1767225666", false),
        (10, "1767225590", true),
        (10, "1767225589", false),
        (10, "1767225675", true),
        (10, "1767225676", false),
        // Limited to 300 seconds.
        (9999, "1767225300", true),
        (9999, "1767225299", false),
        (9999, "1767225966", false),
    ] {
        assert_eq!(admits(leeway, auth_time), expected, "{leeway} {auth_time}");
    }
    clock.advance(Duration::from_millis(500));
    assert!(!admits(0, "1767225600"));
    // A whole second at least.
    let policy = RecentLogin::new(Duration::ZERO).clock(clock.clock());
    assert_eq!(reason(&policy, "1767225660"), "admitted");
    assert_eq!(reason(&policy, "1767225659"), "login_too_old");
}

#[test]
fn malformed_login_time_is_no_login_time() {
    let policy = RecentLogin::new(Duration::from_secs(u64::MAX));
    for auth_time in [
        "null",
        "true",
        r#""1767225600""#,
        "[1767225600]",
        "{}",
        "-1",
        "-0.5",
        "1767225600000",
        "253402300800",
        "1e300",
    ] {
        assert_eq!(reason(&policy, auth_time), "no_login_time", "{auth_time}");
    }
    let clock = FixedClock::at(UNIX_EPOCH + Duration::from_secs(LOGIN)).clock();
    let policy = policy.clock(clock);
    assert_eq!(reason(&policy, "0"), "admitted");
    // After the log-in by far more than the clocks of two nodes may differ.
    assert_eq!(reason(&policy, "253402300799"), "login_in_future");
}

#[test]
fn login_time_is_not_the_time_of_issue() {
    let issuer = testing::issuer();
    let old = SystemTime::now() - Duration::from_secs(3600);
    let token = issuer.token("jane").auth_time(old).issue().unwrap();
    let claims = testing::verifier().verify_token(&token).unwrap();
    assert!(claims.issued_at().unwrap() > claims.auth_time().unwrap());
    let check = |minutes: u64| {
        let policy = RecentLogin::new(Duration::from_secs(60 * minutes));
        policy.check(&TestUser::approved("Jane"), &claims).is_ok()
    };
    assert!(!check(59) && check(61));
}

/// Decision of the policy about this `auth_time`.
fn reason(policy: &RecentLogin, auth_time: &str) -> &'static str {
    let claims = format!(r#"{{"sub":"7","exp":4102444800,"auth\u005ftime":{auth_time}}}"#);
    let claims = Claims::from_json(claims).unwrap();
    let guard = RequireLayer::<Claims>::new(policy.clone()).layer(inside());
    let app = AuthLayer::claims_only(Verified(claims)).layer(guard);
    let answer = app.oneshot(get_with("/", "token")).now_or_never().unwrap();
    match answer.unwrap().extensions().get::<AuthError>() {
        Some(error) => error.reason(),
        None => "admitted",
    }
}

/// Verifier that accepts every credential.
struct Verified(Claims);

impl Verifier for Verified {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Ready(Ok(self.0.clone()))
    }
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

/// The beginning of 2026.
const LOGIN: u64 = 1_767_225_600;

const BASIC: &str = r#"Basic realm="api""#;
