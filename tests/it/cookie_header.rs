//! Parsing of the `Cookie` header, compared with the crate `cookie`, which axum-extra uses.

use axum::body::Body;
use futures_util::FutureExt;
use http::Request;
use http::header::COOKIE;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{AuthLayer, Claims};

use crate::support::{Store, identity};

const NAME: &str = "__Host-id";
const BLANKS: [char; 2] = [' ', '\t'];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn cookie_header_is_parsed_like_the_cookie_crate(lines in lines()) {
        let expected = expected(&lines).map_err(str::to_owned);
        prop_assert_eq!(ours(&lines), expected, "{:?}", lines);
    }
}

/// Result of the crate `cookie`, with each rule by which this crate is stricter.
fn expected(lines: &[Vec<String>]) -> Result<Option<String>, &'static str> {
    let mut found = Vec::new();
    for pair in lines.iter().flatten() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // Spaces before the `=` are not part of a name (RFC 6265, section 4.2.1): that is another
        // cookie.
        if name.ends_with(BLANKS) {
            continue;
        }
        let cookies = ::cookie::Cookie::split_parse(pair.as_str()).flatten();
        let ours = cookies.filter(|cookie| cookie.name() == NAME);
        // Spaces after it are part of the value.
        let value = value.trim_end_matches(BLANKS);
        found.extend(ours.map(|cookie| (cookie.value().to_owned(), cookie.value() == value)));
    }
    match found.as_slice() {
        [] => Ok(None),
        // The grammar of bearer tokens (RFC 6750, section 2.1), neither quoted nor percent-encoded.
        [(value, true)] if is_b64token(value) => Ok(Some(value.clone())),
        [_] => Err("credential"),
        // A duplicate may have been set by another host.
        [..] => Err("duplicate_cookie"),
    }
}

fn ours(lines: &[Vec<String>]) -> Result<Option<String>, String> {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    for line in lines {
        let line = line.join(";");
        request.headers_mut().append(COOKIE, line.parse().unwrap());
    }
    let source = CredentialSource::cookie(AuthCookie::new("id").unwrap());
    let layer = AuthLayer::new(Echo, Store::new()).credentials(source);
    let identity = identity(&layer, request).now_or_never().unwrap();
    match identity.try_claims().unwrap() {
        Ok(claims) => Ok(Some(claims.subject().to_owned())),
        Err(error) if error.code() == "not_authenticated" => Ok(None),
        Err(error) => Err(error.reason().to_owned()),
    }
}

fn is_b64token(value: &str) -> bool {
    let token = value.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !token.is_empty() && token.bytes().all(allowed)
}

fn lines() -> impl Strategy<Value = Vec<Vec<String>>> {
    let blank = || select(&["", "", " ", "\t", "  "][..]);
    let gap = prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\t")];
    let names = select(
        &[
            NAME,
            NAME,
            NAME,
            "id",
            "__host-id",
            "__Secure-id",
            "__Host-id2",
            "x__Host-id",
            "a",
            "",
        ][..],
    );
    let equals = prop_oneof![9 => Just("="), 1 => Just("")];
    let values = select(
        &[
            "a.b-c",
            "a.b-c",
            "a.b-c==",
            "a=b",
            "=",
            "",
            "\"a.b\"",
            "a b",
            "a,b",
            "a%20b",
            "__Host-id=a",
            "a\tb",
            "~+/",
        ][..],
    );
    let pair = (blank(), names, gap, equals, blank(), values, blank());
    let pair = pair.prop_map(|(before, name, gap, equals, blanks, value, after)| {
        [before, name, gap, equals, blanks, value, after].concat()
    });
    vec(vec(pair, 0..4), 0..3)
}

/// Verifier that accepts every credential and returns it as the subject.
struct Echo;

impl Verifier for Echo {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        let claims = json!({"sub": credential, "exp": 4_102_444_800_u64});
        Verification::Ready(Claims::from_json(claims.to_string()))
    }
}
