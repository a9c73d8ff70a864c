//! Bootstrap of the first admin.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_warder::error::ConfigError;
use tower_warder::{BoxError, HmacSecret};
use tower_warder_accounts::{AdminGrant, BootstrapPolicy};
use zeroize::Zeroizing;

use super::origin::PublicOrigin;
use super::store::Store;

/// Value of `BOOTSTRAP`: which account becomes the first admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    FirstUser,
    Secret,
    Nobody,
}

impl Bootstrap {
    /// Returns `FirstUser` if only this machine can reach the server, else `Secret`.
    pub fn by_default(bind_addr: IpAddr, origin: Option<&PublicOrigin>) -> Self {
        if bind_addr.is_loopback() && origin.is_none_or(PublicOrigin::is_loopback) {
            Self::FirstUser
        } else {
            Self::Secret
        }
    }
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstUser => "first-user",
            Self::Secret => "secret",
            Self::Nobody => "nobody",
        })
    }
}

/// [`Bootstrap`] with its secret, if there is one.
pub enum FirstAdmin {
    FirstUser,
    Secret(Zeroizing<String>),
    Nobody,
}

impl FirstAdmin {
    /// Derives the secret from the `key` of the tokens, so that it is the same on all nodes and
    /// after a restart, and is not stored.
    pub fn new(
        bootstrap: Bootstrap,
        key: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, BoxError>,
    ) -> Result<Self, BoxError> {
        Ok(match bootstrap {
            Bootstrap::FirstUser => Self::FirstUser,
            Bootstrap::Secret => Self::Secret(derive(&key()?, "bootstrap secret")?),
            Bootstrap::Nobody => Self::Nobody,
        })
    }

    pub fn policy(&self) -> Result<BootstrapPolicy, ConfigError> {
        Ok(match self {
            Self::FirstUser => BootstrapPolicy::FirstUser,
            Self::Secret(text) => BootstrapPolicy::Secret(HmacSecret::new(text.as_bytes())?),
            Self::Nobody => BootstrapPolicy::Nobody,
        })
    }

    /// Logs how to become the first admin if there is none. The pages use the returned value.
    pub async fn announce(
        self,
        store: Arc<dyn Store>,
        origin: &str,
    ) -> Result<AwaitsFirstAdmin, BoxError> {
        let admin_grant = match self {
            Self::FirstUser => AdminGrant::IfFirstAccount,
            Self::Secret(_) | Self::Nobody => AdminGrant::IfNoAdmin,
        };
        let is_free = store.would_grant_admin(admin_grant).await?;
        if is_free {
            match &self {
                Self::FirstUser => tracing::warn!(
                    register = %format_args!("{origin}/register"),
                    "no account yet: register, or run `create-admin`; \
                     the first account that registers becomes the admin"
                ),
                // The operator reads the secret from the log.
                Self::Secret(secret) => tracing::warn!(
                    register = %format_args!("{origin}/register"),
                    bootstrap_secret = %secret.as_str(),
                    "no admin yet: register with this secret to become the admin, or run `create-admin`"
                ),
                Self::Nobody => tracing::warn!(
                    "no admin yet, and none can register with BOOTSTRAP=nobody: run `create-admin`"
                ),
            }
        }
        Ok(AwaitsFirstAdmin(Arc::new(Awaited {
            store,
            admin_grant,
            by_secret: matches!(self, Self::Secret(_)),
            is_over: AtomicBool::new(!is_free || matches!(self, Self::Nobody)),
        })))
    }
}

/// Tells whether a registration can still create the first admin.
#[derive(Clone)]
pub struct AwaitsFirstAdmin(Arc<Awaited>);

struct Awaited {
    store: Arc<dyn Store>,
    admin_grant: AdminGrant,
    by_secret: bool,
    /// Once there is an admin, there is always one.
    is_over: AtomicBool,
}

impl AwaitsFirstAdmin {
    /// Returns `true` if that needs the bootstrap secret.
    pub fn is_by_secret(&self) -> bool {
        self.0.by_secret
    }

    /// Returns `false` if the store is unavailable: registration would fail, too.
    pub async fn ask(&self) -> bool {
        let awaited = &*self.0;
        let (store, is_over) = (&awaited.store, &awaited.is_over);
        if is_over.load(Ordering::Relaxed) {
            return false;
        }
        match store.would_grant_admin(awaited.admin_grant).await {
            Ok(true) => true,
            Ok(false) => {
                is_over.store(true, Ordering::Relaxed);
                false
            }
            Err(_) => false,
        }
    }
}

/// Derives a secret with HMAC, which reveals nothing about the key. The text is not a valid
/// signing input, so the result is not the signature of a token.
pub fn derive(key: &[u8], purpose: &str) -> Result<Zeroizing<String>, BoxError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(format!("tower-warder: {purpose}").as_bytes());
    let text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(Zeroizing::new(text))
}
