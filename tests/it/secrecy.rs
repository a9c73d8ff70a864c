//! No secrets in `Debug` output, no tokens in errors and logs.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use futures_util::FutureExt;
use http::{HeaderMap, Request};
use tower::{Layer, ServiceExt};
use tower_warder::clock::Clock;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::{AuthErrorKind, ConfigError};
use tower_warder::jwt::{DenyList, DenyListVerifier};
use tower_warder::keys::{Algorithm, KeyRing, SigningKey, VerifyingKey};
use tower_warder::policy::{Admin, Approved, Denied, Scope};
use tower_warder::response::{EmptyBody, ProblemJson};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, FixedClock, StaticUserLoader, TestUser};
use tower_warder::{
    AdminUser, AuthError, BoxError, Claims, CurrentUser, HmacSecret, Identity, JwtIssuer,
    JwtVerifier, Require, RequireLayer, UserStatus, async_trait,
};

use crate::support::{Log, Mood, OUTAGE, Store, get_with, identity, inside, layer, send};

#[tokio::test]
async fn no_public_type_shows_a_secret_or_a_token() {
    let secret = HmacSecret::new(SECRET).unwrap();
    let signing = SigningKey::hs256(&secret).key_id("kid");
    let ring = KeyRing::new();
    ring.set_signing_key(signing.clone()).unwrap();
    let issuer = JwtIssuer::hs256(&secret);
    let token = issuer.issue("jane").unwrap();
    let verifier = JwtVerifier::hs256(&secret);
    let claims = verifier.verify_token(&token).unwrap();
    let rejected = testing::verifier().verify_token(&token).unwrap_err();

    let store = Store::new();
    let tickets = StreamTickets::new(8);
    let layer = tower_warder::AuthLayer::new(verifier.clone(), Arc::clone(&store))
        .stream_tickets(tickets.clone())
        .timeout_with(Duration::from_secs(5), tokio::time::sleep);
    let guard = RequireLayer::<TestUser>::new(Admin);
    let identity = identity(&layer, get_with("/", &token)).await;
    let user = identity.require(&Approved).await.unwrap();
    let ticket = identity.issue_stream_ticket().await.unwrap();
    let stack = layer.layer(guard.clone().layer(inside()));
    let guard_future =
        tower::Service::call(&mut ready(guard.layer(inside())), get_with("/", &token));
    let logged_in = testing::logged_in(TestUser::approved("jane"));
    let admin: AdminUser<TestUser> = AdminUser(Arc::clone(&user.0));
    let guarded = guarded(&layer, &token).await;
    let request = seen_by_handlers(&layer, &token).await;

    let cookie = AuthCookie::new("id").unwrap();
    let shown: [&dyn Debug; 42] = [
        &secret,
        &signing,
        &signing.verifying_key(),
        &VerifyingKey::hs256(&secret),
        &ring,
        &issuer,
        &issuer
            .token("jane")
            .claims(&serde_json::json!({"password": SECRET})),
        &issuer.token("").issue(),
        &JwtIssuer::ring(&ring),
        &verifier,
        &JwtVerifier::ring(&ring),
        &DenyListVerifier::new(verifier.clone(), List(SECRET)),
        &claims,
        &rejected,
        &rejected.challenge(),
        &AuthError::new(AuthErrorKind::InvalidToken),
        &HmacSecret::new(&SECRET[..31]).unwrap_err(),
        &ConfigError::PlaceholderSecret,
        &Clock::system(),
        &FixedClock::new(),
        &Algorithm::HS256,
        &UserStatus::Approved,
        &CredentialSource::header(),
        &cookie,
        &tickets,
        &ticket,
        &cookie.set(&token, Duration::MAX),
        &cookie.set(SECRET, Duration::MAX),
        &layer,
        &guard,
        &stack,
        &guard_future,
        &identity,
        &user,
        &admin,
        &guarded,
        &(Approved, Admin, Scope::new("a"), Denied::default()),
        &(ProblemJson, EmptyBody),
        &request,
        &logged_in,
        &logged_in.layer(inside()),
        &StaticUserLoader::new([("jane", TestUser::approved("Jane"))]),
    ];
    let mut never = segments(&token);
    never.push(ticket.as_str().to_owned());
    never.extend([SECRET.to_owned(), format!("{:?}", SECRET.as_bytes())]);
    never.extend(segments(&testing::token("test-user")).into_iter().take(1));
    for value in shown {
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            assert_none(&text, &never);
        }
    }
}

#[test]
fn debug_shows_key_ids_and_issuer_rules() {
    let secret = HmacSecret::new(SECRET).unwrap();
    let signing = SigningKey::hs256(&secret).key_id("2026-01");
    let ring = KeyRing::new();
    ring.set_signing_key(signing.clone()).unwrap();
    let single = JwtVerifier::new(signing.verifying_key());
    let verifier = JwtVerifier::hs256(&secret);
    let a = "https://a.example";
    let template = verifier
        .clone()
        .issuer_template("https://a.example/{tenantid}");
    let shown: [(&dyn Debug, &str); 8] = [
        (&secret, "HmacSecret([redacted])"),
        (&ring, "2026-01"),
        (&single, "2026-01"),
        (&verifier, "issuer: Any"),
        (&verifier.clone().issuer(a), a),
        (
            &verifier.clone().issuers([a, "https://b.example"]),
            "https://b.example",
        ),
        (&template.unwrap(), a),
        (&verifier.clone().issuer_check(|_, _| true), "issuer: Check"),
    ];
    for (value, part) in shown {
        let text = format!("{value:?}");
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// Deny list that holds the password of its server.
#[derive(Debug)]
#[expect(dead_code, reason = "only shown")]
struct List(&'static str);

#[async_trait]
impl DenyList for List {
    async fn is_denied(&self, _: &str, _: &Claims) -> Result<bool, BoxError> {
        Ok(false)
    }
}

#[tokio::test]
async fn errors_contain_nothing_that_was_sent() {
    let token = testing::token("jane");
    let store = Store::new();
    for sent in attacks(&token) {
        let identity = identity(&layer(&store), with_value(&sent)).await;
        let Err(error) = identity.user().await else {
            continue;
        };
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {error:?} {error:#?} {source:?} {}", error.detail());
        assert_none(&text, &segments(&String::from_utf8_lossy(&sent)));
    }
}

#[tokio::test(start_paused = true)]
async fn log_contains_nothing_that_was_sent() {
    let log = Log::record();
    let token = testing::token("jane");
    let pending = testing::token("paul");
    let mut never = Vec::new();
    for mood in [Mood::Answers, Mood::Fails, Mood::Panics, Mood::Hangs] {
        let layer = layer(&Store::is(mood)).timeout_with(TIMEOUT, tokio::time::sleep);
        let app = routes().layer(layer);
        for sent in [attacks(&token), attacks(&pending)].concat() {
            for path in ["/user", "/option", "/admin", "/claims", "/layer", "/public"] {
                let mut request = with_value(&sent);
                *request.uri_mut() = format!("{path}?password=hunter2-in-the-query")
                    .parse()
                    .unwrap();
                let answer = send(&app, request).await;
                assert_none(&answer.body, &segments(&String::from_utf8_lossy(&sent)));
            }
            never.extend(segments(&String::from_utf8_lossy(&sent)));
        }
    }
    never.push("hunter2-in-the-query".to_owned());
    let text = log.text();
    assert!(
        text.contains(OUTAGE) && text.contains("DEBUG"),
        "something was logged"
    );
    assert_none(&text, &never);
}

#[tokio::test]
async fn authorization_header_is_marked_sensitive() {
    for sent in [&b"Bearer abc"[..], b"Basic abc", b"", b"Bearer \xff"] {
        let headers = seen_by_handlers_of(&layer(&Store::new()), with_value(sent)).await;
        assert!(headers["authorization"].is_sensitive());
    }
    let mut twice = with_value(b"Bearer abc");
    twice
        .headers_mut()
        .append("authorization", "Bearer def".parse().unwrap());
    let headers = seen_by_handlers_of(&layer(&Store::new()), twice).await;
    assert!(
        headers
            .get_all("authorization")
            .iter()
            .all(http::HeaderValue::is_sensitive)
    );
}

/// Header values that an attacker may send, derived from a valid token.
pub fn attacks(token: &str) -> Vec<Vec<u8>> {
    let [header, payload, signature] = segments(token).try_into().unwrap();
    let other = JwtIssuer::hs256(&HmacSecret::generate())
        .issue("root")
        .unwrap();
    let late = testing::issuer().clock(FixedClock::at(std::time::UNIX_EPOCH).clock());
    let bad_subject = "nobody-that-anybody-knows";
    let values = [
        format!("Bearer {token}"),
        format!("bearer   {token}"),
        format!("Bearer {other}"),
        format!("Bearer {}", late.issue("jane").unwrap()),
        format!("Bearer {}", testing::token(bad_subject)),
        format!("Bearer {header}.{payload}."),
        format!("Bearer {header}.{payload}"),
        format!("Bearer {header}.{payload}.{signature}="),
        format!("Bearer {payload}.{header}.{signature}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer\t{token}"),
        format!("Bearer {}", token.repeat(60)),
        format!("Basic {token}"),
        token.to_owned(),
    ];
    let mut values: Vec<_> = values.into_iter().map(String::into_bytes).collect();
    values.push([b"Bearer \xff", token.as_bytes()].concat());
    values
}

/// Parts of a header value that are long enough to search for.
fn segments(sent: &str) -> Vec<String> {
    let pieces = sent.split(['.', ' ', ',', '"', '\t', '\u{fffd}', '=']);
    pieces
        .filter(|piece| piece.len() > 8)
        .map(str::to_owned)
        .collect()
}

fn assert_none(text: &str, never: &[String]) {
    for piece in never {
        assert!(!text.contains(piece.as_str()), "{piece} in {text}");
    }
}

pub fn with_value(value: &[u8]) -> Request<Body> {
    let request = Request::get("/").header("authorization", value);
    request.body(Body::empty()).unwrap()
}

pub fn routes() -> Router {
    Router::new()
        .route(
            "/layer",
            on_get("in").layer(RequireLayer::<TestUser>::approved()),
        )
        .route("/user", on_get(async |_: CurrentUser<TestUser>| "in"))
        .route(
            "/option",
            on_get(async |_: Option<CurrentUser<TestUser>>| "in"),
        )
        .route("/admin", on_get(async |_: AdminUser<TestUser>| "in"))
        .route(
            "/claims",
            on_get(async |_: Claims, _: Identity<TestUser>| "in"),
        )
        .route("/public", on_get("public"))
}

type AuthLayer = tower_warder::AuthLayer<TestUser>;

async fn guarded(layer: &AuthLayer, token: &str) -> Require<Approved, TestUser> {
    let keep = tower::service_fn(async |request: Request<Body>| {
        axum::RequestExt::extract_parts(&mut { request }).await
    });
    layer
        .layer(keep)
        .oneshot(get_with("/", token))
        .await
        .unwrap()
}

async fn seen_by_handlers(layer: &AuthLayer, token: &str) -> impl Debug {
    let keep = tower::service_fn(async |request| Ok::<Request<Body>, ()>(request));
    layer
        .layer(keep)
        .oneshot(get_with("/", token))
        .await
        .unwrap()
}

async fn seen_by_handlers_of(layer: &AuthLayer, request: Request<Body>) -> HeaderMap {
    let keep =
        tower::service_fn(async |request: Request<Body>| Ok::<_, ()>(request.headers().clone()));
    layer.layer(keep).oneshot(request).await.unwrap()
}

fn ready<S: tower::Service<Request<Body>>>(mut service: S) -> S {
    service.ready().now_or_never().expect("ready at once").ok();
    service
}

const SECRET: &str = "kx93-Nobody-may-read-this-line-17";

const TIMEOUT: Duration = Duration::from_secs(5);
