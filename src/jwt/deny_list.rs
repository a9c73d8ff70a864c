//! Tokens that are revoked before they expire.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::claims::Claims;
use super::limits::MAX_DENY_LIST_KEY_BYTES;
use super::verifier::{Verification, Verifier};
use crate::error::{AuthError, BoxError, RejectReason};

/// Knows which tokens were revoked one by one: that of a log-out, or one that was stolen.
///
/// [`DenyListVerifier`] asks it. For "every token of this user" there is
/// [`AuthUser::token_generation`](crate::AuthUser::token_generation), which asks nobody else.
///
/// An entry may be removed once the token has expired: at [`expires_at`](Claims::expires_at) and the
/// verifier's [leeway](crate::JwtVerifier::leeway), which is 60 seconds with the keys of another
/// issuer, and 300 seconds at most:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::RwLock;
/// use std::time::{Duration, SystemTime};
/// use tower_warder::{BoxError, Claims, async_trait};
/// use tower_warder::jwt::DenyList;
///
/// #[derive(Default)]
/// struct LoggedOut(RwLock<HashMap<String, SystemTime>>);
///
/// impl LoggedOut {
///     fn add(&self, claims: &Claims) -> Result<(), BoxError> {
///         let mut tokens = self.0.write().map_err(|_| "poisoned")?;
///         tokens.retain(|_, expires_at| *expires_at > SystemTime::now());
///         let key = self.token_key(claims).ok_or("a token without an id")?;
///         let longest_leeway = Duration::from_secs(300);
///         tokens.insert(key.into_owned(), claims.expires_at() + longest_leeway);
///         Ok(())
///     }
/// }
///
/// #[async_trait]
/// impl DenyList for LoggedOut {
///     async fn is_denied(&self, key: &str, _: &Claims) -> Result<bool, BoxError> {
///         Ok(self.0.read().map_err(|_| "poisoned")?.contains_key(key))
///     }
/// }
/// ```
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a deny list",
    note = "implement `tower_warder::jwt::DenyList` for `{Self}`, with `#[tower_warder::async_trait]`"
)]
pub trait DenyList: Send + Sync + 'static {
    /// Whether the token that the list has under `key`, if it has it, was revoked.
    ///
    /// # Errors
    ///
    /// Anything, with `?`: the answer is 503 and the error goes to the log. Nobody is let in
    /// because the list could not be asked, and nobody logged out.
    async fn is_denied(&self, key: &str, claims: &Claims) -> Result<bool, BoxError>;

    /// What the list calls a token. `None`: it has no name for this one, which is refused, because
    /// it could not be revoked.
    ///
    /// Defaults to the token's ID (`jti`), after its issuer and a blank if it names one: another
    /// issuer may give the same ID. A list of sessions takes the session's ID, from a claim of its
    /// own. Whatever adds a token to the list calls this, too, so that both agree. What is empty,
    /// longer than 512 bytes or has control characters is no name.
    fn token_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        let id = claims.token_id().filter(|id| !id.is_empty())?;
        Some(match claims.issuer() {
            // With several issuers their IDs must not collide (RFC 7519, section 4.1.7).
            Some(issuer) => format!("{issuer} {id}").into(),
            None => id.into(),
        })
    }
}

#[async_trait]
impl<L: DenyList + ?Sized> DenyList for Arc<L> {
    async fn is_denied(&self, key: &str, claims: &Claims) -> Result<bool, BoxError> {
        (**self).is_denied(key, claims).await
    }

    fn token_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        (**self).token_key(claims)
    }
}

/// A verifier whose tokens can be revoked: what it accepts, a [`DenyList`] is asked about.
///
/// It stands around any [`Verifier`]. The list is asked once per request, where somebody asks for
/// the sender, and only about tokens that are good otherwise: also those that
/// [`JwtVerifier::cache`](crate::JwtVerifier::cache) remembers. It costs each such request what
/// the list takes, so that [`Identity::try_claims`](crate::Identity::try_claims) knows nothing.
///
/// A denied token is refused with 401 like any bad one. It fails closed: a list that fails, panics
/// or takes longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with) is 503.
///
/// ```
/// # use std::time::Duration;
/// # use tower_warder::{AuthLayer, HmacSecret, JwtVerifier, UserLoader};
/// # use tower_warder::jwt::{DenyList, DenyListVerifier};
/// # use tower_warder::testing::TestUser;
/// # fn example(secret: &HmacSecret, list: impl DenyList, users: impl UserLoader<User = TestUser>) {
/// let verifier = DenyListVerifier::new(JwtVerifier::hs256(secret), list);
/// let layer = AuthLayer::new(verifier, users)
///     .timeout_with(Duration::from_secs(5), tokio::time::sleep);
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct DenyListVerifier<V, L> {
    verifier: V,
    list: L,
}

impl<V: Verifier, L: DenyList> DenyListVerifier<V, L> {
    /// Accepts what `verifier` accepts and `list` does not deny.
    pub const fn new(verifier: V, list: L) -> Self {
        Self { verifier, list }
    }

    async fn judge(&self, credential: &str) -> Result<Claims, AuthError> {
        let claims = match self.verifier.verify(credential) {
            Verification::Ready(claims) => claims?,
            Verification::Pending(claims) => claims.await?,
        };
        self.check(&claims).await?;
        Ok(claims)
    }

    async fn check(&self, claims: &Claims) -> Result<(), AuthError> {
        let key = self.list.token_key(claims).filter(|key| is_key(key));
        let key = key.ok_or_else(|| AuthError::refused(RejectReason::TokenId))?;
        match self.list.is_denied(&key, claims).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(AuthError::refused(RejectReason::Denied)),
            // Also if it is an `AuthError`: that a token is bad, a list says with `true`.
            Err(error) => Err(AuthError::unavailable(error)),
        }
    }
}

impl<V: Verifier, L: DenyList> Verifier for DenyListVerifier<V, L> {
    // All of it later, so that the token is not verified twice where somebody first asks without
    // waiting.
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        Verification::Pending(self.judge(credential).boxed())
    }

    fn max_credential_bytes(&self) -> usize {
        self.verifier.max_credential_bytes()
    }

    fn checks_characters(&self) -> bool {
        self.verifier.checks_characters()
    }
}

// Not derived: a list knows how to reach its server, often with a password.
impl<V: fmt::Debug, L> fmt::Debug for DenyListVerifier<V, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DenyListVerifier")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

/// Whether a list may have a token under this: short, and nothing that a log or a store trips over.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_DENY_LIST_KEY_BYTES && !key.contains(char::is_control)
}
