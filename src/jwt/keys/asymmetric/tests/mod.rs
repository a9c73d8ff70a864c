//! Tests of key validation, in both backends.

mod signatures;
mod numbers;
mod formats;
#[cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod backends;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::der::pem;

use super::*;
use crate::jwt::keys::algorithm::{ALL, Curve};
use crate::jwt::keys::{SigningKey, VerifyingKey};

const RSA: &str = include_str!("../../../../../tests/keys/rsa-2048.pem");
const RSA_PKCS1: &str = include_str!("../../../../../tests/keys/rsa-2048-pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("../../../../../tests/keys/rsa-2048-public.pem");
const RSA_PUBLIC_PKCS1: &str = include_str!("../../../../../tests/keys/rsa-2048-public-pkcs1.pem");
const RSA_1024: &str = include_str!("../../../../../tests/keys/rsa-1024.pem");
const P256: &str = include_str!("../../../../../tests/keys/p256.pem");
const P256_SEC1: &str = include_str!("../../../../../tests/keys/p256-sec1.pem");
const P256_ECPARAM: &str = include_str!("../../../../../tests/keys/p256-ecparam.pem");
const P256_ENCRYPTED: &str = include_str!("../../../../../tests/keys/p256-encrypted.pem");
const P256_PUBLIC: &str = include_str!("../../../../../tests/keys/p256-public.pem");
const P384: &str = include_str!("../../../../../tests/keys/p384.pem");
const P384_ECPARAM: &str = include_str!("../../../../../tests/keys/p384-ecparam.pem");
const P384_PUBLIC: &str = include_str!("../../../../../tests/keys/p384-public.pem");
const P521: &str = include_str!("../../../../../tests/keys/p521.pem");
const ED25519: &str = include_str!("../../../../../tests/keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../../../../tests/keys/ed25519-public.pem");

/// Every asymmetric algorithm with a private key and its public key.
fn algorithms() -> impl Iterator<Item = (Algorithm, &'static str, &'static str)> {
    ALL.into_iter().filter_map(|algorithm| match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => None,
        Algorithm::ES256 => Some((algorithm, P256, P256_PUBLIC)),
        Algorithm::ES384 => Some((algorithm, P384, P384_PUBLIC)),
        Algorithm::EdDSA => Some((algorithm, ED25519, ED25519_PUBLIC)),
        _ => Some((algorithm, RSA, RSA_PUBLIC)),
    })
}

fn der(pem: &str) -> Vec<u8> {
    pem::decode_vec(pem.as_bytes()).unwrap().1
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The point of a P-256 `SubjectPublicKeyInfo`.
fn p256_point() -> Vec<u8> {
    der(P256_PUBLIC).split_off(26)
}

fn p256_jwk(x: &[u8], y: &[u8]) -> String {
    let (x, y) = (text(x), text(y));
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)
}

fn rsa_jwk(n: &[u8], e: &[u8]) -> String {
    let (n, e) = (text(n), text(e));
    format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"{e}"}}"#)
}

/// An odd number of `bits` bits, in place of a modulus.
fn modulus(bits: usize) -> Vec<u8> {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    n
}

fn private_rsa_jwk() -> (String, Vec<(&'static str, String)>) {
    let der = der(RSA_PKCS1);
    let key = pkcs1::RsaPrivateKeyRef::try_from(&*der).unwrap();
    let members = vec![
        ("n", text(key.modulus.as_bytes())),
        ("e", text(key.public_exponent.as_bytes())),
        ("d", text(key.private_exponent.as_bytes())),
        ("p", text(key.prime1.as_bytes())),
        ("q", text(key.prime2.as_bytes())),
        ("dp", text(key.exponent1.as_bytes())),
        ("dq", text(key.exponent2.as_bytes())),
        ("qi", text(key.coefficient.as_bytes())),
    ];
    (rsa_jwk_of(&members), members)
}

fn rsa_jwk_of(members: &[(&str, String)]) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!(r#","{name}":"{value}""#));
    let members: String = members.collect();
    format!(r#"{{"kty":"RSA","alg":"PS256"{members}}}"#)
}

#[track_caller]
fn invalid<K: std::fmt::Debug>(key: Result<K, ConfigError>) -> &'static str {
    match key {
        Err(ConfigError::InvalidKey(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn key_type_mismatch<K: std::fmt::Debug>(key: Result<K, ConfigError>, algorithm: Algorithm) {
    match key {
        Err(ConfigError::KeyTypeMismatch(name)) if name == algorithm.as_str() => {}
        other => panic!("{other:?}"),
    }
}
