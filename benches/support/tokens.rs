//! Tokens to verify, made with another library.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use tower_warder::{HmacSecret, JwtVerifier};

use super::keys;

pub const ISSUER: &str = "https://auth.example.com";
pub const AUDIENCE: &str = "https://api.example.com";
pub const SUBJECT: &str = "jane.doe@example.com";

/// 64 bytes, twice what HS256 needs.
pub const SECRET: &str = "vYp3kq9ZrT1mWx7cNf5bHs8dLg2jQe4uKa6oRi0tEwPzCyVbXnMlJhGfDsAqU-_9";

/// Claims of a typical token of 336 bytes with HS256.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    iss: &'a str,
    aud: &'a str,
    jti: String,
}

/// HS256 token that is valid until the year 2100.
pub fn hs256(subject: &str) -> String {
    sign(subject, YEAR_2100)
}

/// Expired token, with a lifetime of one minute.
pub fn expired() -> String {
    sign(SUBJECT, ISSUED_AT + 60)
}

/// Token whose signature has a wrong bit.
pub fn bad_signature() -> String {
    let token = hs256(SUBJECT);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

/// Token beyond the default limit of a verifier (8 KiB).
pub fn oversized() -> String {
    let token = hs256(SUBJECT);
    format!("{token}{}", "A".repeat(8 * 1024))
}

/// 10 000 tokens of 10 000 users.
pub fn many() -> impl Iterator<Item = String> {
    super::users::subjects().map(|subject| hs256(&subject))
}

/// Signed with the key of [`signing_key`].
pub fn signed(algorithm: tower_warder::keys::Algorithm) -> String {
    let (algorithm, key) = signing_key(algorithm);
    with_header(&Header::new(algorithm), &key)
}

pub fn with_header(header: &Header, key: &EncodingKey) -> String {
    encode(header, SUBJECT, YEAR_2100, key)
}

/// The secret, or a private key of `tests/keys`.
pub fn signing_key(algorithm: tower_warder::keys::Algorithm) -> (Algorithm, EncodingKey) {
    use tower_warder::keys::Algorithm::{ES256, EdDSA, HS256, RS256};
    match algorithm {
        HS256 => (Algorithm::HS256, secret_key()),
        ES256 => (
            Algorithm::ES256,
            EncodingKey::from_ec_der(&keys::der(keys::P256)),
        ),
        RS256 => (
            Algorithm::RS256,
            EncodingKey::from_rsa_der(&keys::der(keys::RSA)),
        ),
        EdDSA => (
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(&keys::der(keys::ED25519)),
        ),
        other => panic!("no key for {}", other.as_str()),
    }
}

/// Verifier of the HS256 tokens that checks issuer and audience. It has verified one token, as after a
/// first request.
pub fn verifier() -> JwtVerifier {
    let verifier = demanding(JwtVerifier::hs256(&secret()));
    verifier.verify_token(&hs256(SUBJECT)).unwrap();
    verifier
}

/// Adds the same checks to a verifier with any key.
pub fn demanding(verifier: JwtVerifier) -> JwtVerifier {
    verifier.issuer(ISSUER).audience(AUDIENCE)
}

pub fn secret() -> HmacSecret {
    HmacSecret::new(SECRET).unwrap()
}

fn sign(subject: &str, exp: u64) -> String {
    encode(&Header::new(Algorithm::HS256), subject, exp, &secret_key())
}

fn secret_key() -> EncodingKey {
    EncodingKey::from_secret(SECRET.as_bytes())
}

fn encode(header: &Header, subject: &str, exp: u64, key: &EncodingKey) -> String {
    let claims = Claims {
        sub: subject,
        iat: ISSUED_AT,
        nbf: ISSUED_AT,
        exp,
        iss: ISSUER,
        aud: AUDIENCE,
        jti: token_id(subject),
    };
    jsonwebtoken::encode(header, &claims, key).unwrap()
}

/// The text of a UUID.
fn token_id(subject: &str) -> String {
    let sum = subject.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
    });
    let [low, high] = [sum as u32, (sum >> 32) as u32];
    format!("{low:08x}-0000-4000-8000-{:012x}", u64::from(high))
}

const ISSUED_AT: u64 = 1_767_225_600;
const YEAR_2100: u64 = 4_102_444_800;
