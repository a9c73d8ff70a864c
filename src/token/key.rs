//! Keys: one algorithm each, parsed once.

use std::fmt;
use std::sync::Arc;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::ConfigError;
use crate::secret::Secret;

/// The signature algorithms of RFC 7518, section 3.1, and RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}

impl Algorithm {
    /// The name in a token's header (`alg`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }
}

/// A key that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: Option<Arc<str>>,
    material: Signing,
}

/// A key that tells whether a token was signed by its counterpart.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key_id: Option<Arc<str>>,
    material: Verifying,
}

#[derive(Clone)]
enum Signing {
    Hmac(HmacKey),
}

#[derive(Clone)]
enum Verifying {
    Hmac(HmacKey),
}

impl SigningKey {
    /// A key for HS256.
    pub fn hs256(secret: &Secret) -> Self {
        let (algorithm, key) = HmacKey::sha256(secret);
        Self {
            algorithm,
            key_id: None,
            material: Signing::Hmac(key),
        }
    }

    /// Names the key: `kid` in the header of the tokens that it signs.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// The key that verifies what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            algorithm: self.algorithm,
            key_id: self.key_id.clone(),
            material: match &self.material {
                Signing::Hmac(key) => Verifying::Hmac(key.clone()),
            },
        }
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The signature over `message`; `None` where the backend fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.material {
            Signing::Hmac(key) => Some(key.sign(message)),
        }
    }
}

impl VerifyingKey {
    /// A key for HS256.
    pub fn hs256(secret: &Secret) -> Self {
        SigningKey::hs256(secret).verifying_key()
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
        match &self.material {
            Verifying::Hmac(key) => key.verify(message, signature),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("material", &"[redacted]")
            .finish()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("material", &"[redacted]")
            .finish()
    }
}

/// HMAC with the key's two blocks hashed already.
#[derive(Clone)]
enum HmacKey {
    Sha256(Arc<Hmac<Sha256>>),
}

impl HmacKey {
    fn sha256(secret: &Secret) -> (Algorithm, Self) {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let key = Hmac::new_from_slice(secret.as_bytes()).expect("any length will do");
        (Algorithm::HS256, Self::Sha256(Arc::new(key)))
    }
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256(key) => Hmac::clone(key)
                .chain_update(message)
                .finalize()
                .into_bytes()
                .to_vec(),
        }
    }
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha256(key) => Hmac::clone(key)
                .chain_update(message)
                .verify_slice(signature)
                .is_ok(),
        }
    }
}
