//! Asymmetric signature algorithms, which need a backend feature.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use tower_warder::keys::{Algorithm, KeyRing, SigningKey, VerifyingKey};
use tower_warder::{JwtIssuer, JwtVerifier};

use super::forge::{ACCEPTED, ALGORITHM, SIGNATURE, check_with, encode, sign_with};

const RSA: &str = include_str!("../../keys/rsa-2048.pem");
const RSA_PUBLIC: &str = include_str!("../../keys/rsa-2048-public.pem");
const P256: &str = include_str!("../../keys/p256.pem");
const P384: &str = include_str!("../../keys/p384.pem");
const ED25519: &str = include_str!("../../keys/ed25519.pem");

const KEYS: [(Algorithm, &str); 9] = [
    (Algorithm::ES256, P256),
    (Algorithm::ES384, P384),
    (Algorithm::RS256, RSA),
    (Algorithm::RS384, RSA),
    (Algorithm::RS512, RSA),
    (Algorithm::PS256, RSA),
    (Algorithm::PS384, RSA),
    (Algorithm::PS512, RSA),
    (Algorithm::EdDSA, ED25519),
];

fn key((algorithm, pem): (Algorithm, &str)) -> SigningKey {
    SigningKey::from_pem(algorithm, pem).unwrap()
}

#[test]
fn issued_token_passes_only_the_verifier_of_its_key() {
    for signing in KEYS {
        let token = JwtIssuer::new(key(signing)).issue("7").unwrap();
        for verifying in KEYS {
            let verifier = JwtVerifier::new(key(verifying).verifying_key());
            let accepted = verifier.verify_token(&token).is_ok();
            assert_eq!(accepted, signing == verifying, "{signing:?} {verifying:?}");
        }
    }
}

#[test]
fn modified_signature_is_rejected() {
    for signing in KEYS {
        let token = JwtIssuer::new(key(signing)).issue("7").unwrap();
        let verifier = JwtVerifier::new(key(signing).verifying_key());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        // The first character of base64url has no unused bits.
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let changed = format!("{signed}.{first}{}", &signature[1..]);
        check_with(&verifier, &changed, SIGNATURE, signing.0);
    }
}

#[test]
fn hmac_is_never_verified_with_a_public_key() {
    let key = VerifyingKey::from_pem(Algorithm::RS256, RSA_PUBLIC).unwrap();
    let verifier = JwtVerifier::new(key);
    let payload = encode(r#"{"sub":"7","exp":4102444800}"#);
    for (alg, reason) in [("HS256", ALGORITHM), ("RS256", SIGNATURE)] {
        let header = encode(format!(r#"{{"alg":"{alg}"}}"#));
        let mac = Hmac::<Sha256>::new_from_slice(RSA_PUBLIC.as_bytes()).unwrap();
        let token = sign_with(mac, &format!("{header}.{payload}"));
        check_with(&verifier, &token, reason, alg);
    }
}

#[test]
fn alg_ed25519_in_a_header_means_eddsa() {
    let ring = KeyRing::new();
    let signing = key((Algorithm::EdDSA, ED25519));
    ring.add(signing.verifying_key().key_id("a")).unwrap();
    ring.add(key((Algorithm::ES256, P256)).verifying_key().key_id("b"))
        .unwrap();
    let alone = JwtVerifier::new(signing.verifying_key());
    let of_ring = JwtVerifier::ring(&ring);
    let payload = encode(r#"{"sub":"7","exp":4102444800}"#);
    for (verifier, header, reason) in [
        (&alone, r#"{"alg":"Ed25519"}"#, ACCEPTED),
        (&of_ring, r#"{"alg":"Ed25519","kid":"a"}"#, ACCEPTED),
        (&of_ring, r#"{"alg":"Ed25519","kid":"b"}"#, ALGORITHM),
        (&alone, r#"{"alg":"ed25519"}"#, ALGORITHM),
        (&alone, r#"{"alg":"Ed448"}"#, ALGORITHM),
    ] {
        let signed = format!("{}.{payload}", encode(header));
        let token = format!("{signed}.{}", encode(sign_by_ed25519(&signed)));
        check_with(verifier, &token, reason, header);
    }
}

/// Signature of the `jsonwebtoken` crate: issuers of this crate write `EdDSA`, never `Ed25519`.
fn sign_by_ed25519(signed: &str) -> Vec<u8> {
    let key = jsonwebtoken::EncodingKey::from_ed_der(&ed25519_der());
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::EdDSA);
    URL_SAFE_NO_PAD.decode(signature.unwrap()).unwrap()
}

fn ed25519_der() -> Vec<u8> {
    let base64: String = ED25519
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    STANDARD.decode(base64).unwrap()
}
