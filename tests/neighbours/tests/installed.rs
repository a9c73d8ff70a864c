//! An application with both backends, which installs one of them at its start.

#![cfg(all(feature = "rust_crypto", feature = "aws_lc_rs"))]

use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tower_warder::JwtVerifier;

#[test]
fn installed_backend_is_the_one_that_decodes() {
    aws_lc::DEFAULT_PROVIDER.install_default().unwrap();
    let secret = b"rJ5vXq9Zp2LwTn8bKc4mFh7sDg3aYe6u";
    let claims = json!({"sub": "7", "exp": 4_102_444_800_u64});
    let key = EncodingKey::from_secret(secret);
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();

    let (key, validation) = (DecodingKey::from_secret(secret), Validation::default());
    let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(decoded.claims, claims);
    let verifier = JwtVerifier::from_validation(&key, &validation).unwrap();
    assert_eq!(verifier.verify_token(&token).unwrap().subject(), "7");
}
