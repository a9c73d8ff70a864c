//! `LoginError` in a log-in handler over a table of the application.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::Request;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use tower_warder::credentials::AuthCookie;
use tower_warder::error::AuthErrorKind;
use tower_warder::login::LoginError;
use tower_warder::password::{PasswordError, PasswordHasher};
use tower_warder::testing::{self, StaticUserLoader, TestUser};
use tower_warder::{AuthError, AuthLayer, BoxError, Identity, UserStatus};

use crate::login::visible;
use crate::server::{Approved, Disabled, FORM, PASSWORD, Pending, Server, hash, hasher};
use crate::support::{Answer, Log, OUTAGE, read, send};

struct App {
    hasher: PasswordHasher,
    cookie: AuthCookie,
}

struct Member {
    id: &'static str,
    hash: String,
    status: UserStatus,
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

impl App {
    /// The table of the application.
    async fn find(&self, username: &str) -> Result<Option<Member>, BoxError> {
        let member = |id, status| Member {
            id,
            hash: String::new(),
            status,
        };
        let found = match username {
            "jane@example.org" => member("1", Approved),
            "paul@example.org" => member("2", Pending),
            "dora@example.org" => member("3", Disabled),
            "broken@example.org" => {
                let hash = "not a hash".to_owned();
                return Ok(Some(Member {
                    hash,
                    ..member("4", Approved)
                }));
            }
            // An empty subject cannot be issued.
            "empty@example.org" => member("", Approved),
            "down@example.org" => return Err(OUTAGE.into()),
            _ => return Ok(None),
        };
        let hash = hash().await.to_owned();
        Ok(Some(Member { hash, ..found }))
    }
}

async fn login(
    State(app): State<Arc<App>>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, LoginError> {
    let member = app.find(&credentials.username).await?;
    let stored = member.as_ref().map(|member| &*member.hash);
    let verdict = app
        .hasher
        .verify_or_dummy(&credentials.password, stored)
        .await?;
    let member = member.filter(|_| verdict.matches);
    let member = member.ok_or(LoginError::WrongCredentials)?;
    LoginError::check_status(member.status)?;
    let issuer = testing::issuer();
    let token = issuer.issue(member.id)?;
    let cookie = app.cookie.set(&token, issuer.expires_in())?;
    Ok(([(SET_COOKIE, cookie)], "in").into_response())
}

fn app(hasher: PasswordHasher) -> Router {
    let cookie = AuthCookie::new("id").unwrap();
    let app = Arc::new(App { hasher, cookie });
    Router::new().route("/login", post(login)).with_state(app)
}

fn request(path: &str, username: &str, password: &str) -> Request<Body> {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields
        .append_pair("username", username)
        .append_pair("password", password);
    Request::post(path)
        .header(CONTENT_TYPE, FORM)
        .body(Body::from(fields.finish()))
        .unwrap()
}

#[tokio::test]
async fn login_error_equals_the_account_routes() {
    let app = app(hasher());
    let server = Server::new().await;
    server.jane().await;
    server.add("paul@example.org", false, Pending).await;
    server.add("dora@example.org", true, Disabled).await;
    server
        .add_with_hash("broken@example.org", false, Approved, "not a hash")
        .await;
    let long = "x".repeat(4097);
    for (name, password, status) in [
        ("jane", PASSWORD, 200),
        ("jane", "wrong password", 401),
        ("jane", &long, 401),
        ("nobody", "wrong password", 401),
        ("nobody", &long, 401),
        ("broken", PASSWORD, 401),
        ("paul", PASSWORD, 403),
        ("paul", "wrong password", 401),
        ("dora", PASSWORD, 403),
        ("dora", "wrong password", 401),
    ] {
        let email = format!("{name}@example.org");
        let ours = send(&app, request("/login", &email, password)).await;
        assert_eq!(ours.status, status, "{name}: {}", ours.body);
        let theirs = server
            .send(request("/api/auth/login", &email, password))
            .await;
        if status == 200 {
            assert_eq!(theirs.status, 200);
        } else {
            assert_eq!(visible(ours), visible(theirs), "{name}");
        }
    }
}

#[tokio::test]
async fn failing_login_is_503_without_the_cause() {
    for name in ["down", "empty"] {
        let log = Log::record();
        let username = format!("{name}@example.org");
        let answer = send(&app(hasher()), request("/login", &username, PASSWORD)).await;
        assert_unavailable(&answer);
        // At ERROR at most once a minute, otherwise at DEBUG.
        let lines = log.lines("ERROR").into_iter().chain(log.lines("DEBUG"));
        let outages = lines.filter(|line| line.contains("a log-in cannot be answered"));
        assert_eq!(outages.count(), 1, "{}", log.text());
        assert!(log.lines("ERROR").len() <= 1, "{}", log.text());
    }
}

#[tokio::test]
async fn full_hash_queue_is_503_without_an_error_log() {
    // Computed once for all tests; here it would take as long as the running hash.
    let _ = hash().await;
    let hasher = hasher().max_concurrency(1).max_queue(0);
    let mut running = Box::pin(hasher.hash(PASSWORD));
    assert!(
        futures_util::future::poll_immediate(running.as_mut())
            .await
            .is_none()
    );
    let log = Log::record();
    let answer = send(
        &app(hasher.clone()),
        request("/login", "jane@example.org", PASSWORD),
    )
    .await;
    assert_unavailable(&answer);
    assert_eq!(log.lines("ERROR"), [""; 0], "{}", log.text());
}

#[tokio::test]
async fn converted_errors_keep_status_and_code() {
    let auth = |kind| LoginError::from(AuthError::new(kind));
    let boxed = |error: BoxError| LoginError::from(error);
    for (error, status, code) in [
        (auth(AuthErrorKind::CrossOrigin), 403, "cross_origin"),
        (auth(AuthErrorKind::AccountPending), 403, "account_pending"),
        (
            auth(AuthErrorKind::AccountDisabled),
            403,
            "account_disabled",
        ),
        (auth(AuthErrorKind::Unavailable), 503, "unavailable"),
        (
            boxed(AuthError::new(AuthErrorKind::CrossOrigin).into()),
            403,
            "cross_origin",
        ),
        (
            boxed(PasswordError::TooLong.into()),
            401,
            "invalid_credentials",
        ),
        (boxed(PasswordError::Busy.into()), 503, "unavailable"),
        (boxed(LoginError::Pending.into()), 403, "account_pending"),
        (boxed("a database".into()), 503, "unavailable"),
    ] {
        let shown = format!("{error:?}");
        let answer = read(error.into_response()).await;
        assert_eq!(answer.status, status, "{shown}");
        assert_eq!(answer.json()["code"], code, "{shown}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{shown}");
    }
}

#[tokio::test]
async fn login_error_keeps_the_account_status_undisclosed() {
    async fn handler(identity: Identity<TestUser>) -> Result<&'static str, LoginError> {
        identity.require(&tower_warder::policy::Approved).await?;
        Ok("in")
    }
    let paul = TestUser {
        status: Pending,
        ..TestUser::approved("paul")
    };
    let users = StaticUserLoader::new([("paul", paul)]);
    for (disclosed, status, code) in [
        (false, 401, "invalid_token"),
        (true, 403, "account_pending"),
    ] {
        let layer =
            AuthLayer::new(testing::verifier(), users.clone()).disclose_account_status(disclosed);
        let app = Router::new().route("/", post(handler)).layer(layer);
        let token = testing::token("paul");
        let request = Request::post("/").header("authorization", format!("Bearer {token}"));
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["code"], code);
    }
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], "unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.body.contains(OUTAGE), "{}", answer.body);
}
