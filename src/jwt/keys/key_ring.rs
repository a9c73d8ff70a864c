//! Several keys at once, so that they can change while people work.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::key_set::{JwkSetDocument, Keyset};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::error::ConfigError;

/// A signing key and the keys that verify, chosen by their id (`kid`, RFC 7515, section 4.1.4).
///
/// A handle: clones share the keys, and a change takes effect on the next token. To rotate,
/// [`set_signing_key`](Self::set_signing_key) the new key, wait until the last token of the old one has
/// expired, then [`remove`](Self::remove) it. Where others fetch the keys ([`JwksEndpoint`]), or
/// several nodes have them, [`add`](Self::add) the new one first and sign with it when all know it.
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
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    // Read without a lock: a change puts another in its place.
    keys: ArcSwap<Keys>,
    // Held by whoever changes them.
    change: Mutex<()>,
}

pub(crate) struct Keys {
    signing: Option<SigningKey>,
    pub(crate) verifying: Arc<Keyset>,
}

/// Keys that are being changed.
struct Draft {
    signing: Option<SigningKey>,
    verifying: Keyset,
}

impl KeyRing {
    /// A ring without keys: it signs nothing and refuses every token.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            keys: ArcSwap::from_pointee(Keys {
                signing: None,
                verifying: Arc::new(Keyset::empty()),
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
    pub fn set_default_kid(&self, key_id: &str) -> Result<(), ConfigError> {
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

    /// Puts other keys in the place of all in the ring, at once: what `signing` signs and what the
    /// counterparts of `verifying` sign is accepted from now on, and nothing else.
    ///
    /// For whoever reads all keys again, from a directory for example. A key that was in the ring
    /// and comes again goes on as before, so that in between not one of its tokens is refused; so
    /// does the [default](Self::set_default_kid). The counterpart of `signing` may be among the others.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # use tower_warder::keys::{KeyRing, SigningKey};
    /// # let ring = KeyRing::new();
    /// # let (october, november) = (HmacSecret::generate(), HmacSecret::generate());
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
    /// As [`add`](Self::add); the ring stays as it was then.
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

    /// The public keys as a JSON Web Key Set (RFC 7517, section 5), each with `kid`, `alg` and
    /// `use`. Secrets (HS256 and its kin) are left out.
    ///
    /// [`JwksEndpoint`](crate::jwks::JwksEndpoint) serves it.
    pub fn to_jwks(&self) -> String {
        self.keys().verifying.publication().json.clone()
    }

    /// The public keys, for everybody.
    pub(crate) fn publication<T>(&self, read: impl FnOnce(&JwkSetDocument) -> T) -> T {
        read(self.keys().verifying.publication())
    }

    /// The id of the key that signs now.
    pub fn signing_key_id(&self) -> Option<String> {
        self.signing_key()?.kid().map(str::to_owned)
    }

    pub(crate) fn signing_key(&self) -> Option<SigningKey> {
        self.0.keys.load().signing.clone()
    }

    /// The keys as they are now, for one token.
    pub(crate) fn keys(&self) -> Guard<Arc<Keys>> {
        self.0.keys.load()
    }

    /// What fails changes nothing. Where the keys that verify are the same as before, they stay, and
    /// with them what is known of headers and tokens.
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
