//! Test keys, one of each type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub const P256: &str = include_str!("../../tests/keys/p256.pem");
pub const P256_PUBLIC: &str = include_str!("../../tests/keys/p256-public.pem");
pub const RSA: &str = include_str!("../../tests/keys/rsa-2048-pkcs1.pem");
pub const RSA_PUBLIC: &str = include_str!("../../tests/keys/rsa-2048-public.pem");
pub const ED25519: &str = include_str!("../../tests/keys/ed25519.pem");
pub const ED25519_PUBLIC: &str = include_str!("../../tests/keys/ed25519-public.pem");

/// The DER bytes of a PEM file.
pub fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}
