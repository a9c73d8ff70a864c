//! Keys of the tokens: one secret, or a directory of keys that can be rotated at runtime.

mod files;
mod hang_ups;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::any;
use tower::ServiceExt;
use tower_warder::error::ConfigError;
use tower_warder::jwks::JwksEndpoint;
use tower_warder::keys::{KeyRing, VerifyingKey};
use tower_warder::private::AUDIT_TARGET;
use tower_warder::{BoxError, HmacSecret, JwtIssuer, JwtVerifier};
use zeroize::Zeroizing;

use self::files::KeyFiles;

pub use self::files::reason;
pub use self::hang_ups::HangUps;

/// Keys that sign and verify tokens.
#[derive(Clone)]
pub enum Keys {
    Secret(HmacSecret),
    Directory(KeyDirectory),
}

impl Keys {
    pub fn issuer(&self) -> JwtIssuer {
        match self {
            Self::Secret(secret) => JwtIssuer::hs256(secret),
            Self::Directory(directory) => JwtIssuer::ring(directory.ring()),
        }
    }

    pub fn verifier(&self) -> JwtVerifier {
        match self {
            Self::Secret(secret) => JwtVerifier::hs256(secret),
            // A signature check with a public key takes tens of microseconds, and a reload may add
            // public keys.
            Self::Directory(directory) => {
                JwtVerifier::ring(directory.ring()).cache(TOKENS_IN_MEMORY)
            }
        }
    }

    /// Route `GET /.well-known/jwks.json` with the public keys, for other services. 404 if there
    /// are none.
    pub fn routes(&self) -> Router {
        let Self::Directory(directory) = self else {
            return Router::new();
        };
        let ring = directory.ring().clone();
        let published = JwksEndpoint::new(&ring);
        let nothing: Arc<str> = KeyRing::new().to_jwks().into();
        let answer = move |request: Request| {
            // Computed for each request, because the keys change.
            let is_empty = ring.to_jwks() == *nothing;
            let published = published.clone();
            async move {
                if is_empty {
                    return StatusCode::NOT_FOUND.into_response();
                }
                published.oneshot(request).await.into_response()
            }
        };
        Router::new().route("/.well-known/jwks.json", any(answer))
    }

    /// Reloads the directory and logs the result.
    async fn reload(&self) {
        let Self::Directory(directory) = self else {
            tracing::info!("SIGHUP is ignored: set JWT_KEYS to reload keys");
            return;
        };
        let again = directory.clone();
        let read = tokio::task::spawn_blocking(move || again.read());
        // A panic must not stop the server.
        if let Err(error) = read.await.unwrap_or_else(|error| Err(error.into())) {
            let directory = directory.path().display();
            tracing::error!(%directory, %error, "keys not read, all stay as they were");
        }
    }
}

/// Key directory and the keys that were last read from it. Clones share them.
#[derive(Clone)]
pub struct KeyDirectory(Arc<Shared>);

struct Shared {
    path: PathBuf,
    ring: KeyRing,
    known: Mutex<BTreeMap<String, VerifyingKey>>,
}

impl KeyDirectory {
    /// Reads the keys in `path` for the first time.
    pub fn open(path: PathBuf) -> Result<Self, BoxError> {
        let directory = Self(Arc::new(Shared {
            path,
            ring: KeyRing::new(),
            known: Mutex::default(),
        }));
        directory.read()?;
        Ok(directory)
    }

    /// Returns the current keys.
    pub fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the content of the file of the signing key: the same bytes on all servers that share
    /// the keys.
    pub fn signing_bytes(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        files::signing_bytes(self.path())
    }

    /// Reloads all keys. On an error nothing changes.
    pub fn read(&self) -> Result<(), BoxError> {
        // Held while reading, so that of two concurrent reloads the later one has the newer state.
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let KeyFiles { signing, verifying } = KeyFiles::read(self.path())?;
        reject_changed(&known, &verifying)?;

        let signed_before = self.ring().signing_key_id();
        self.ring()
            .replace_all(signing.key, verifying.values().cloned())?;
        if verifying.contains_key(DEFAULT) {
            self.ring().set_default_kid(DEFAULT)?;
        }
        let (added, removed) = (
            names_beside(&verifying, &known),
            names_beside(&known, &verifying),
        );
        tracing::info!(
            directory = %self.path().display(),
            signing = signing.key_id,
            added,
            removed,
            "keys read"
        );
        // Not at the start.
        let is_rotated =
            signed_before != self.ring().signing_key_id() || known.keys().ne(verifying.keys());
        if is_rotated && !known.is_empty() {
            let event = "keys_rotated";
            let (actor, signing) = ("system", signing.key_id);
            tracing::info!(target: AUDIT_TARGET, event, actor, signing, added, removed);
        }
        *known = verifying;
        Ok(())
    }
}

/// Rejects a different key under the name of one that is in use: it would invalidate the tokens of
/// that key, and is most likely a copying mistake.
fn reject_changed(
    before: &BTreeMap<String, VerifyingKey>,
    after: &BTreeMap<String, VerifyingKey>,
) -> Result<(), BoxError> {
    let both = before.values().chain(after.values()).cloned();
    match KeyRing::new().replace_all(None, both) {
        Err(ConfigError::DuplicateKeyId(key_id)) => {
            Err(format!("{key_id} is another key than before; give a new key a new name").into())
        }
        other => Ok(other?),
    }
}

/// Returns the names in `here` that are not in `there`.
fn names_beside<K>(here: &BTreeMap<String, K>, there: &BTreeMap<String, K>) -> String {
    let names = here.keys().filter(|name| !there.contains_key(*name));
    names.map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Key for tokens without a `kid`, such as those of `JWT_SECRET`.
const DEFAULT: &str = "default";

const TOKENS_IN_MEMORY: usize = 10_000;
