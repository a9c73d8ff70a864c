//! `jsonwebtoken::decode` alone, with a prebuilt key and validation.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::support::row::Row;
use crate::support::{keys, tokens};

/// The usual claims.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "read as a whole")]
pub(crate) struct Claims {
    pub(crate) sub: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    iss: String,
    aud: String,
    jti: String,
}

pub(crate) fn rows() -> Vec<Row> {
    let token = tokens::hs256(tokens::SUBJECT);
    vec![row(
        "jsonwebtoken::decode",
        Algorithm::HS256,
        hs256_key(),
        token,
    )]
}

pub(crate) fn asymmetric() -> Vec<Row> {
    let rows = asymmetric_keys().into_iter();
    rows.map(|(algorithm, key, token)| {
        let name = format!("jsonwebtoken::decode, {algorithm:?}");
        row(&name, algorithm, key, token)
    })
    .collect()
}

pub(crate) fn hs256_key() -> DecodingKey {
    DecodingKey::from_secret(tokens::SECRET.as_bytes())
}

pub(crate) fn asymmetric_keys() -> [(Algorithm, DecodingKey, String); 3] {
    let signed = tokens::signed;
    [
        (
            Algorithm::ES256,
            DecodingKey::from_ec_pem(keys::P256_PUBLIC.as_bytes()).unwrap(),
            signed(tower_warder::keys::Algorithm::ES256),
        ),
        (
            Algorithm::RS256,
            DecodingKey::from_rsa_pem(keys::RSA_PUBLIC.as_bytes()).unwrap(),
            signed(tower_warder::keys::Algorithm::RS256),
        ),
        (
            Algorithm::EdDSA,
            DecodingKey::from_ed_pem(keys::ED25519_PUBLIC.as_bytes()).unwrap(),
            signed(tower_warder::keys::Algorithm::EdDSA),
        ),
    ]
}

/// The same checks as in tower-warder, as far as this library supports them.
pub(crate) fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[tokens::AUDIENCE]);
    validation.set_issuer(&[tokens::ISSUER]);
    validation.validate_nbf = true;
    validation
}

fn row(name: &str, algorithm: Algorithm, key: DecodingKey, token: String) -> Row {
    let validation = validation(algorithm);
    Row::new(name, move || {
        jsonwebtoken::decode::<Claims>(&token, &key, &validation).unwrap()
    })
}
