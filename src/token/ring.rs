//! Several keys at once, so that they can change while people work.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::key::{SigningKey, VerifyingKey};
use super::keyset::Keyset;
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
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    // Read without a lock: a change puts another in its place.
    keys: ArcSwap<Keys>,
    // Held by whoever changes them.
    change: Mutex<()>,
}

pub(super) struct Keys {
    signing: Option<SigningKey>,
    pub(super) verifying: Keyset,
}

impl KeyRing {
    /// A ring without keys: it signs nothing and refuses every token.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            keys: ArcSwap::from_pointee(Keys {
                signing: None,
                verifying: Keyset::empty(),
            }),
            change: Mutex::new(()),
        }))
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
        self.change(|keys| {
            let known = key.kid().and_then(|kid| keys.verifying.find(kid));
            if !known.is_some_and(|known| is_counterpart(&key, known)) {
                keys.verifying.add(key.verifying_key())?;
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
        self.change(|keys| keys.verifying.add(key))
    }

    /// Chooses the key for tokens that do not name one. Without it they are refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownKeyId`] if there is no such key in the ring.
    pub fn default_key(&self, key_id: &str) -> Result<(), ConfigError> {
        self.change(|keys| keys.verifying.set_default(key_id))
    }

    /// Takes a key out, and says whether it was there. Its tokens are refused from now on; if it
    /// was the signing key, nothing is signed until there is another.
    pub fn remove(&self, key_id: &str) -> bool {
        self.change(|keys| {
            keys.signing.take_if(|key| key.kid() == Some(key_id));
            Ok(keys.verifying.remove(key_id))
        })
        .unwrap_or_default()
    }

    pub(super) fn signing_key(&self) -> Option<SigningKey> {
        self.0.keys.load().signing.clone()
    }

    /// The keys as they are now, for one token.
    pub(super) fn keys(&self) -> Guard<Arc<Keys>> {
        self.0.keys.load()
    }

    /// What fails changes nothing.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Keys) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let _change = self.0.change.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.keys.load();
        let mut next = Keys {
            signing: now.signing.clone(),
            verifying: now.verifying.successor(),
        };
        let result = change(&mut next)?;
        self.0.keys.store(Arc::new(next));
        Ok(result)
    }
}

impl Default for KeyRing {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys();
        f.debug_struct("KeyRing")
            .field("signing", &keys.signing)
            .field("verifying", &keys.verifying)
            .finish()
    }
}

/// Whether `verifying` accepts what `signing` signs.
fn is_counterpart(signing: &SigningKey, verifying: &VerifyingKey) -> bool {
    // No token: it has no dots.
    const PROBE: &[u8] = b"tower-warder";
    let signature = signing.sign(PROBE);
    signature.is_some_and(|signature| verifying.verify(PROBE, &signature))
}
