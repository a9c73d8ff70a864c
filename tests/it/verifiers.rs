//! Custom and wrapping verifiers: the credentials that reach them.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{DenyList, DenyListVerifier, MultiIssuerVerifier, Verification, Verifier};
use tower_warder::testing;
use tower_warder::{AuthLayer, BoxError, Claims, JwtVerifier, async_trait};

use crate::support::{Store, identity};

const LONG: usize = 100;

#[tokio::test]
async fn verifier_sees_only_b64tokens_within_the_size_limit() {
    let seen = credentials_seen(false).await;
    let longest = "a".repeat(LONG);
    assert_eq!(seen, ["a+b/c~d==", &*longest]);
}

#[tokio::test]
async fn verifier_that_checks_characters_sees_all_text_within_limit() {
    let seen = credentials_seen(true).await;
    let longest = "a".repeat(LONG);
    let expected = [
        "a+b/c~d==",
        &*longest,
        "a b",
        "a,b",
        "a=b",
        "\"a\"",
        "===",
        "",
        "é",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn wrapping_verifier_is_as_strict() {
    let layer = AuthLayer::new(Wrapping(testing::verifier()), Store::new());
    let token = testing::token("jane");
    let asked = identity(&layer, bearer(token.as_bytes())).await;
    assert_eq!(asked.claims().await.unwrap().subject(), "jane");
    for odd in [
        format!("{token} "),
        format!("{token}="),
        format!("{token},{token}"),
    ] {
        let asked = identity(&layer, bearer(odd.as_bytes())).await;
        let error = asked.claims().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken, "{odd}");
    }
}

#[test]
fn wrapping_verifiers_keep_the_limits_of_the_wrapped_one() {
    for checks_characters in [false, true] {
        let recording = || Recording {
            seen: Arc::default(),
            checks_characters,
        };
        let expected = (LONG, checks_characters);
        let shared: Arc<dyn Verifier> = Arc::new(recording());
        assert_eq!(limits(&shared), expected);
        let with_deny_list = DenyListVerifier::new(recording(), EmptyList);
        assert_eq!(limits(&with_deny_list), expected);
    }
    let jwt = testing::verifier().max_token_bytes(LONG);
    assert_eq!(limits(&jwt), (LONG, true));
    let issuers = MultiIssuerVerifier::new().add("https://a.example", jwt);
    assert_eq!(limits(&issuers.unwrap()), (LONG, true));
}

fn limits(verifier: &impl Verifier) -> (usize, bool) {
    let bytes = verifier.max_credential_bytes();
    (bytes, verifier.checks_characters())
}

/// Credentials that reached the verifier, of a list of valid and malformed ones.
async fn credentials_seen(checks_characters: bool) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let verifier = Recording {
        seen: Arc::clone(&seen),
        checks_characters,
    };
    let layer = AuthLayer::new(verifier, Store::new());
    let (longest, too_long) = ("a".repeat(LONG), "a".repeat(LONG + 1));
    for credential in [
        b"a+b/c~d==",
        longest.as_bytes(),
        too_long.as_bytes(),
        b"a b",
        b"a,b",
        b"a=b",
        b"\"a\"",
        b"===",
        b"",
        "é".as_bytes(),
        b"\xff",
        b"a\xa0b",
    ] {
        let asked = identity(&layer, bearer(credential)).await;
        let error = asked.try_claims().unwrap().unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    }
    let seen = seen.lock().unwrap();
    seen.clone()
}

fn bearer(credential: &[u8]) -> Request<Body> {
    let value = HeaderValue::from_bytes(&[b"Bearer ", credential].concat()).unwrap();
    let request = Request::get("/").header(AUTHORIZATION, value);
    request.body(Body::empty()).unwrap()
}

/// Verifier that rejects every credential and records it.
struct Recording {
    seen: Arc<Mutex<Vec<String>>>,
    checks_characters: bool,
}

impl Verifier for Recording {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        self.seen.lock().unwrap().push(credential.to_owned());
        let rejected = JwtVerifier::hs256(&tower_warder::HmacSecret::generate()).verify_token("");
        Verification::Ready(rejected)
    }

    fn max_credential_bytes(&self) -> usize {
        LONG
    }

    fn checks_characters(&self) -> bool {
        self.checks_characters
    }
}

/// Verifier that wraps another and keeps the default of `checks_characters`.
struct Wrapping(JwtVerifier);

impl Verifier for Wrapping {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        self.0.verify(credential)
    }
}

/// Deny list without entries.
struct EmptyList;

#[async_trait]
impl DenyList for EmptyList {
    async fn is_denied(&self, _: &str, _: &Claims) -> Result<bool, BoxError> {
        Ok(false)
    }
}
