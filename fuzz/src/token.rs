//! Tokens: header and claims, one a line, are signed with the right key; the whole input is also
//! verified as a token.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;
use tower_warder::testing::FixedClock;
use tower_warder::{HmacSecret, JwtVerifier};

pub(crate) fn run(input: &[u8]) {
    if let Ok(text) = str::from_utf8(input) {
        // Signing is not guessed.
        assert!(VERIFIER.verify_token(text).is_err());
        assert!(CACHED.verify_token(text).is_err());
    }
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    if let (Some(header), Some(claims)) = (lines.next(), lines.next()) {
        check(&sign(header, claims), header, claims);
    }
}

fn check(token: &str, header: &[u8], payload: &[u8]) {
    let verified = VERIFIER.verify_token(token);
    // Filled by the first call, asked by the second.
    for _ in 0..2 {
        assert_eq!(CACHED.verify_token(token).is_ok(), verified.is_ok());
    }
    let Ok(claims) = verified else {
        return;
    };
    let header: Map<String, Value> = serde_json::from_slice(header).unwrap();
    assert_eq!(header["alg"], "HS256");
    assert!(!header.contains_key("crit"));

    let payload: Map<String, Value> = serde_json::from_slice(payload).unwrap();
    assert_eq!(payload["sub"], claims.subject());
    assert!((1..=255).contains(&claims.subject().len()));
    assert!(!claims.subject().contains(char::is_control));
    let (now, latest) = (UNIX_EPOCH + NOW, UNIX_EPOCH + NOW + Duration::from_secs(5));
    assert!(claims.expires_at() > now);
    assert!(claims.issued_at().is_none_or(|time| time <= latest));
    assert!(claims.not_before().is_none_or(|time| time <= latest));
    // None is configured, so a token for another service is rejected.
    assert_eq!(claims.audience().count(), 0);

    for changed in changed(token) {
        assert!(VERIFIER.verify_token(&changed).is_err(), "{changed}");
        assert!(CACHED.verify_token(&changed).is_err(), "{changed}");
    }
}

/// The token with one byte replaced, removed and added, at a position that depends on the token.
fn changed(token: &str) -> [String; 3] {
    let sum: usize = token.bytes().map(usize::from).sum();
    let position = sum % token.len();
    let (before, after) = token.split_at(position);
    let other = if after.starts_with('A') { "B" } else { "A" };
    [
        [before, other, &after[1..]].concat(),
        [before, &after[1..]].concat(),
        [before, other, after].concat(),
    ]
}

fn sign(header: &[u8], claims: &[u8]) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

fn verifier() -> JwtVerifier {
    let clock = FixedClock::at(UNIX_EPOCH + NOW).clock();
    JwtVerifier::hs256(&HmacSecret::new(SECRET).unwrap()).clock(clock)
}

static VERIFIER: LazyLock<JwtVerifier> = LazyLock::new(verifier);
static CACHED: LazyLock<JwtVerifier> = LazyLock::new(|| verifier().cache(64));

const SECRET: &str = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3";

/// 2026-01-01.
const NOW: Duration = Duration::from_secs(1_767_225_600);
