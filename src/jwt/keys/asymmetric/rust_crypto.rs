//! Signature backend: RustCrypto and dalek.

use std::sync::Arc;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use rsa::BoxedUint;
use rsa::traits::PrivateKeyParts;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve, KeyType};

use super::key::{MISMATCH, PrivateKey, PrivatePart, PublicKey, RsaPrivate};

#[derive(Clone)]
pub(in crate::jwt::keys) struct Verifier {
    algorithm: Algorithm,
    key: Arc<Public>,
}

enum Public {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    Rsa(rsa::PublicKey),
}

impl Verifier {
    pub(in crate::jwt::keys) fn new(
        algorithm: Algorithm,
        key: &PublicKey,
    ) -> Result<Self, ConfigError> {
        let key = match (algorithm, key) {
            (Algorithm::ES256, PublicKey::Ec(Curve::P256, point)) => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Public::P256)
            }
            (Algorithm::ES384, PublicKey::Ec(Curve::P384, point)) => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Public::P384)
            }
            (Algorithm::EdDSA, PublicKey::Ed25519(bytes)) => {
                ed25519_dalek::VerifyingKey::from_bytes(bytes).map(Public::Ed25519)
            }
            (algorithm, PublicKey::Rsa(key)) if is_rsa(algorithm) => {
                let key = rsa::PublicKey::new(integer(&key.n), integer(&key.e));
                return Ok(Self {
                    algorithm,
                    key: Arc::new(Public::Rsa(key.map_err(|_| INVALID)?)),
                });
            }
            _ => return Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        };
        Ok(Self {
            algorithm,
            key: Arc::new(key.map_err(|_| INVALID)?),
        })
    }

    pub(in crate::jwt::keys) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.key {
            Public::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Public::Rsa(key) => rsa_verify(self.algorithm, key, message, signature),
        }
    }
}

#[derive(Clone)]
pub(in crate::jwt::keys) struct Signer {
    algorithm: Algorithm,
    key: Arc<Private>,
}

enum Private {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(rsa::PrivateKey),
}

impl Signer {
    /// Builds the signer, and the public key of `key`.
    pub(super) fn new(
        algorithm: Algorithm,
        key: &PrivateKey,
    ) -> Result<(Self, PublicKey), ConfigError> {
        let (key, public) = match (algorithm, &key.secret) {
            (Algorithm::ES256, PrivatePart::Ec(curve @ Curve::P256, scalar)) => {
                let key = p256::ecdsa::SigningKey::from_slice(scalar).map_err(|_| INVALID)?;
                let point = key.verifying_key().to_sec1_point(false);
                (Private::P256(key), PublicKey::ec(*curve, point.as_bytes())?)
            }
            (Algorithm::ES384, PrivatePart::Ec(curve @ Curve::P384, scalar)) => {
                let key = p384::ecdsa::SigningKey::from_slice(scalar).map_err(|_| INVALID)?;
                let point = key.verifying_key().to_sec1_point(false);
                (Private::P384(key), PublicKey::ec(*curve, point.as_bytes())?)
            }
            (Algorithm::EdDSA, PrivatePart::Ed25519(seed)) => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                let public = PublicKey::ed25519(key.verifying_key().as_bytes())?;
                (Private::Ed25519(key), public)
            }
            (algorithm, PrivatePart::Rsa(key)) if is_rsa(algorithm) => {
                let public = PublicKey::Rsa(key.public.clone());
                (Private::Rsa(rsa_private(key)?), public)
            }
            _ => return Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        };
        let key = Arc::new(key);
        Ok((Self { algorithm, key }, public))
    }

    pub(in crate::jwt::keys) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &*self.key {
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_vec())
            }
            Private::P384(key) => {
                let signature: p384::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_vec())
            }
            Private::Ed25519(key) => Some(key.try_sign(message).ok()?.to_bytes().to_vec()),
            Private::Rsa(key) => rsa_sign(self.algorithm, key, message),
        }
    }
}

const INVALID: ConfigError = ConfigError::InvalidKey(
    "the numbers in the key are out of range or off the curve; export it again or make a new key",
);

fn is_rsa(algorithm: Algorithm) -> bool {
    algorithm.key_type() == KeyType::Rsa
}

fn integer(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

/// Builds an RSA key. `rsa` computes the CRT values itself; those of the file must be the same.
fn rsa_private(key: &RsaPrivate) -> Result<rsa::PrivateKey, ConfigError> {
    let private = rsa::PrivateKey::from_components(
        integer(&key.public.n),
        integer(&key.public.e),
        integer(&key.d),
        vec![integer(&key.p), integer(&key.q)],
    )
    .map_err(|_| MISMATCH)?;
    let [dp, dq, qi] = [&key.dp, &key.dq, &key.qi].map(|one| Zeroizing::new(integer(one)));
    let computed = private.crt_coefficient().map(Zeroizing::new);
    let is_same = private.dp() == Some(&*dp) && private.dq() == Some(&*dq) && computed == Some(qi);
    is_same.then_some(private).ok_or(MISMATCH)
}

/// Signs with blinding and PSS salt from the operating system's randomness.
fn rsa_sign(algorithm: Algorithm, key: &rsa::PrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    let signature = match algorithm {
        Algorithm::RS256 => key.pkcs1v15_sign::<Sha256>(message),
        Algorithm::RS384 => key.pkcs1v15_sign::<Sha384>(message),
        Algorithm::RS512 => key.pkcs1v15_sign::<Sha512>(message),
        Algorithm::PS256 => key.pss_sign::<Sha256>(message),
        Algorithm::PS384 => key.pss_sign::<Sha384>(message),
        Algorithm::PS512 => key.pss_sign::<Sha512>(message),
        _ => return None,
    };
    signature.ok()
}

fn rsa_verify(
    algorithm: Algorithm,
    key: &rsa::PublicKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let verified = match algorithm {
        Algorithm::RS256 => key.pkcs1v15_verify::<Sha256>(message, signature),
        Algorithm::RS384 => key.pkcs1v15_verify::<Sha384>(message, signature),
        Algorithm::RS512 => key.pkcs1v15_verify::<Sha512>(message, signature),
        Algorithm::PS256 => key.pss_verify::<Sha256>(message, signature),
        Algorithm::PS384 => key.pss_verify::<Sha384>(message, signature),
        Algorithm::PS512 => key.pss_verify::<Sha512>(message, signature),
        _ => return false,
    };
    verified.is_ok()
}
