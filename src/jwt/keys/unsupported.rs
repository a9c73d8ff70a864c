//! Uninhabited types in place of asymmetric keys when no backend is compiled in.

use serde_json::{Map, Value};

use crate::error::ConfigError;

use super::algorithm::Algorithm;
use super::jwk::Jwk;

#[derive(PartialEq, Eq)]
pub(super) enum PublicKey {}

impl PublicKey {
    pub(super) fn from_pem(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_der(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_bytes(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_jwk(algorithm: Algorithm, _: &Jwk<'_>) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn jwk_members(&self) -> Map<String, Value> {
        match *self {}
    }
}

pub(super) enum PrivateKey {}

impl PrivateKey {
    pub(super) fn from_random(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_pem(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_der(algorithm: Algorithm, _: &[u8]) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }

    pub(super) fn from_jwk(algorithm: Algorithm, _: &Jwk<'_>) -> Result<Self, ConfigError> {
        unsupported(algorithm)
    }
}

#[derive(Clone)]
pub(super) enum Verifier {}

impl Verifier {
    pub(super) fn new(_: Algorithm, key: &PublicKey) -> Result<Self, ConfigError> {
        match *key {}
    }

    pub(super) fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}

#[derive(Clone)]
pub(super) enum Signer {}

impl Signer {
    pub(super) fn sign(&self, _: &[u8]) -> Option<Vec<u8>> {
        match *self {}
    }
}

pub(super) fn pair(_: Algorithm, key: &PrivateKey) -> Result<(Signer, PublicKey), ConfigError> {
    match *key {}
}

fn unsupported<K>(algorithm: Algorithm) -> Result<K, ConfigError> {
    Err(ConfigError::UnsupportedAlgorithm(algorithm.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::keys::algorithm::ALL;
    use crate::jwt::keys::{SigningKey, VerifyingKey};

    #[test]
    fn asymmetric_key_without_a_backend_is_unsupported() {
        for algorithm in ALL.into_iter().filter(|one| one.asymmetric().is_ok()) {
            let name = algorithm.as_str();
            for rejected in [
                SigningKey::from_pem(algorithm, "").err(),
                SigningKey::from_der(algorithm, "").err(),
                VerifyingKey::from_pem(algorithm, "").err(),
                VerifyingKey::from_der(algorithm, "").err(),
                VerifyingKey::from_bytes(algorithm, "").err(),
            ] {
                assert!(
                    matches!(rejected, Some(ConfigError::UnsupportedAlgorithm(named)) if named == name),
                    "{name}: {rejected:?}"
                );
            }
        }
        for jwk in [
            r#"{"kty":"EC","crv":"P-256"}"#,
            r#"{"kty":"RSA","alg":"PS256"}"#,
            r#"{"kty":"OKP","crv":"Ed25519"}"#,
        ] {
            for rejected in [
                SigningKey::from_jwk(jwk).err(),
                VerifyingKey::from_jwk(jwk).err(),
            ] {
                assert!(
                    matches!(rejected, Some(ConfigError::UnsupportedAlgorithm(_))),
                    "{jwk}"
                );
            }
        }
    }
}
