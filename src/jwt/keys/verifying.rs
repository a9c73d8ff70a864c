//! Verifying keys.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::asymmetric::{self, PublicKey};
use super::hmac::HmacKey;
use super::jwk::{Jwk, Operation};
use super::secret::HmacSecret;
use crate::error::ConfigError;

/// Key that verifies the signatures of tokens.
///
/// It has one algorithm, chosen by your code and never by the token. Its key material is checked
/// when it is built: RSA moduli have 2048 to 8192 bits, points lie on the curve of the algorithm,
/// and secrets are at least as long as the hash.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key_id: Option<Arc<str>>,
    verifier: Verifier,
}

impl VerifyingKey {
    /// Creates a key for HS256.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::from_hmac(HmacKey::sha256(secret))
    }

    /// Creates a key for HS384, from a secret of at least 48 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs384(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha384(secret).map(Self::from_hmac)
    }

    /// Creates a key for HS512, from a secret of at least 64 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs512(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha512(secret).map(Self::from_hmac)
    }

    /// Reads one PEM block: `PUBLIC KEY`, or `RSA PUBLIC KEY` for RSA.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidKey`] if the key is malformed or weak,
    /// [`ConfigError::KeyTypeMismatch`] if it is not a key for `algorithm`,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that provides the algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = PublicKey::from_pem(algorithm.asymmetric()?, pem.as_ref())?;
        Self::from_public(algorithm, key)
    }

    /// Reads DER: `SubjectPublicKeyInfo`, or PKCS#1 for RSA.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = PublicKey::from_der(algorithm.asymmetric()?, der.as_ref())?;
        Self::from_public(algorithm, key)
    }

    /// Reads the raw key: for ECDSA the uncompressed point (SEC 1, section 2.3.3), for EdDSA the
    /// 32 bytes (RFC 8032, section 5.1.5), for RSA PKCS#1 in DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_bytes(algorithm: Algorithm, bytes: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = PublicKey::from_bytes(algorithm.asymmetric()?, bytes.as_ref())?;
        Self::from_public(algorithm, key)
    }

    /// Reads one public JWK (RFC 7517, section 4) as JSON text. Its `kid` becomes the key id.
    ///
    /// The algorithm is `alg`; for elliptic curves it is optional, because `crv` implies it. A
    /// private key or a secret is rejected: read those with
    /// [`SigningKey::from_jwk`](crate::keys::SigningKey::from_jwk).
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and if `use`, `key_ops`, `alg` or `crv` contradict the
    /// rest of the key.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let jwk = Jwk::parse(json.as_ref())?;
        jwk.reject_private()?;
        Self::read_jwk(&jwk, None)
    }

    /// Returns the public JWK (RFC 7517, section 4) as JSON text, with `alg`, `use` and, if the key
    /// has an id, `kid`. [`from_jwk`](Self::from_jwk) reads it. `None` for HMAC, which has no public
    /// key.
    pub fn to_jwk(&self) -> Option<String> {
        self.jwk_members()
            .map(|members| Value::Object(members).to_string())
    }

    /// Sets the key id, by which tokens select the key (`kid`).
    #[doc(alias = "kid")]
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns `true` if `signature` is the key's signature of `message`. MACs are compared in
    /// constant time.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Hmac(key) => key.verify(message, signature),
            Verifier::Asymmetric(key, _) => key.verify(message, signature),
        }
    }

    pub(super) const fn from_hmac(key: HmacKey) -> Self {
        Self {
            algorithm: key.algorithm(),
            key_id: None,
            verifier: Verifier::Hmac(key),
        }
    }

    /// Reads a key from another issuer's key set; `None` if it is not for signatures. An RSA key
    /// without `alg` gets the algorithm `rsa`.
    #[cfg(any(feature = "jwks", feature = "jsonwebtoken"))]
    pub(crate) fn from_key_set(
        json: &[u8],
        rsa: Option<Algorithm>,
    ) -> Result<Option<Self>, ConfigError> {
        let jwk = Jwk::parse(json)?;
        // First: a leaked private key is reported even if it is for encryption.
        jwk.reject_private()?;
        match jwk.is_for_encryption() {
            true => Ok(None),
            false => Self::read_jwk(&jwk, rsa).map(Some),
        }
    }

    fn read_jwk(jwk: &Jwk<'_>, rsa: Option<Algorithm>) -> Result<Self, ConfigError> {
        jwk.check_use(Operation::Verify)?;
        let algorithm = jwk.algorithm(rsa)?;
        let key = PublicKey::from_jwk(algorithm, jwk)?;
        Ok(Self {
            key_id: jwk.key_id(),
            ..Self::from_public(algorithm, key)?
        })
    }

    /// Returns the members of the public JWK; `None` for HMAC.
    pub(crate) fn jwk_members(&self) -> Option<Map<String, Value>> {
        let Verifier::Asymmetric(_, public) = &self.verifier else {
            return None;
        };
        let mut members = public.jwk_members();
        let mut put = |name: &str, value: &str| members.insert(name.to_owned(), value.into());
        put("alg", self.algorithm.as_str());
        put("use", "sig");
        if let Some(key_id) = self.kid() {
            put("kid", key_id);
        }
        Some(members)
    }

    /// Returns `true` if both are the same key with the same id, whatever format they were read from.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm
            && self.key_id == other.key_id
            && match (&self.verifier, &other.verifier) {
                (Verifier::Hmac(ours), Verifier::Hmac(theirs)) => ours.is_same(theirs),
                (Verifier::Asymmetric(_, ours), Verifier::Asymmetric(_, theirs)) => ours == theirs,
                _ => false,
            }
    }

    pub(super) fn with_key_id(self, key_id: Option<Arc<str>>) -> Self {
        Self { key_id, ..self }
    }

    pub(super) fn from_public(algorithm: Algorithm, key: PublicKey) -> Result<Self, ConfigError> {
        let verifier = asymmetric::Verifier::new(algorithm, &key)?;
        Ok(Self {
            algorithm,
            key_id: None,
            verifier: Verifier::Asymmetric(verifier, Arc::new(key)),
        })
    }
}

// An HMAC key is a secret, and a public key is of no use in a log.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("key", &format_args!("[redacted]"))
            .finish()
    }
}

#[derive(Clone)]
enum Verifier {
    Hmac(HmacKey),
    // The backend's form, and the numbers for comparison and for `to_jwk`.
    Asymmetric(asymmetric::Verifier, Arc<PublicKey>),
}
