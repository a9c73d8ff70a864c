//! The keys of the tokens: one secret, or a directory of keys that change while people work.

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
use tower_warder::{BoxError, HmacSecret, JwtIssuer, JwtVerifier};
use zeroize::Zeroizing;

use self::files::KeyFiles;

pub use self::files::reason;
pub use self::hang_ups::HangUps;

/// What signs tokens and what verifies them.
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
            // Public keys cost tens of microseconds for each signature, and one may come with the
            // next signal.
            Self::Directory(directory) => {
                JwtVerifier::ring(directory.ring()).cache(TOKENS_IN_MEMORY)
            }
        }
    }

    /// `GET /.well-known/jwks.json`: the public keys, for other services. Where there are none, it
    /// is 404.
    pub fn routes(&self) -> Router {
        let Self::Directory(directory) = self else {
            return Router::new();
        };
        let ring = directory.ring().clone();
        let published = JwksEndpoint::new(&ring);
        let nothing: Arc<str> = KeyRing::new().to_jwks().into();
        let answer = move |request: Request| {
            // Asked anew each time: the keys change.
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

    /// Reads the directory again, and says in one line what came of it.
    async fn reload(&self) {
        let Self::Directory(directory) = self else {
            tracing::info!("SIGHUP: without JWT_KEYS there is nothing to read again");
            return;
        };
        let again = directory.clone();
        let read = tokio::task::spawn_blocking(move || again.read());
        // A panic is no reason to stop either.
        if let Err(error) = read.await.unwrap_or_else(|error| Err(error.into())) {
            let directory = directory.path().display();
            tracing::error!(%directory, %error, "keys not read, all stay as they were");
        }
    }
}

/// A directory of keys, and the keys that were last read from it. Clones share them.
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

    /// The keys as they are at the time.
    pub fn ring(&self) -> &KeyRing {
        &self.0.ring
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The file of the key that signs, as it is: the same bytes for all servers that share the keys.
    pub fn signing_bytes(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        files::signing_bytes(self.path())
    }

    /// Reads all keys again. Either everything that is there counts from now on, or, with an error,
    /// nothing has changed.
    pub fn read(&self) -> Result<(), BoxError> {
        // Also so that of two who read at once the later one reads later.
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let KeyFiles { signing, verifying } = KeyFiles::read(self.path())?;
        refuse_changed(&known, &verifying)?;

        self.ring()
            .replace_all(signing.key, verifying.values().cloned())?;
        if verifying.contains_key(DEFAULT) {
            self.ring().set_default_kid(DEFAULT)?;
        }
        tracing::info!(
            directory = %self.path().display(),
            signing = signing.key_id,
            added = names_beside(&verifying, &known),
            removed = names_beside(&known, &verifying),
            "keys read"
        );
        *known = verifying;
        Ok(())
    }
}

/// Another key under the name of one that is in use would refuse the tokens of that one, and nobody
/// would have asked for it: a copy went wrong.
fn refuse_changed(
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

/// The names here that are not there.
fn names_beside<K>(here: &BTreeMap<String, K>, there: &BTreeMap<String, K>) -> String {
    let names = here.keys().filter(|name| !there.contains_key(*name));
    names.map(String::as_str).collect::<Vec<_>>().join(",")
}

/// The name of the key for tokens that name none, as those of `JWT_SECRET`.
const DEFAULT: &str = "default";

const TOKENS_IN_MEMORY: usize = 10_000;
