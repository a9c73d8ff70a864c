//! Signature backend: AWS-LC.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaSigningAlgorithm, VerificationAlgorithm};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaKeyPair};
use aws_lc_rs::signature::{RsaParameters, RsaPublicKeyComponents, RsaSignatureEncoding};
use pkcs8::der::Encode;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve};

use super::der::{P256, P384};
use super::key::{MISMATCH, PrivateKey, PrivatePart, PublicKey, RsaPrivate, RsaPublic};

#[derive(Clone)]
pub(in crate::jwt::keys) struct Verifier(Arc<ParsedPublicKey>);

impl Verifier {
    pub(in crate::jwt::keys) fn new(
        algorithm: Algorithm,
        key: &PublicKey,
    ) -> Result<Self, ConfigError> {
        let parsed = match (algorithm, key) {
            (Algorithm::ES256, PublicKey::Ec(Curve::P256, point)) => {
                parse(&signature::ECDSA_P256_SHA256_FIXED, point)
            }
            (Algorithm::ES384, PublicKey::Ec(Curve::P384, point)) => {
                parse(&signature::ECDSA_P384_SHA384_FIXED, point)
            }
            (Algorithm::EdDSA, PublicKey::Ed25519(bytes)) => parse(&signature::ED25519, bytes),
            (_, PublicKey::Rsa(key)) => rsa_components(key)
                .to_parsed_public_key(rsa_parameters(algorithm)?)
                .map_err(|_| INVALID),
            _ => Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        };
        parsed.map(|key| Self(Arc::new(key)))
    }

    pub(in crate::jwt::keys) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

#[derive(Clone)]
pub(in crate::jwt::keys) enum Signer {
    Ecdsa(Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
    Rsa(&'static RsaSignatureEncoding, Arc<RsaKeyPair>),
}

impl Signer {
    /// Builds the signer, and the public key of `key`.
    pub(super) fn new(
        algorithm: Algorithm,
        key: &PrivateKey,
    ) -> Result<(Self, PublicKey), ConfigError> {
        match (algorithm, &key.secret) {
            (Algorithm::ES256, PrivatePart::Ec(curve @ Curve::P256, scalar)) => {
                ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, *curve, scalar)
            }
            (Algorithm::ES384, PrivatePart::Ec(curve @ Curve::P384, scalar)) => {
                ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, *curve, scalar)
            }
            (Algorithm::EdDSA, PrivatePart::Ed25519(seed)) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&**seed).map_err(|_| INVALID)?;
                let public = PublicKey::ed25519(pair.public_key().as_ref())?;
                Ok((Self::Ed25519(Arc::new(pair)), public))
            }
            (_, PrivatePart::Rsa(key)) => {
                let pair = rsa_pair(key)?;
                let public = PublicKey::Rsa(key.public.clone());
                Ok((Self::Rsa(rsa_encoding(algorithm)?, Arc::new(pair)), public))
            }
            _ => Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        }
    }

    pub(in crate::jwt::keys) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            Self::Rsa(encoding, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
        }
    }
}

const INVALID: ConfigError = ConfigError::InvalidKey(
    "the numbers in the key are out of range or off the curve; export it again or make a new key",
);

fn parse(
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: &[u8],
) -> Result<ParsedPublicKey, ConfigError> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| INVALID)
}

/// Builds an ECDSA key through SEC 1 without the public key, which AWS-LC computes.
fn ecdsa(
    algorithm: &'static EcdsaSigningAlgorithm,
    curve: Curve,
    scalar: &[u8],
) -> Result<(Signer, PublicKey), ConfigError> {
    let oid = match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
    };
    let sec1 = EcPrivateKey {
        private_key: scalar,
        parameters: Some(EcParameters::NamedCurve(oid)),
        public_key: None,
    };
    let der = Zeroizing::new(sec1.to_der().map_err(|_| INVALID)?);
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der).map_err(|_| INVALID)?;
    let public = PublicKey::ec(curve, pair.public_key().as_ref())?;
    Ok((Signer::Ecdsa(Arc::new(pair)), public))
}

fn rsa_pair(key: &RsaPrivate) -> Result<RsaKeyPair, ConfigError> {
    RsaKeyPair::from_components(&aws_lc_rs::rsa::KeyPairComponents {
        public_key: rsa_components(&key.public),
        d: key.d.as_slice(),
        p: &key.p,
        q: &key.q,
        dP: &key.dp,
        dQ: &key.dq,
        qInv: &key.qi,
    })
    .map_err(|_| MISMATCH)
}

fn rsa_components(key: &RsaPublic) -> RsaPublicKeyComponents<&[u8]> {
    RsaPublicKeyComponents {
        n: &key.n,
        e: &key.e,
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, ConfigError> {
    match algorithm {
        Algorithm::RS256 => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Ok(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Ok(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Ok(&signature::RSA_PSS_2048_8192_SHA512),
        other => Err(ConfigError::KeyTypeMismatch(other.as_str())),
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static RsaSignatureEncoding, ConfigError> {
    match algorithm {
        Algorithm::RS256 => Ok(&signature::RSA_PKCS1_SHA256),
        Algorithm::RS384 => Ok(&signature::RSA_PKCS1_SHA384),
        Algorithm::RS512 => Ok(&signature::RSA_PKCS1_SHA512),
        Algorithm::PS256 => Ok(&signature::RSA_PSS_SHA256),
        Algorithm::PS384 => Ok(&signature::RSA_PSS_SHA384),
        Algorithm::PS512 => Ok(&signature::RSA_PSS_SHA512),
        other => Err(ConfigError::KeyTypeMismatch(other.as_str())),
    }
}
