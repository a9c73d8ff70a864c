//! Several keys at once, so that they can change while people work.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::key::{SigningKey, VerifyingKey};
use crate::error::ConfigError;

/// A signing key and the keys that verify, chosen by their id (`kid`, RFC 7515, section 4.1.4).
///
/// A handle: clones share the keys, and a change takes effect on the next token. To rotate,
/// [`sign_with`](Self::sign_with) the new key, wait until the last token of the old one has
/// expired, then [`remove`](Self::remove) it.
///
/// ```
/// use tower_warder::{KeyRing, Secret, SigningKey, TokenIssuer, TokenVerifier};
///
/// let ring = KeyRing::new();
/// ring.sign_with(SigningKey::hs256(&Secret::generate()).key_id("2026-10"))?;
/// let issuer = TokenIssuer::ring(&ring);
/// let verifier = TokenVerifier::ring(&ring);
/// let token = issuer.issue("7")?;
///
/// ring.sign_with(SigningKey::hs256(&Secret::generate()).key_id("2026-11"))?;
/// assert!(verifier.verify_token(&token).is_ok());
///
/// ring.remove("2026-10");
/// assert!(verifier.verify_token(&token).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct KeyRing(Arc<RwLock<Keys>>);

#[derive(Default)]
struct Keys {
    signing: Option<SigningKey>,
    verifying: Vec<VerifyingKey>,
    default: Option<Box<str>>,
}

impl KeyRing {
    /// A ring without keys: it signs nothing and refuses every token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs with `key` from now on, and accepts what it signs. The key that signed until now
    /// goes on verifying.
    ///
    /// Where several nodes share the keys, [`add`](Self::add) the new one everywhere before
    /// anybody signs with it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), unless the key in the ring is this one's counterpart.
    pub fn sign_with(&self, key: SigningKey) -> Result<(), ConfigError> {
        self.write(|keys| {
            let known = key.kid().and_then(|kid| keys.find(kid));
            if !known.is_some_and(|known| is_counterpart(&key, known)) {
                keys.add(key.verifying_key())?;
            }
            keys.signing = Some(key);
            Ok(())
        })
    }

    /// Accepts tokens that the counterpart of `key` signed.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingKeyId`] or [`ConfigError::DuplicateKeyId`].
    pub fn add(&self, key: VerifyingKey) -> Result<(), ConfigError> {
        self.write(|keys| keys.add(key))
    }

    /// Chooses the key for tokens that do not name one. Without it they are refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownKeyId`] if there is no such key in the ring.
    pub fn default_key(&self, key_id: &str) -> Result<(), ConfigError> {
        self.write(|keys| {
            if keys.find(key_id).is_none() {
                return Err(ConfigError::UnknownKeyId(key_id.to_owned()));
            }
            keys.default = Some(key_id.into());
            Ok(())
        })
    }

    /// Takes a key out, and says whether it was there. Its tokens are refused from now on; if it
    /// was the signing key, nothing is signed until there is another.
    pub fn remove(&self, key_id: &str) -> bool {
        self.write(|keys| {
            let before = keys.verifying.len();
            keys.verifying.retain(|key| key.kid() != Some(key_id));
            keys.signing.take_if(|key| key.kid() == Some(key_id));
            keys.default.take_if(|default| **default == *key_id);
            keys.verifying.len() < before
        })
    }

    pub(super) fn signing_key(&self) -> Option<SigningKey> {
        self.read(|keys| keys.signing.clone())
    }

    pub(super) fn verifying_key(&self, key_id: Option<&str>) -> Option<VerifyingKey> {
        self.read(|keys| keys.find(key_id.or(keys.default.as_deref())?).cloned())
    }

    // No change to the keys can panic halfway: a poisoned lock still guards whole keys.
    fn read<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Keys) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|keys| {
            f.debug_struct("KeyRing")
                .field("signing", &keys.signing)
                .field("verifying", &keys.verifying)
                .field("default", &keys.default)
                .finish()
        })
    }
}

impl Keys {
    fn add(&mut self, key: VerifyingKey) -> Result<(), ConfigError> {
        let kid = key.kid().ok_or(ConfigError::MissingKeyId)?;
        if self.find(kid).is_some() {
            return Err(ConfigError::DuplicateKeyId(kid.to_owned()));
        }
        self.verifying.push(key);
        Ok(())
    }

    fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.iter().find(|key| key.kid() == Some(kid))
    }
}

/// Whether `verifying` accepts what `signing` signs.
fn is_counterpart(signing: &SigningKey, verifying: &VerifyingKey) -> bool {
    // No token: it has no dots.
    const PROBE: &[u8] = b"tower-warder";
    let signature = signing.sign(PROBE);
    signature.is_some_and(|signature| verifying.verify(PROBE, &signature))
}
