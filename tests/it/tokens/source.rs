//! The `Authorization` header: exactly one credential of one form.

use axum::body::Body;
use axum::routing::get;
use axum::{Router, middleware};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tower_warder::testing::{StaticUserLoader, TestUser};
use tower_warder::{AuthLayer, CurrentUser, JwtVerifier};

use super::forge::*;
use crate::support::{Answer, send};

/// Router with a protected route, `/me`, and a public one, `/`.
pub fn app_of(verifier: JwtVerifier) -> Router {
    let users = StaticUserLoader::new([("7", TestUser::approved("jane"))]);
    Router::new()
        .route("/", get(async || "public"))
        .route(
            "/me",
            get(async |CurrentUser(user): CurrentUser<TestUser>| user.name.clone()),
        )
        .layer(AuthLayer::new(verifier, users))
}

#[tokio::test]
async fn two_authorization_headers_are_invalid_request() {
    let good = format!("Bearer {}", with_payload(PAYLOAD));
    for (row, lines) in [
        ("the same twice", [&*good, &*good]),
        ("a bad one after", [&*good, "Bearer x"]),
        ("a bad one before", ["Bearer x", &*good]),
        ("another scheme after", [&*good, "Basic YTpi"]),
        ("another scheme before", ["Basic YTpi", &*good]),
        ("nothing after", [&*good, ""]),
        ("nothing before", ["", &*good]),
        ("no bearer at all", ["Basic YTpi", "Basic YTpi"]),
    ] {
        let answer = ask(&lines.map(str::as_bytes)).await;
        assert_eq!(answer.status, 400, "{row}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer realm="api", error="invalid_request""#),
            "{row}"
        );
        assert_eq!(answer.json()["code"], "invalid_request", "{row}");
    }
    assert_eq!(ask(&[good.as_bytes(); 3]).await.status, 400);
}

#[tokio::test]
async fn bearer_scheme_is_case_insensitive_and_spaces_follow() {
    let token = with_payload(PAYLOAD);
    for prefix in [
        "Bearer ",
        "bearer ",
        "BEARER ",
        "bEaReR ",
        "Bearer  ",
        "Bearer        ",
    ] {
        let answer = ask(&[format!("{prefix}{token}").as_bytes()]).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.body),
            (200, "jane"),
            "{prefix:?}"
        );
    }
}

#[tokio::test]
async fn bearer_header_without_exactly_one_token_is_invalid_token() {
    let token = with_payload(PAYLOAD);
    for line in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "bearer    ".to_owned(),
        format!("Bearer\t{token}"),
        format!("Bearer \t{token}"),
        format!("Bearer {token} "),
        format!("Bearer {token}\t"),
        format!("Bearer {token},"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer <{token}>"),
        format!("Bearer {token}%20"),
        format!("Bearer token={token}"),
        format!("Bearer {token};q=1"),
        format!("Bearer,{token}"),
        format!("Bearer:{token}"),
        format!("Bearer={token}"),
        format!("Bearer \"\"{token}"),
        // A valid b64token (RFC 6750, section 2.1), but not a JWT.
        format!("Bearer {token}="),
        "Bearer undefined".to_owned(),
        "Bearer null".to_owned(),
        "Bearer .".to_owned(),
    ] {
        let answer = ask(&[line.as_bytes()]).await;
        assert_rejected(&answer, true, &line);
    }
}

#[tokio::test]
async fn other_or_missing_scheme_is_anonymous() {
    let token = with_payload(PAYLOAD);
    for line in [
        String::new(),
        "abc".to_owned(),
        token.clone(),
        format!("BearerX {token}"),
        format!("Bearer%20{token}"),
        format!("Bearer-Token {token}"),
        format!("xBearer {token}"),
        format!("Token {token}"),
        format!("JWT {token}"),
        format!("DPoP {token}"),
        "Basic YTpi".to_owned(),
        format!("Basic Bearer {token}"),
        format!(",Bearer {token}"),
    ] {
        let answer = ask(&[line.as_bytes()]).await;
        assert_rejected(&answer, false, &line);
    }
    assert_rejected(&ask(&[]).await, false, "no line at all");
}

#[tokio::test]
async fn non_ascii_value_is_rejected() {
    let token = with_payload(PAYLOAD);
    for (row, line) in [
        (
            "no-break space",
            format!("Bearer\u{a0}{token}").into_bytes(),
        ),
        (
            "no-break space after",
            format!("Bearer {token}\u{a0}").into_bytes(),
        ),
        ("BOM", format!("\u{feff}Bearer {token}").into_bytes()),
        ("full-width", format!("Ｂｅａｒｅｒ {token}").into_bytes()),
        ("Latin-1", [b"Bearer \xff", token.as_bytes()].concat()),
        ("not UTF-8", b"\xff\xfe\x80".to_vec()),
        ("another scheme", b"Basic \xe9".to_vec()),
    ] {
        assert_rejected(&ask(&[&line]).await, true, row);
    }
}

#[tokio::test]
async fn public_route_accepts_any_credential() {
    for line in ["", "Bearer", "Bearer x", "Basic x", "Bearer a b"] {
        let request = Request::get("/")
            .header(AUTHORIZATION, line)
            .body(Body::empty());
        assert_eq!(send(&app(), request.unwrap()).await.status, 200, "{line}");
    }
}

#[tokio::test]
async fn credential_is_marked_sensitive_for_inner_services() {
    async fn shown(request: axum::extract::Request) -> String {
        format!("{:?}", request.headers())
    }
    let users = StaticUserLoader::new([("7", TestUser::approved("jane"))]);
    let app = Router::new()
        .route("/me", get(shown))
        .layer(middleware::from_fn(
            async |request, next: middleware::Next| next.run(request).await,
        ))
        .layer(AuthLayer::new(verifier(), users));
    let good = format!("Bearer {}", with_payload(PAYLOAD));
    for lines in [
        vec![&*good],
        vec!["Basic YTpi"],
        vec![&*good, &*good, "Basic YTpi"],
    ] {
        let lines: Vec<_> = lines.into_iter().map(str::as_bytes).collect();
        let answer = send(&app, request(&lines)).await;
        assert!(answer.body.contains("Sensitive"), "{}", answer.body);
        assert!(
            !answer.body.contains("earer") && !answer.body.contains("YTpi"),
            "{}",
            answer.body
        );
    }
}

fn request(lines: &[&[u8]]) -> Request<Body> {
    let mut request = Request::get("/me").body(Body::empty()).unwrap();
    for line in lines {
        request
            .headers_mut()
            .append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
    }
    request
}

fn app() -> Router {
    app_of(verifier())
}

async fn ask(lines: &[&[u8]]) -> Answer {
    send(&app(), request(lines)).await
}

#[track_caller]
fn assert_rejected(answer: &Answer, bad_token: bool, row: &str) {
    let (challenge, code) = if bad_token {
        (
            r#"Bearer realm="api", error="invalid_token""#,
            "invalid_token",
        )
    } else {
        (r#"Bearer realm="api""#, "not_authenticated")
    };
    assert_eq!(answer.status, 401, "{row}");
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{row}");
    assert_eq!(answer.json()["code"], code, "{row}");
}
