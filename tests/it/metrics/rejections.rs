//! Metrics of rejections, by code and reason.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use futures_util::FutureExt;
use http::Request;
use tower::{Layer, ServiceExt};
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{DenyList, DenyListVerifier, Verification, Verifier};
use tower_warder::keys::{KeyRing, VerifyingKey};
use tower_warder::policy::{Admin, Approved, RecentLogin, Verified};
use tower_warder::testing::{self, FixedClock, TestUser};
use tower_warder::{
    AuthError, AuthLayer, BoxError, Claims, CurrentUser, Identity, JwtVerifier, RequireLayer,
    UserLoader, async_trait,
};

use super::counted;
use crate::support::{Mood, Store, get, get_with, identity, inside, layer, send};
use crate::tokens::forge;

/// Expected labels, layer and request.
pub struct Row(&'static str, AuthLayer<TestUser>, Request<Body>);

// One line per row.
#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let forged = |token: &str| get_with("/", token);
    let strict = || AuthLayer::new(forge::verifier(), Store::new());
    let by = |verifier: JwtVerifier| AuthLayer::new(verifier, Store::new());
    let plain = || layer(&Store::new());
    let down = |mood| layer(&Store::is(mood)).timeout_with(Duration::from_secs(5), tokio::time::sleep);
    let good = |subject: &str| get_with("/", &testing::token(subject));
    let claims = |members: &str| forged(&forge::with_claims(members));
    let late = testing::issuer().clock(FixedClock::at(UNIX_EPOCH).clock()).issue("jane").unwrap();
    let later = testing::issuer().token("jane").generation(1).issue().unwrap();
    let named = VerifyingKey::hs256(&forge::secret()).key_id("ours");
    let on_listed_path = plain().credentials(CredentialSource::header().with_query_token("/").unwrap());
    let ticket = || get("/?token=ticket_of-nobody");
    let cookies = plain().credentials(CredentialSource::cookie(AuthCookie::new("id").unwrap()));
    let mut elsewhere = with("cookie", "__Host-id=a.b.c");
    elsewhere.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    *elsewhere.method_mut() = http::Method::POST;
    let mut twice = good("jane");
    twice.headers_mut().append("authorization", "Bearer a".parse().unwrap());

    vec![
        Row("invalid_token credential", plain(), with("authorization", "Bearer")),
        Row("invalid_token duplicate_cookie", cookies.clone(), with("cookie", "__Host-id=a.b.c; __Host-id=a.b.d")),
        Row("invalid_token size", plain(), forged(&"a".repeat(9000))),
        Row("invalid_token header_size", strict(), forged(&forge::with_header(format!(r#"{{"alg":"HS256","x":"{}"}}"#, "x".repeat(1000))))),
        Row("invalid_token segments", plain(), forged("a.b")),
        Row("invalid_token base64", strict(), forged(&format!("{}=", forge::with_payload(forge::PAYLOAD)))),
        Row("invalid_token header", strict(), forged(&forge::with_header("[]"))),
        Row("invalid_token algorithm", strict(), forged(&forge::with_header(r#"{"alg":"none"}"#))),
        Row("invalid_token critical", strict(), forged(&forge::with_header(r#"{"alg":"HS256","crit":["b64"]}"#))),
        Row("invalid_token type", strict(), forged(&forge::with_header(r#"{"alg":"HS256","typ":"refresh"}"#))),
        Row("invalid_token no_type", by(forge::verifier().token_types(["JWT"])), forged(&forge::with_header(r#"{"alg":"HS256"}"#))),
        Row("invalid_token unknown_key", by(JwtVerifier::new(named)), forged(&forge::with_header(r#"{"alg":"HS256","kid":"theirs"}"#))),
        Row("invalid_token no_key_id", by(JwtVerifier::ring(&KeyRing::new())), forged(&forge::with_payload(forge::PAYLOAD))),
        Row("invalid_token signature", plain(), forged(&forge::with_payload(forge::PAYLOAD))),
        Row("invalid_token claims", strict(), forged(&forge::with_payload("[]"))),
        Row("invalid_token no_subject", strict(), forged(&forge::with_payload(r#"{"exp":1767229200}"#))),
        Row("invalid_token subject", strict(), forged(&forge::with_payload(r#"{"sub":"","exp":1767229200}"#))),
        Row("invalid_token subject_type", strict(), forged(&forge::with_payload(r#"{"sub":7,"exp":1767229200}"#))),
        Row("invalid_token no_expiry", strict(), forged(&forge::with_payload(r#"{"sub":"7"}"#))),
        Row("invalid_token expiry_type", strict(), forged(&forge::with_payload(r#"{"sub":"7","exp":"1767229200"}"#))),
        Row("invalid_token expiry_range", strict(), forged(&forge::with_payload(r#"{"sub":"7","exp":1767229200000}"#))),
        Row("invalid_token not_before_type", strict(), claims(r#""nbf":"0""#)),
        Row("invalid_token not_before_range", strict(), claims(r#""nbf":-1"#)),
        Row("invalid_token issued_at_type", strict(), claims(r#""iat":"0""#)),
        Row("invalid_token issued_at_range", strict(), claims(r#""iat":-1"#)),
        Row("invalid_token expired", plain(), forged(&late)),
        Row("invalid_token not_yet_valid", strict(), claims(r#""nbf":1767229100"#)),
        Row("invalid_token issued_in_future", strict(), claims(r#""iat":1767229100"#)),
        Row("invalid_token issuer", by(forge::verifier().issuer("us")), claims(r#""iss":"them""#)),
        Row("invalid_token no_issuer", by(forge::verifier().issuer("us")), claims(r#""x":1"#)),
        Row("invalid_token issuer_type", strict(), claims(r#""iss":1"#)),
        Row("invalid_token audience", by(forge::verifier().audience("us")), claims(r#""aud":"them""#)),
        Row("invalid_token no_audience", by(forge::verifier().audience("us")), claims(r#""x":1"#)),
        Row("invalid_token unexpected_audience", strict(), claims(r#""aud":"them""#)),
        Row("invalid_token audience_type", strict(), claims(r#""aud":1"#)),
        Row("invalid_token scope_type", by(forge::verifier().scope_claims(["scp"])), claims(r#""scp":1"#)),
        Row("invalid_token required_claim", by(validated(|it| it.set_required_spec_claims(&["nbf"]))), claims(r#""x":1"#)),
        Row("invalid_token other_subject", by(validated(|it| it.sub = Some("8".to_owned()))), claims(r#""x":1"#)),
        Row("invalid_token ticket", on_listed_path.stream_tickets(tower_warder::stream_ticket::StreamTickets::new(8)), ticket()),
        Row("invalid_token denied", AuthLayer::new(DenyListVerifier::new(testing::verifier(), DenyAll), Store::new()), good("jane")),
        Row("invalid_token no_token_id", AuthLayer::new(DenyListVerifier::new(forge::verifier(), DenyAll), Store::new()), forged(&forge::with_payload(forge::PAYLOAD))),
        Row("invalid_token generation", plain(), forged(&later)),
        Row("invalid_token generation_type", by(forge::verifier()), forged(&forge::with_payload(r#"{"sub":"jane","exp":1767229200,"gen":"1"}"#))),
        Row("invalid_token issued_too_early", AuthLayer::new(testing::verifier(), NewerUsers), good("jane")),
        Row("invalid_token unknown_subject", plain(), good("nobody")),
        Row("invalid_token foreign_issuer", AuthLayer::new(testing::verifier(), ForeignIssuerLoader), forged(&testing::issuer().issuer("them").issue("1").unwrap())),
        Row("invalid_token session_ended", AuthLayer::new(testing::verifier(), EndedSessionLoader), good("jane")),
        Row("invalid_token custom_claims", AuthLayer::new(testing::verifier(), Tenants), good("jane")),
        Row("invalid_token account_pending", plain(), good("paul")),
        Row("invalid_token account_disabled", plain(), good("dora")),
        Row("account_pending account_pending", plain().disclose_account_status(true), good("paul")),
        Row("account_disabled account_disabled", plain().disclose_account_status(true), good("dora")),
        Row("invalid_token none", AuthLayer::new(RejectingVerifier, Store::new()), good("jane")),
        Row("invalid_request none", plain(), twice),
        Row("cross_origin none", cookies, elsewhere),
        Row("unavailable none", down(Mood::Fails), good("jane")),
        Row("unavailable none", down(Mood::Panics), good("jane")),
        Row("unavailable timeout", down(Mood::Hangs), good("jane")),
        Row("not_authenticated none", plain(), get("/")),
    ]
}

/// Reasons of all rows.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    let rows = rows().into_iter();
    let rows = rows.map(|Row(expected, ..)| expected.split_once(' ').unwrap().1);
    rows.chain(MISCONFIGURED)
        .chain(LOGINS.map(|(reason, _)| reason))
        .chain(["no_issuer_rule"]) // by `jwks::start`
}

/// Reasons in the order of `misconfigured_routes_are_counted_by_reason`.
const MISCONFIGURED: [&str; 4] = ["no_layer", "layer_inside", "other_user_type", "no_tickets"];

#[test]
fn every_rejection_is_counted_once_by_code_and_reason() {
    for Row(expected, layer, request) in rows() {
        let counts = counted(async |_| drop(send(&app(layer), request).await));
        assert_eq!(
            counts.of("rejections_total"),
            format!("{expected} 1"),
            "extractors"
        );
    }
    for Row(expected, layer, request) in rows() {
        let guard = RequireLayer::<TestUser>::approved().layer(inside());
        let counts = counted(async |_| drop(layer.layer(guard).oneshot(request).await));
        assert_eq!(
            counts.of("rejections_total"),
            format!("{expected} 1"),
            "layer"
        );
    }
}

#[test]
fn policy_denial_is_counted() {
    let counts = counted(async |_| {
        let guard = RequireLayer::<TestUser>::new(Admin).layer(inside());
        let request = get_with("/", &testing::token("jane"));
        drop(layer(&Store::new()).layer(guard).oneshot(request).await);
    });
    assert_eq!(counts.of("rejections_total"), "forbidden none 1");
}

#[test]
fn address_that_is_not_verified_is_counted() {
    let counts = counted(async |_| {
        let guard = RequireLayer::<TestUser>::new(Verified).layer(inside());
        let request = get_with("/", &testing::token("jane"));
        drop(layer(&Store::new()).layer(guard).oneshot(request).await);
    });
    assert_eq!(counts.of("rejections_total"), "email_not_verified none 1");
}

/// Log-ins that are not recent, by their time.
const LOGINS: [(&str, Option<u64>); 3] = [
    ("no_login_time", None),
    ("login_too_old", Some(0)),
    ("login_in_future", Some(4_102_444_800)),
];

#[test]
fn login_that_is_not_recent_is_counted_by_reason() {
    for (reason, login) in LOGINS {
        let issuer = testing::issuer();
        let mut token = issuer.token("jane");
        if let Some(login) = login {
            token = token.auth_time(UNIX_EPOCH + Duration::from_secs(login));
        }
        let request = get_with("/", &token.issue().unwrap());
        let counts = counted(async |_| {
            let recent = RecentLogin::new(Duration::from_secs(60));
            let guard = RequireLayer::<TestUser>::new(recent).layer(inside());
            drop(layer(&Store::new()).layer(guard).oneshot(request).await);
        });
        let expected = format!("insufficient_user_authentication {reason} 1");
        assert_eq!(counts.of("rejections_total"), expected);
    }
}

#[test]
fn missing_layer_is_counted() {
    let counts = counted(async |_| {
        let app = Router::new().route("/", on_get(async |_: CurrentUser<TestUser>| "in"));
        send(&app, get("/")).await;
    });
    assert_eq!(counts.of("rejections_total"), "misconfigured no_layer 1");
}

#[test]
fn misconfigured_routes_are_counted_by_reason() {
    let request = || get_with("/", &testing::token("jane"));
    let guard = RequireLayer::<TestUser>::approved;
    let auth = || layer(&Store::new());
    for (expected, counts) in MISCONFIGURED.into_iter().zip([
        counted(async |_| drop(guard().layer(inside()).oneshot(request()).await)),
        counted(async |_| {
            drop(
                guard()
                    .layer(auth().layer(inside()))
                    .oneshot(request())
                    .await,
            )
        }),
        counted(async |_| {
            let guard = RequireLayer::<Claims>::approved();
            drop(auth().layer(guard.layer(inside())).oneshot(request()).await);
        }),
        counted(async |_| {
            drop(
                identity(&auth(), request())
                    .await
                    .issue_stream_ticket()
                    .await,
            )
        }),
    ]) {
        let expected = format!("misconfigured {expected} 1");
        assert_eq!(counts.of("rejections_total"), expected);
    }
}

#[test]
fn anonymous_request_is_counted_only_where_rejected() {
    let counts = counted(async |_| {
        let app = app(layer(&Store::new()));
        for path in ["/", "/claims", "/", "/public", "/option", "/by-hand"] {
            send(&app, get(path)).await;
        }
    });
    assert_eq!(counts.of("rejections_total"), "not_authenticated none 3");
}

#[test]
fn rejection_is_counted_once_per_request() {
    let counts = counted(async |_| {
        let identity = identity(&layer(&Store::new()), get_with("/", "bad")).await;
        for _ in 0..3 {
            assert!(identity.try_claims().unwrap().is_err());
            assert!(identity.claims().await.is_err());
            assert!(identity.user().await.is_err());
            assert!(identity.require(&Approved).await.is_err());
        }
    });
    assert_eq!(counts.of("rejections_total"), "invalid_token segments 1");
}

#[test]
fn invalid_token_on_a_public_route_is_not_counted() {
    let counts = counted(async |_| {
        send(&app(layer(&Store::new())), get_with("/public", "bad")).await;
    });
    assert_eq!(counts.sums().len(), 0);
}

#[test]
fn authorized_request_is_not_counted() {
    let counts = counted(async |_| {
        let app = app(layer(&Store::new()));
        for path in ["/", "/claims", "/option", "/by-hand"] {
            assert_eq!(
                send(&app, get_with(path, &testing::token("jane")))
                    .await
                    .status,
                200
            );
        }
    });
    assert_eq!(counts.of("rejections_total"), "");
}

#[test]
fn ended_stream_is_counted_with_its_reason() {
    let counts = counted(async |counts| {
        let store = Store::new();
        let identity = identity(&layer(&store), get_with("/", &testing::token("jane"))).await;
        let interval = Duration::from_secs(30);
        let mut stream =
            Box::pin(identity.until_unauthorized(Approved, interval, tokio::time::sleep));
        assert!(stream.as_mut().now_or_never().is_none());
        assert_eq!(counts.of("rejections_total"), "");
        store.becomes(Mood::Hangs);
        stream.await;
    });
    assert_eq!(counts.of("rejections_total"), "unavailable timeout 1");
}

#[test]
fn ticket_issue_by_ticket_is_counted() {
    let counts = counted(async |counts| {
        let source = CredentialSource::header().with_query_token("/").unwrap();
        let layer = layer(&Store::new())
            .credentials(source)
            .stream_tickets(tower_warder::stream_ticket::StreamTickets::new(8));
        let issuing = identity(&layer, get_with("/", &testing::token("jane"))).await;
        let ticket = issuing.issue_stream_ticket().await.unwrap();
        let path = format!("/?token={}", ticket.as_str());
        let redeeming = identity(&layer, get(&path)).await;
        assert!(redeeming.user().await.is_ok());
        assert_eq!(counts.of("rejections_total"), "");
        assert!(redeeming.issue_stream_ticket().await.is_err());
    });
    assert_eq!(counts.of("rejections_total"), "invalid_token ticket 1");
    assert_eq!(counts.of("tickets_issued_total"), "1");
    assert_eq!(counts.of("tickets_redeemed_total"), "1");
}

#[test]
fn cross_origin_login_is_counted() {
    let counts = counted(async |_| {
        let mut request = with("sec-fetch-site", "cross-site");
        *request.method_mut() = http::Method::POST;
        let cookie = AuthCookie::new("id").unwrap();
        assert!(cookie.check_csrf(&request).is_err());
    });
    assert_eq!(counts.of("rejections_total"), "cross_origin none 1");
}

fn app(layer: AuthLayer<TestUser>) -> Router {
    let asked_by_hand = async |identity: Identity<TestUser>| {
        drop(identity.require(&Approved).await);
        "for everybody"
    };
    Router::new()
        .route(
            "/",
            axum::routing::any(async |_: CurrentUser<TestUser>, _: Claims| "in"),
        )
        .route("/claims", on_get(async |_: Claims| "in"))
        .route(
            "/option",
            on_get(async |_: Option<CurrentUser<TestUser>>| "in"),
        )
        .route("/by-hand", on_get(asked_by_hand))
        .route("/public", on_get("public"))
        .layer(layer)
}

fn with(name: &'static str, value: &str) -> Request<Body> {
    let mut request = get("/");
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// Verifier made of a `Validation` of `jsonwebtoken`.
fn validated(change: fn(&mut jsonwebtoken::Validation)) -> JwtVerifier {
    let mut validation = jsonwebtoken::Validation::default();
    change(&mut validation);
    let key = jsonwebtoken::DecodingKey::from_secret(forge::SECRET.as_bytes());
    let verifier = JwtVerifier::from_validation(&key, &validation).unwrap();
    verifier.clock(forge::at(forge::NOW as f64))
}

/// Loader that requires a claim that no token has.
struct Tenants;

#[async_trait]
impl UserLoader for Tenants {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        let (tenant,): (String,) = claims.deserialize()?;
        Ok(Some(TestUser::approved(&tenant)))
    }
}

/// Deny list that denies every token.
struct DenyAll;

#[async_trait]
impl DenyList for DenyAll {
    async fn is_denied(&self, _: &str, _: &Claims) -> Result<bool, BoxError> {
        Ok(true)
    }
}

/// Verifier that rejects without a reason.
struct RejectingVerifier;

impl Verifier for RejectingVerifier {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Ready(Err(AuthError::new(AuthErrorKind::InvalidToken)))
    }
}

/// Loader whose users are newer than every token.
struct NewerUsers;

#[async_trait]
impl UserLoader for NewerUsers {
    type User = TestUser;

    async fn load_user(&self, claims: &Claims) -> Result<Option<TestUser>, BoxError> {
        Ok(Some(TestUser {
            tokens_valid_since: Some(claims.expires_at()),
            ..TestUser::approved("Jane")
        }))
    }
}

/// Loader that rejects tokens of another issuer, as the accounts crate does.
struct ForeignIssuerLoader;

#[async_trait]
impl UserLoader for ForeignIssuerLoader {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        Err(tower_warder::private::foreign_issuer().into())
    }
}

/// Loader that rejects tokens whose session has ended, as the accounts crate does.
struct EndedSessionLoader;

#[async_trait]
impl UserLoader for EndedSessionLoader {
    type User = TestUser;

    async fn load_user(&self, _: &Claims) -> Result<Option<TestUser>, BoxError> {
        Ok(None)
    }

    fn wrap_verifier(&self, _: Arc<dyn Verifier>) -> Arc<dyn Verifier> {
        Arc::new(EndedSessions)
    }
}

struct EndedSessions;

impl Verifier for EndedSessions {
    fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
        Verification::Ready(Err(tower_warder::private::session_ended()))
    }
}
