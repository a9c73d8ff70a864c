//! The first admin, and what a server without one logs.

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

/// Which account becomes the first admin: the value of `BOOTSTRAP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    FirstUser,
    Secret,
    Nobody,
}

impl Bootstrap {
    /// Where only this machine reaches the server, the first account is its operator's.
    pub fn by_default(bind_addr: IpAddr, origin: Option<&PublicOrigin>) -> Self {
        if bind_addr.is_loopback() && origin.is_none_or(PublicOrigin::is_loopback) {
            Self::FirstUser
        } else {
            Self::Secret
        }
    }
}

/// The same with its secret, if there is one.
pub enum FirstAdmin {
    FirstUser,
    Secret(Zeroizing<String>),
    Nobody,
}

impl FirstAdmin {
    /// The secret is made of the `key` of the tokens, so that all nodes have the same one, also
    /// after a restart, and nothing has to be kept.
    pub fn new(
        bootstrap: Bootstrap,
        key: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, BoxError>,
    ) -> Result<Self, BoxError> {
        Ok(match bootstrap {
            Bootstrap::FirstUser => Self::FirstUser,
            Bootstrap::Secret => Self::Secret(derive(&key()?)?),
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

    /// Logs what to do if there is no admin. The page to register asks what is returned.
    pub async fn announce(
        self,
        store: Arc<dyn Store>,
        origin: &str,
    ) -> Result<AwaitsSecret, BoxError> {
        let admin_grant = match self {
            Self::FirstUser => AdminGrant::IfFirstAccount,
            Self::Secret(_) | Self::Nobody => AdminGrant::IfNoAdmin,
        };
        let is_free = store.is_free(admin_grant).await?;
        if is_free {
            match &self {
                Self::FirstUser => tracing::info!(
                    register = %format_args!("{origin}/register"),
                    "no account yet: the first account becomes the admin"
                ),
                // The log is where the operator is to find it.
                Self::Secret(secret) => tracing::warn!(
                    register = %format_args!("{origin}/register"),
                    bootstrap_secret = %secret.as_str(),
                    "no admin yet: register with this secret to become the admin"
                ),
                Self::Nobody => tracing::warn!(
                    "no admin yet, and none can register with BOOTSTRAP=nobody; \
                     set it to secret, or make an admin in the database"
                ),
            }
        }
        Ok(AwaitsSecret(Arc::new(Awaited {
            store,
            is_over: AtomicBool::new(!is_free || !matches!(self, Self::Secret(_))),
        })))
    }
}

/// Whether the bootstrap secret still makes an admin.
#[derive(Clone)]
pub struct AwaitsSecret(Arc<Awaited>);

struct Awaited {
    store: Arc<dyn Store>,
    /// Once there is an admin, there is always one.
    is_over: AtomicBool,
}

impl AwaitsSecret {
    /// `false` where the store cannot answer: no account could be registered either.
    pub async fn ask(&self) -> bool {
        let Awaited { store, is_over } = &*self.0;
        if is_over.load(Ordering::Relaxed) {
            return false;
        }
        match store.is_free(AdminGrant::IfNoAdmin).await {
            Ok(true) => true,
            Ok(false) => {
                is_over.store(true, Ordering::Relaxed);
                false
            }
            Err(_) => false,
        }
    }
}

/// HMAC, which reveals nothing about the key. The text is no signing input of a token, so this is no
/// signature of one.
fn derive(key: &[u8]) -> Result<Zeroizing<String>, BoxError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(b"tower-warder: bootstrap secret");
    let text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(Zeroizing::new(text))
}
