//! Uninhabited types in place of asymmetric keys when no backend is compiled in.

use serde_json::{Map, Value};

use crate::error::ConfigError;

use super::algorithm::Algorithm;
use super::jwk::Jwk;

/// Constructors that report that the algorithm is not supported.
macro_rules! unsupported {
    ($key:ident: $($function:ident($source:ty)),+) => {
        impl $key {
            $(pub(super) fn $function(algorithm: Algorithm, _: $source) -> Result<Self, ConfigError> {
                Err(ConfigError::UnsupportedAlgorithm(algorithm.as_str()))
            })+
        }
    };
}

#[derive(PartialEq, Eq)]
pub(super) enum PublicKey {}

unsupported!(PublicKey: from_pem(&[u8]), from_der(&[u8]), from_bytes(&[u8]), from_jwk(&Jwk<'_>));

impl PublicKey {
    pub(super) fn jwk_members(&self) -> Map<String, Value> {
        match *self {}
    }
}

pub(super) enum PrivateKey {}

unsupported!(PrivateKey: from_random(&[u8]), from_pem(&[u8]), from_der(&[u8]), from_jwk(&Jwk<'_>));

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
