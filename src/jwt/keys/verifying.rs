//! The key that judges signatures.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::secret::HmacSecret;
use crate::error::ConfigError;

use super::algorithm::Algorithm;
use super::asymmetric::{self, PublicKey};
use super::hmac::HmacKey;
use super::jwk::{Jwk, Operation};

/// A key that tells whether a token was signed by its counterpart.
///
/// It has one algorithm, which you choose and the token does not. What exists is sound: RSA
/// moduli have 2048 to 8192 bits, points lie on the curve of the algorithm, secrets are as long
/// as their hash.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key_id: Option<Arc<str>>,
    verifier: Verifier,
}

impl VerifyingKey {
    /// A key for HS256.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::from_hmac(HmacKey::sha256(secret))
    }

    /// A key for HS384, from a secret of at least 48 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs384(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha384(secret).map(Self::from_hmac)
    }

    /// A key for HS512, from a secret of at least 64 bytes.
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
    /// [`ConfigError::InvalidKey`] where the key is malformed or weak,
    /// [`ConfigError::KeyTypeMismatch`] where it is not one for `algorithm`,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that brings the algorithm.
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

    /// Reads the bare key: for ECDSA the uncompressed point (SEC 1, section 2.3.3), for EdDSA its
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
    /// The algorithm is `alg`; elliptic curves do without, because `crv` says it. Whoever sends
    /// a private key or a secret along is refused: read those with
    /// [`SigningKey::from_jwk`](crate::keys::SigningKey::from_jwk).
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and where `use`, `key_ops`, `alg` or `crv` contradict the
    /// rest of the key.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let jwk = Jwk::parse(json.as_ref())?;
        jwk.refuse_private()?;
        Self::read_jwk(&jwk, None)
    }

    /// Writes one public JWK (RFC 7517, section 4) as JSON text, with `alg`, `use` and, if the key
    /// has an id, `kid`: what [`from_jwk`](Self::from_jwk) reads. `None` for a secret: HMAC has no
    /// public key.
    pub fn to_jwk(&self) -> Option<String> {
        self.jwk_members()
            .map(|members| Value::Object(members).to_string())
    }

    /// Names the key: tokens choose it by `kid`.
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

    /// Whether `signature` is this key's over `message`. MACs are compared in constant time.
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

    /// One of the keys that somebody else publishes; `None` if it is none for signatures. An RSA key
    /// that does not say its algorithm is one for `rsa`.
    #[cfg(any(feature = "jwks", feature = "jsonwebtoken"))]
    pub(crate) fn from_key_set(
        json: &[u8],
        rsa: Option<Algorithm>,
    ) -> Result<Option<Self>, ConfigError> {
        let jwk = Jwk::parse(json)?;
        // First of all: also one that is private for encryption is a leak.
        jwk.refuse_private()?;
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

    /// What the world may know of the key, if there is anything.
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

    /// Whether the other is this key under the same id, wherever the two were read.
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

// A MAC's key is a secret, and a public key tells a reader of logs nothing.
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
    // As the backend wants it, and its numbers.
    Asymmetric(asymmetric::Verifier, Arc<PublicKey>),
}
