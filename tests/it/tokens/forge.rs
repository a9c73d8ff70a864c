//! Tokens of arbitrary bytes with a valid signature.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_warder::clock::Clock;
use tower_warder::error::AuthErrorKind;
use tower_warder::testing::FixedClock;
use tower_warder::{AuthError, Claims, HmacSecret, JwtVerifier};

pub const SECRET: &str = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3-with-48-and-64-bytes-of-it-too!";

/// Time of the clock of [`verifier`] in seconds since 1970.
pub const NOW: u64 = 1_767_225_600;

pub const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
pub const PAYLOAD: &str = r#"{"sub":"7","exp":1767229200}"#;

// Outcomes. Every row asserts the reason: a rejection for another reason would prove nothing.
pub const ACCEPTED: &str = "accepted";
pub const SIZE: &str = "size";
pub const HEADER_SIZE: &str = "header_size";
pub const SEGMENTS: &str = "segments";
pub const BASE64: &str = "base64";
pub const JSON_HEADER: &str = "header";
pub const ALGORITHM: &str = "algorithm";
pub const CRITICAL: &str = "critical";
pub const TYPE: &str = "type";
pub const NO_TYPE: &str = "no_type";
pub const KEY_ID: &str = "unknown_key";
pub const NO_KEY_ID: &str = "no_key_id";
pub const SIGNATURE: &str = "signature";
pub const JSON_CLAIMS: &str = "claims";
pub const NO_SUBJECT: &str = "no_subject";
pub const SUBJECT: &str = "subject";
pub const SUBJECT_TYPE: &str = "subject_type";
pub const NO_EXPIRY: &str = "no_expiry";
pub const EXPIRY_TYPE: &str = "expiry_type";
pub const EXPIRY_RANGE: &str = "expiry_range";
pub const EXPIRED: &str = "expired";
pub const NOT_YET_VALID: &str = "not_yet_valid";
pub const ISSUED_IN_FUTURE: &str = "issued_in_future";
pub const NO_ISSUER: &str = "no_issuer";
pub const ISSUER: &str = "issuer";
pub const ISSUER_TYPE: &str = "issuer_type";
pub const NO_AUDIENCE: &str = "no_audience";
pub const AUDIENCE: &str = "audience";
pub const UNEXPECTED_AUDIENCE: &str = "unexpected_audience";
pub const AUDIENCE_TYPE: &str = "audience_type";
pub const SCOPE_TYPE: &str = "scope_type";
pub const REQUIRED_CLAIM: &str = "required_claim";
pub const OTHER_SUBJECT: &str = "other_subject";

pub fn secret() -> HmacSecret {
    HmacSecret::new(SECRET).unwrap()
}

/// HS256 with [`SECRET`], at [`NOW`].
pub fn verifier() -> JwtVerifier {
    JwtVerifier::hs256(&secret()).clock(at(NOW as f64))
}

pub fn at(seconds: f64) -> Clock {
    FixedClock::at(UNIX_EPOCH + Duration::from_secs_f64(seconds)).clock()
}

pub fn system_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(segment: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(segment).unwrap()
}

/// Signed token with this header and payload.
pub fn seal(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    sign(&format!("{}.{}", encode(header), encode(payload)))
}

pub fn with_header(json: impl AsRef<[u8]>) -> String {
    seal(json, PAYLOAD)
}

pub fn with_payload(json: impl AsRef<[u8]>) -> String {
    seal(HEADER, json)
}

/// Token with `sub`, `exp` and these members.
pub fn with_claims(members: impl Display) -> String {
    with_payload(format!(r#"{{"sub":"7","exp":1767229200,{members}}}"#))
}

/// Appends the HS256 signature.
pub fn sign(signed: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    sign_with(mac, signed)
}

pub fn sign_with<M: Mac>(mac: M, signed: &str) -> String {
    let mac = mac.chain_update(signed).finalize().into_bytes();
    format!("{signed}.{}", encode(mac))
}

/// The three segments of a token.
pub fn segments(token: &str) -> [String; 3] {
    let segments: Vec<_> = token.split('.').map(str::to_owned).collect();
    segments.try_into().unwrap()
}

/// [`ACCEPTED`], or the reason of the rejection.
pub fn outcome(verifier: &JwtVerifier, token: &str) -> String {
    match verifier.verify_token(token) {
        Ok(_) => ACCEPTED.to_owned(),
        Err(error) => reason(&error),
    }
}

pub fn reason(error: &AuthError) -> String {
    assert_eq!(error.kind(), AuthErrorKind::InvalidToken);
    error.reason().to_owned()
}

pub fn accepted(token: &str) -> Claims {
    verifier().verify_token(token).unwrap()
}

#[track_caller]
pub fn check(token: &str, expected: &str, row: impl Display) {
    check_with(&verifier(), token, expected, row);
}

#[track_caller]
pub fn check_with(verifier: &JwtVerifier, token: &str, expected: &str, row: impl Display) {
    assert_eq!(outcome(verifier, token), expected, "{row}");
}
