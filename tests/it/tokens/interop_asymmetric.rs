//! Asymmetric keys and key sets of the crate `jsonwebtoken`.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as Theirs, DecodingKey, EncodingKey, Validation};
use serde_json::{Value, json};
use tower_warder::keys::{Algorithm, KeyRing, SigningKey, VerifyingKey};
use tower_warder::{JwtIssuer, JwtVerifier};

use crate::support::Trace;

use super::forge::{ACCEPTED, KEY_ID, check_with};
use super::interop::{Pair, kind, pass_both_ways};

const RSA: &str = include_str!("../../keys/rsa-2048.pem");
const RSA_PKCS1: &str = include_str!("../../keys/rsa-2048-pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("../../keys/rsa-2048-public.pem");
const RSA_PUBLIC_PKCS1: &str = include_str!("../../keys/rsa-2048-public-pkcs1.pem");
const RSA_1024: &str = include_str!("../../keys/rsa-1024.pem");
const P256: &str = include_str!("../../keys/p256.pem");
const P256_SEC1: &str = include_str!("../../keys/p256-sec1.pem");
const P256_PUBLIC: &str = include_str!("../../keys/p256-public.pem");
const P384: &str = include_str!("../../keys/p384.pem");
const P384_PUBLIC: &str = include_str!("../../keys/p384-public.pem");
const P521: &str = include_str!("../../keys/p521.pem");
const ED25519: &str = include_str!("../../keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../keys/ed25519-public.pem");

#[test]
fn asymmetric_tokens_interoperate_both_ways() {
    let rsa = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    let mut pairs: Vec<Pair> = rsa
        .map(|algorithm| (algorithm, encoding(RSA), decoding(RSA_PUBLIC)))
        .into();
    pairs.push((Algorithm::ES256, encoding(P256), decoding(P256_PUBLIC)));
    pairs.push((Algorithm::ES384, encoding(P384), decoding(P384_PUBLIC)));
    pairs.push((
        Algorithm::EdDSA,
        encoding(ED25519),
        decoding(ED25519_PUBLIC),
    ));
    pass_both_ways(&pairs);
}

#[test]
fn every_decoding_key_format_gives_the_same_key() {
    let members = |algorithm, pem| -> Value {
        let key = VerifyingKey::from_pem(algorithm, pem).unwrap();
        serde_json::from_str(&key.to_jwk().unwrap()).unwrap()
    };
    let text = |jwk: &Value, name: &str| jwk[name].as_str().unwrap().to_owned();
    let raw = |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(text(jwk, name)).unwrap();

    let rsa = members(Algorithm::RS256, RSA_PUBLIC);
    let (n, e) = (text(&rsa, "n"), text(&rsa, "e"));
    let padded = [&[0], &raw(&rsa, "n")[..]].concat();
    let ec = members(Algorithm::ES384, P384_PUBLIC);
    let (x, y) = (text(&ec, "x"), text(&ec, "y"));
    let point = [&[4], &raw(&ec, "x")[..], &raw(&ec, "y")].concat();
    let ed = members(Algorithm::EdDSA, ED25519_PUBLIC);

    for (algorithm, expected, keys) in [
        (
            Algorithm::RS256,
            &rsa,
            vec![
                decoding(RSA_PUBLIC),
                decoding(RSA_PUBLIC_PKCS1),
                DecodingKey::from_rsa_der(&der(RSA_PUBLIC)),
                DecodingKey::from_rsa_der(&der(RSA_PUBLIC_PKCS1)),
                DecodingKey::from_rsa_components(&n, &e).unwrap(),
                DecodingKey::from_rsa_raw_components(&padded, &raw(&rsa, "e")),
                DecodingKey::from_jwk(&jwk(&rsa)).unwrap(),
            ],
        ),
        (
            Algorithm::ES384,
            &ec,
            vec![
                decoding(P384_PUBLIC),
                DecodingKey::from_ec_der(&der(P384_PUBLIC)),
                DecodingKey::from_ec_der(&point),
                DecodingKey::from_ec_components(&x, &y).unwrap(),
                DecodingKey::from_jwk(&jwk(&ec)).unwrap(),
            ],
        ),
        (
            Algorithm::EdDSA,
            &ed,
            vec![
                decoding(ED25519_PUBLIC),
                DecodingKey::from_ed_der(&der(ED25519_PUBLIC)),
                DecodingKey::from_ed_der(&raw(&ed, "x")),
                DecodingKey::from_ed_components(&text(&ed, "x")).unwrap(),
                DecodingKey::from_jwk(&jwk(&ed)).unwrap(),
            ],
        ),
    ] {
        for (row, key) in keys.iter().enumerate() {
            let key = VerifyingKey::from_decoding_key(algorithm, key);
            let key = key.unwrap_or_else(|error| panic!("{algorithm} {row}: {error}"));
            let read: Value = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
            assert_eq!(read, *expected, "{algorithm} {row}");
        }
        let key = VerifyingKey::try_from(&jwk(expected)).unwrap();
        let read: Value = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
        assert_eq!(read, *expected, "{algorithm}");
    }
}

#[test]
fn every_encoding_key_format_signs() {
    for (algorithm, key, public) in [
        (Algorithm::RS256, encoding(RSA_PKCS1), RSA_PUBLIC),
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_der(&der(RSA)),
            RSA_PUBLIC,
        ),
        (
            Algorithm::RS256,
            EncodingKey::from_rsa_der(&der(RSA_PKCS1)),
            RSA_PUBLIC,
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_der(&der(P256)),
            P256_PUBLIC,
        ),
        (
            Algorithm::ES256,
            EncodingKey::from_ec_der(&der(P256_SEC1)),
            P256_PUBLIC,
        ),
        (
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(&der(ED25519)),
            ED25519_PUBLIC,
        ),
    ] {
        let key = SigningKey::from_encoding_key(algorithm, &key).unwrap();
        let token = JwtIssuer::new(key).issue("7").unwrap();
        let verifier = JwtVerifier::new(VerifyingKey::from_pem(algorithm, public).unwrap());
        check_with(&verifier, &token, ACCEPTED, algorithm);
    }
}

// `jsonwebtoken` accepts each of them.
#[test]
fn invalid_decoding_keys_are_rejected() {
    let off_curve = [&[4], &[7; 64][..]].concat();
    let compressed = [&[2], &[1; 32][..]].concat();
    let small_order = URL_SAFE_NO_PAD.encode([&[1], &[0; 31][..]].concat());
    let weak_modulus = public_of(RSA_1024);
    let e = [1, 0, 1];
    for (row, algorithm, key, expected) in [
        (
            "off curve",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&off_curve),
            "invalid",
        ),
        ("P-384", Algorithm::ES256, decoding(P384_PUBLIC), "invalid"),
        (
            "P-384 in DER",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&der(P384_PUBLIC)),
            "family",
        ),
        ("P-256", Algorithm::ES384, decoding(P256_PUBLIC), "invalid"),
        (
            "compressed",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&compressed),
            "invalid",
        ),
        (
            "infinity",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&[0]),
            "invalid",
        ),
        (
            "no bytes",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&[]),
            "invalid",
        ),
        (
            "private EC",
            Algorithm::ES256,
            DecodingKey::from_ec_der(&der(P256)),
            "invalid",
        ),
        (
            "small order",
            Algorithm::EdDSA,
            DecodingKey::from_ed_components(&small_order).unwrap(),
            "invalid",
        ),
        (
            "31 bytes",
            Algorithm::EdDSA,
            DecodingKey::from_ed_der(&[7; 31]),
            "invalid",
        ),
        (
            "private Ed25519",
            Algorithm::EdDSA,
            DecodingKey::from_ed_der(&der(ED25519)),
            "invalid",
        ),
        ("private RSA", Algorithm::RS256, decoding(RSA), "invalid"),
        (
            "private PKCS#1",
            Algorithm::PS256,
            decoding(RSA_PKCS1),
            "invalid",
        ),
        (
            "private in DER",
            Algorithm::RS256,
            DecodingKey::from_rsa_der(&der(RSA)),
            "invalid",
        ),
        (
            "1024 bits",
            Algorithm::RS256,
            DecodingKey::from_rsa_raw_components(&weak_modulus, &e),
            "invalid",
        ),
        (
            "24 bits",
            Algorithm::RS256,
            DecodingKey::from_rsa_raw_components(&[0xff; 3], &e),
            "invalid",
        ),
        (
            "exponent 1",
            Algorithm::RS256,
            DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1]),
            "invalid",
        ),
        (
            "no exponent",
            Algorithm::RS256,
            DecodingKey::from_rsa_raw_components(&[0xff; 256], &[]),
            "invalid",
        ),
        ("RSA", Algorithm::ES256, decoding(RSA_PUBLIC), "family"),
        ("EC", Algorithm::EdDSA, decoding(P256_PUBLIC), "family"),
        (
            "Ed25519",
            Algorithm::RS256,
            decoding(ED25519_PUBLIC),
            "family",
        ),
        ("for HMAC", Algorithm::HS256, decoding(RSA_PUBLIC), "family"),
        (
            "RSA numbers for HMAC",
            Algorithm::HS256,
            DecodingKey::from_rsa_raw_components(&[0xff; 256], &e),
            "family",
        ),
    ] {
        let rejected = VerifyingKey::from_decoding_key(algorithm, &key).unwrap_err();
        assert_eq!(kind(&rejected), expected, "{row}");
        let rejected = JwtVerifier::from_validation(&key, &Validation::new(algorithm.into()));
        assert_eq!(kind(&rejected.unwrap_err()), expected, "{row}");
    }
}

#[test]
fn invalid_encoding_keys_are_rejected() {
    for (row, algorithm, key, expected) in [
        ("public", Algorithm::RS256, encoding(RSA_PUBLIC), "invalid"),
        (
            "public in DER",
            Algorithm::ES256,
            EncodingKey::from_ec_der(&der(P256_PUBLIC)),
            "invalid",
        ),
        ("1024 bits", Algorithm::RS256, encoding(RSA_1024), "invalid"),
        ("P-384", Algorithm::ES256, encoding(P384), "family"),
        ("P-521", Algorithm::ES384, encoding(P521), "invalid"),
        (
            "RSA as EC",
            Algorithm::ES256,
            EncodingKey::from_ec_der(&der(RSA)),
            "family",
        ),
        ("EC", Algorithm::EdDSA, encoding(P256), "family"),
        (
            "no bytes",
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(&[]),
            "invalid",
        ),
    ] {
        let rejected = SigningKey::from_encoding_key(algorithm, &key).unwrap_err();
        assert_eq!(kind(&rejected), expected, "{row}");
    }
}

// The reason why the documentation recommends `from_pem` for files.
#[test]
fn from_pem_rejects_what_jsonwebtoken_ignores() {
    let two = format!("{RSA_PUBLIC}{RSA}");
    assert!(VerifyingKey::from_decoding_key(Algorithm::RS256, &decoding(&two)).is_ok());
    let rejected = VerifyingKey::from_pem(Algorithm::RS256, &two).unwrap_err();
    assert_eq!(kind(&rejected), "invalid");

    let mut members = rsa_jwk("a");
    members["d"] = json!("AQAB");
    assert!(VerifyingKey::try_from(&jwk(&members)).is_ok());
    let rejected = VerifyingKey::from_jwk(members.to_string()).unwrap_err();
    assert_eq!(kind(&rejected), "invalid");
}

#[test]
fn jwk_value_follows_the_same_rules_as_its_json() {
    for (name, value, expected) in [
        ("use", json!("sig"), None),
        ("key_ops", json!(["verify"]), None),
        ("alg", json!("PS512"), None),
        ("x5t", json!("x"), None),
        ("use", json!("enc"), Some("invalid")),
        ("key_ops", json!(["sign"]), Some("invalid")),
        ("alg", json!(null), Some("invalid")),
        ("alg", json!("ES256"), Some("family")),
        ("alg", json!("RSA-OAEP"), Some("invalid")),
        ("alg", json!("ES512"), Some("invalid")),
        ("n", json!("AQAB"), Some("invalid")),
        ("n", json!("=="), Some("invalid")),
        ("e", json!("AQ"), Some("invalid")),
    ] {
        let mut members = rsa_jwk("a");
        members[name] = value.clone();
        let rejected = VerifyingKey::try_from(&jwk(&members)).err();
        assert_eq!(rejected.as_ref().map(kind), expected, "{name} {value}");
    }
    let secret =
        json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(super::forge::SECRET)});
    assert_eq!(
        kind(&VerifyingKey::try_from(&jwk(&secret)).unwrap_err()),
        "invalid"
    );
    // As the documentation says.
    let key = DecodingKey::from_jwk(&jwk(&secret)).unwrap();
    assert!(VerifyingKey::from_decoding_key(Algorithm::HS256, &key).is_ok());
}

#[test]
fn key_set_becomes_a_ring_of_its_signature_keys() {
    let mut entra = rsa_jwk("rsa");
    entra["alg"] = json!(null);
    let mut encryption = rsa_jwk("enc");
    encryption["use"] = json!("enc");
    let p521 = json!({"kty": "EC", "crv": "P-521", "kid": "p521", "x": "AA", "y": "AA"});
    let unknown = json!({"kty": "AKP", "kid": "akp", "alg": "ML-DSA-44", "pub": "AA"});
    let without_alg = json!({"kty": "AKP", "kid": "akp-2", "pub": "AA"});
    let ec = of_pem(Algorithm::ES256, P256_PUBLIC, "ec");
    let log = Trace::record();
    let ring = ring(&[entra, encryption, p521, unknown, without_alg, ec]).unwrap();
    // One line for each key that is dropped; a key for encryption is not missing from the ring.
    let dropped = log.lines("a key of the set cannot be used");
    assert_eq!(dropped.len(), 3, "{dropped:?}");
    for (line, kid) in dropped.iter().zip(["p521", "akp", "akp-2"]) {
        assert!(line.contains("WARN") && line.contains(kid), "{line}");
    }
    let published: Value = serde_json::from_str(&ring.to_jwks()).unwrap();
    let keys = published["keys"].as_array().unwrap().iter();
    let keys: Vec<_> = keys
        .map(|key| (key["kid"].as_str(), key["alg"].as_str()))
        .collect();
    assert_eq!(
        keys,
        [(Some("rsa"), Some("RS256")), (Some("ec"), Some("ES256"))]
    );

    let verifier = JwtVerifier::ring(&ring);
    for (kid, expected) in [("ec", ACCEPTED), ("p521", KEY_ID)] {
        let key = SigningKey::from_encoding_key(Algorithm::ES256, &encoding(P256)).unwrap();
        let token = JwtIssuer::new(key.key_id(kid)).issue("7").unwrap();
        check_with(&verifier, &token, expected, kid);
    }
}

#[test]
fn key_set_with_an_invalid_key_is_rejected() {
    let good = || of_pem(Algorithm::ES256, P256_PUBLIC, "ec");
    let secret = json!({"kty": "oct", "alg": "HS256", "kid": "s", "k": URL_SAFE_NO_PAD.encode(super::forge::SECRET)});
    let mut weak = rsa_jwk("weak");
    weak["n"] = json!(URL_SAFE_NO_PAD.encode(public_of(RSA_1024)));
    let mut off_curve = good();
    off_curve["x"] = off_curve["y"].clone();
    off_curve["kid"] = json!("off");
    let mut nameless = rsa_jwk("x");
    nameless["kid"] = json!(null);
    for (row, keys, expected) in [
        ("empty", vec![], "invalid"),
        (
            "nothing known",
            vec![json!({"kty": "AKP", "kid": "a"})],
            "invalid",
        ),
        ("a secret", vec![good(), secret], "invalid"),
        ("1024 bits", vec![good(), weak], "invalid"),
        ("off curve", vec![good(), off_curve], "invalid"),
        ("no id", vec![good(), nameless], "no id"),
        ("one id twice", vec![good(), rsa_jwk("ec")], "duplicate id"),
    ] {
        assert_eq!(kind(&ring(&keys).unwrap_err()), expected, "{row}");
    }
}

fn ring(keys: &[Value]) -> Result<KeyRing, tower_warder::error::ConfigError> {
    let set: JwkSet = serde_json::from_value(json!({ "keys": keys })).unwrap();
    KeyRing::try_from(&set)
}

fn jwk(members: &Value) -> Jwk {
    serde_json::from_value(members.clone()).unwrap()
}

fn rsa_jwk(kid: &str) -> Value {
    of_pem(Algorithm::RS256, RSA_PUBLIC, kid)
}

fn of_pem(algorithm: Algorithm, pem: &str, kid: &str) -> Value {
    let key = VerifyingKey::from_pem(algorithm, pem).unwrap().key_id(kid);
    serde_json::from_str(&key.to_jwk().unwrap()).unwrap()
}

fn encoding(pem: &str) -> EncodingKey {
    let pem = pem.as_bytes();
    let key = EncodingKey::from_rsa_pem(pem).or_else(|_| EncodingKey::from_ec_pem(pem));
    key.or_else(|_| EncodingKey::from_ed_pem(pem)).unwrap()
}

fn decoding(pem: &str) -> DecodingKey {
    let pem = pem.as_bytes();
    let key = DecodingKey::from_rsa_pem(pem).or_else(|_| DecodingKey::from_ec_pem(pem));
    key.or_else(|_| DecodingKey::from_ed_pem(pem)).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

/// Modulus of a private key.
fn public_of(pem: &str) -> Vec<u8> {
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let jwk = Jwk::from_encoding_key(&key, Theirs::RS256).unwrap();
    let jwk = serde_json::to_value(jwk).unwrap();
    URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()
}
