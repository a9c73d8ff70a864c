//! Key rings: several keys at once, for rotation without downtime.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::key_set::{JwkSetDocument, Keyset};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::error::ConfigError;

/// One signing key and several verifying keys, selected by key id (`kid`, RFC 7515, section 4.1.4).
///
/// Clones share the keys, and a change takes effect on the next token.
///
/// To rotate keys, call [`set_signing_key`](Self::set_signing_key) with the new key, wait until the
/// last token of the old key has expired, then [`remove`](Self::remove) the old key. If other
/// services fetch the keys ([`JwksEndpoint`]), or several instances share them, first
/// [`add`](Self::add) the new key everywhere, and sign with it once all of them have it.
///
/// [`JwksEndpoint`]: crate::jwks::JwksEndpoint
///
/// ```
/// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
/// use tower_warder::keys::{KeyRing, SigningKey};
///
/// let ring = KeyRing::new();
/// ring.set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("2026-10"))?;
/// let issuer = JwtIssuer::ring(&ring);
/// let verifier = JwtVerifier::ring(&ring);
/// let token = issuer.issue("7")?;
///
/// ring.set_signing_key(SigningKey::hs256(&HmacSecret::generate()).key_id("2026-11"))?;
/// assert!(verifier.verify_token(&token).is_ok());
///
/// ring.remove("2026-10");
/// assert!(verifier.verify_token(&token).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "kid")]
#[doc(alias = "rotation")]
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    // Read without a lock: a change replaces the whole value.
    keys: ArcSwap<Keys>,
    // Serializes changes.
    change: Mutex<()>,
}

pub(crate) struct Keys {
    signing: Option<SigningKey>,
    pub(crate) verifying: Arc<Keyset>,
}

/// Keys during a change, before they are published to readers.
struct Draft {
    signing: Option<SigningKey>,
    verifying: Keyset,
}

impl KeyRing {
    /// Creates a ring without keys: it signs nothing and rejects every token.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            keys: ArcSwap::from_pointee(Keys {
                signing: None,
                verifying: Arc::new(Keyset::empty()),
            }),
            change: Mutex::new(()),
        }))
    }

    /// Sets the key that signs from now on, and accepts its tokens. The previous signing key
    /// still verifies.
    ///
    /// If several instances share the keys, [`add`](Self::add) the new key on all of them before
    /// one signs with it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), unless the ring already has the verifying key of `key`.
    pub fn set_signing_key(&self, key: SigningKey) -> Result<(), ConfigError> {
        self.change(|keys| {
            let verifying = key.verifying_key();
            if !keys.verifying.has(&verifying) {
                keys.verifying.add(verifying)?;
            }
            keys.signing = Some(key);
            Ok(())
        })
    }

    /// Adds a verifying key: accepts tokens signed by its signing key.
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingKeyId`] or [`ConfigError::DuplicateKeyId`].
    pub fn add(&self, key: VerifyingKey) -> Result<(), ConfigError> {
        self.change(|keys| keys.verifying.add(key))
    }

    /// Sets the key for tokens without a `kid`. Defaults to none: such tokens are rejected.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownKeyId`] if there is no such key in the ring.
    pub fn set_default_kid(&self, key_id: &str) -> Result<(), ConfigError> {
        self.change(|keys| keys.verifying.set_default(key_id))
    }

    /// Removes a key, and returns `true` if it was in the ring.
    ///
    /// Its tokens are rejected from now on. If it was the signing key, the ring cannot sign until
    /// [`set_signing_key`](Self::set_signing_key) is called again.
    pub fn remove(&self, key_id: &str) -> bool {
        self.change(|keys| {
            keys.signing.take_if(|key| key.kid() == Some(key_id));
            Ok(keys.verifying.remove(key_id))
        })
        .unwrap_or_default()
    }

    /// Replaces all keys of the ring atomically: from now on the ring signs with `signing`, and
    /// accepts only tokens of `signing` and of the keys in `verifying`.
    ///
    /// Useful to reload all keys, for example from a directory. A key that is in the ring before and
    /// after stays valid throughout, so that none of its tokens is rejected in between; so does the
    /// [default](Self::set_default_kid). `verifying` may contain the verifying key of `signing`.
    ///
    /// ```
    /// use tower_warder::HmacSecret;
    /// use tower_warder::keys::{KeyRing, SigningKey};
    ///
    /// let ring = KeyRing::new();
    /// let (october, november) = (HmacSecret::generate(), HmacSecret::generate());
    /// let mut keys = vec![
    ///     SigningKey::hs256(&october).key_id("2026-10"),
    ///     SigningKey::hs256(&november).key_id("2026-11"),
    /// ];
    /// let others = keys.iter().map(SigningKey::verifying_key).collect::<Vec<_>>();
    /// ring.replace_all(keys.pop(), others)?;
    /// # Ok::<(), tower_warder::error::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add); the ring is then unchanged.
    pub fn replace_all(
        &self,
        signing: impl Into<Option<SigningKey>>,
        verifying: impl IntoIterator<Item = VerifyingKey>,
    ) -> Result<(), ConfigError> {
        let signing = signing.into();
        let mut all: Vec<_> = verifying.into_iter().collect();
        all.extend(signing.as_ref().map(SigningKey::verifying_key));
        self.change(|keys| {
            keys.verifying.set_keys(all)?;
            keys.signing = signing;
            Ok(())
        })
    }

    /// Returns the public keys as a JSON Web Key Set (RFC 7517, section 5), each with `kid`, `alg`
    /// and `use`. HMAC secrets are left out.
    ///
    /// [`JwksEndpoint`](crate::jwks::JwksEndpoint) serves it over HTTP.
    pub fn to_jwks(&self) -> String {
        self.keys().verifying.jwk_set().json.clone()
    }

    /// Calls `read` with the public keys.
    pub(crate) fn with_jwk_set<T>(&self, read: impl FnOnce(&JwkSetDocument) -> T) -> T {
        read(self.keys().verifying.jwk_set())
    }

    /// Returns the id of the current signing key.
    pub fn signing_key_id(&self) -> Option<String> {
        self.signing_key()?.kid().map(str::to_owned)
    }

    pub(crate) fn signing_key(&self) -> Option<SigningKey> {
        self.0.keys.load().signing.clone()
    }

    /// Returns a snapshot of the keys, for one token.
    pub(crate) fn keys(&self) -> Guard<Arc<Keys>> {
        self.0.keys.load()
    }

    /// Applies a change; if it fails, the ring is unchanged. If the verifying keys are the same as
    /// before, the old set stays, and with it the caches of headers and tokens.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let _change = self.0.change.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.keys.load();
        let mut draft = Draft {
            signing: now.signing.clone(),
            verifying: now.verifying.successor(),
        };
        let result = change(&mut draft)?;
        let verifying = match now.verifying.is_same(&draft.verifying) {
            true => Arc::clone(&now.verifying),
            false => Arc::new(draft.verifying),
        };
        let signing = draft.signing;
        self.0.keys.store(Arc::new(Keys { signing, verifying }));
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
