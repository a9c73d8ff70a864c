//! One JSON Web Key, public or private.

use serde_json::Value;
use tower_warder::keys::{SigningKey, VerifyingKey};
use tower_warder::{JwtIssuer, JwtVerifier};

pub(crate) fn run(input: &[u8]) {
    if let Ok(key) = VerifyingKey::from_jwk(input) {
        check_public(&key);
        let _ = JwtVerifier::new(key).verify_token("e30.e30.AAAA");
    }
    if let Ok(key) = SigningKey::from_jwk(input) {
        check_private(key);
    }
}

/// A public key is written without private members, and read again as the same key.
pub(crate) fn check_public(key: &VerifyingKey) {
    let Some(written) = key.to_jwk() else {
        return;
    };
    let members: Value = serde_json::from_str(&written).unwrap();
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(members.get(private).is_none());
    }
    let again = VerifyingKey::from_jwk(&written).unwrap();
    assert_eq!(again.to_jwk(), Some(written));
}

/// A private key signs what its public key accepts.
pub(crate) fn check_private(key: SigningKey) {
    let public = key.verifying_key();
    check_public(&public);
    let token = JwtIssuer::new(key).issue("7").unwrap();
    JwtVerifier::new(public).verify_token(&token).unwrap();
}
