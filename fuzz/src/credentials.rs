//! Headers and queries, from which a credential is read.

use std::convert::Infallible;

use futures_util::FutureExt;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{AuthLayer, Claims, Identity};

/// Lines of `Authorization` (RFC 9110, section 11.4; RFC 6750, section 2.1).
pub(crate) fn authorization(input: &[u8]) {
    let Some(lines) = lines(input) else {
        return;
    };
    let expected = match lines.as_slice() {
        [line] => bearer(line.as_bytes()),
        _ => Err("invalid_request"),
    };
    let found = find(CredentialSource::header(), with(&AUTHORIZATION, &lines));
    assert_eq!(as_texts(&found), expected);
}

/// Lines of `Cookie`, compared with the crate `cookie`.
pub(crate) fn cookie(input: &[u8]) {
    let Some(lines) = lines(input) else {
        return;
    };
    let source = CredentialSource::cookie(AuthCookie::new("id").unwrap());
    let found = find(source, with(&COOKIE, &lines));
    let texts: Option<Vec<&str>> = lines.iter().map(|line| line.to_str().ok()).collect();
    if let Some(texts) = texts {
        assert_eq!(as_texts(&found), only_cookie(&texts));
    }
}

/// A query, compared with the crate `form_urlencoded`.
pub(crate) fn query(input: &[u8]) {
    let uri = [b"/events?", input].concat();
    let Ok(uri) = Uri::try_from(uri) else {
        return;
    };
    let query = uri.query().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    let tokens: Vec<String> = pairs
        .filter(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned())
        .collect();
    let expected = match tokens.as_slice() {
        [] => Ok(None),
        [token] if is_b64token(token.as_bytes()) => Ok(Some(token.as_str())),
        [_] => Err("invalid_token"),
        _ => Err("invalid_request"),
    };
    let is_listed = uri.path() == "/events";
    let source = CredentialSource::header()
        .with_query_token("/events")
        .unwrap();
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    let found = find(source, request);
    assert_eq!(
        as_texts(&found),
        if is_listed { expected } else { Ok(None) }
    );
}

fn bearer(line: &[u8]) -> Result<Option<&str>, &'static str> {
    let end = line.iter().position(|byte| !is_token_char(*byte));
    let (scheme, rest) = line.split_at(end.unwrap_or(line.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        // No scheme has such bytes in its credentials.
        return if line.is_ascii() {
            Ok(None)
        } else {
            Err("invalid_token")
        };
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    match rest.split_at(spaces) {
        ([_, ..], token) if is_b64token(token) => Ok(str::from_utf8(token).ok()),
        _ => Err("invalid_token"),
    }
}

fn only_cookie<'a>(lines: &[&'a str]) -> Result<Option<&'a str>, &'static str> {
    let mut found = Vec::new();
    for pair in lines.iter().flat_map(|line| line.split(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // Spaces before the `=` are not part of a name (RFC 6265, section 4.2.1).
        if name.ends_with([' ', '\t']) {
            continue;
        }
        let cookies = ::cookie::Cookie::split_parse(pair).flatten();
        for cookie in cookies.filter(|cookie| cookie.name() == "__Host-id") {
            // Spaces after it are part of the value.
            let value = value.trim_end_matches([' ', '\t']);
            found.push((value, cookie.value() == value));
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [(value, true)] if is_b64token(value.as_bytes()) => Ok(Some(value)),
        _ => Err("invalid_token"),
    }
}

/// The credential, or the code of the error.
fn find(source: CredentialSource, request: Request<()>) -> Result<Option<String>, &'static str> {
    let service = service_fn(async |request: Request<()>| {
        let identity = Identity::<Claims>::from_extensions(request.extensions());
        Ok::<_, Infallible>(Response::new(identity.unwrap()))
    });
    let layer = AuthLayer::claims_only(Echo).credentials(source);
    let answer = layer.layer(service).oneshot(request).now_or_never();
    let identity = answer.unwrap().unwrap().into_body();
    match identity.try_claims().unwrap() {
        Ok(claims) => {
            let claims: Value = claims.deserialize().unwrap();
            Ok(claims["credential"].as_str().map(str::to_owned))
        }
        Err(error) if error.code() == "not_authenticated" => {
            assert!(identity.is_anonymous());
            Ok(None)
        }
        Err(error) => Err(error.code()),
    }
}

fn as_texts<'a>(
    found: &'a Result<Option<String>, &'static str>,
) -> Result<Option<&'a str>, &'static str> {
    found.as_ref().map(Option::as_deref).map_err(|code| *code)
}

/// Verifier that accepts every credential and returns it as a claim.
struct Echo;

impl Verifier for Echo {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        let claims = json!({"sub": "7", "exp": 4_102_444_800_u64, "credential": credential});
        Verification::Ready(Claims::from_json(claims.to_string()))
    }
}

/// The lines of the input, if they can be those of a header.
fn lines(input: &[u8]) -> Option<Vec<HeaderValue>> {
    let lines = input.split(|byte| *byte == b'\n');
    lines
        .map(|line| HeaderValue::from_bytes(line).ok())
        .collect()
}

fn with(name: &HeaderName, lines: &[HeaderValue]) -> Request<()> {
    let mut request = Request::new(());
    for line in lines {
        request.headers_mut().append(name, line.clone());
    }
    request
}

fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = &token[..token.len() - padding];
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    !text.is_empty() && text.iter().all(allowed)
}

fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
