//! Revocation of single tokens before they expire.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use super::claims::Claims;
use super::limits::MAX_DENY_LIST_KEY_BYTES;
use super::verifier::{Verification, Verifier};
use crate::error::{AuthError, BoxError, RejectReason};

/// List of tokens that were revoked one by one, for example at log-out or after a theft.
///
/// [`DenyListVerifier`] looks tokens up in it. To revoke every token of a user, use
/// [`AuthUser::token_generation`](crate::AuthUser::token_generation), which needs no second look-up.
///
/// An entry may be removed once the token has expired: at [`expires_at`](Claims::expires_at) plus the
/// verifier's [leeway](crate::JwtVerifier::leeway), which defaults to 60 seconds with the keys of
/// another issuer and is 300 seconds at most:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::RwLock;
/// use std::time::{Duration, SystemTime};
///
/// use tower_warder::jwt::DenyList;
/// use tower_warder::{BoxError, Claims, async_trait};
///
/// #[derive(Default)]
/// struct LoggedOut(RwLock<HashMap<String, SystemTime>>);
///
/// impl LoggedOut {
///     fn add(&self, claims: &Claims) -> Result<(), BoxError> {
///         let mut tokens = self.0.write().map_err(|_| "poisoned")?;
///         tokens.retain(|_, expires_at| *expires_at > SystemTime::now());
///         let key = self.token_key(claims).ok_or("the token has no ID")?;
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
#[doc(alias = "jti")]
#[doc(alias = "logout")]
#[doc(alias = "revocation")]
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a deny list",
    note = "implement `tower_warder::jwt::DenyList` for `{Self}`, with `#[tower_warder::async_trait]`"
)]
pub trait DenyList: Send + Sync + 'static {
    /// Returns `true` if the token with this `key` was revoked.
    ///
    /// # Errors
    ///
    /// Any error: the response is 503 and the error is logged. When the list is unavailable no
    /// request is authorized, and no client is told to log in again.
    async fn is_denied(&self, key: &str, claims: &Claims) -> Result<bool, BoxError>;

    /// Returns the key under which the list has a token. A token without a key (`None`) is rejected,
    /// because it could not be revoked.
    ///
    /// Defaults to the token's ID (`jti`), preceded by the issuer and a space if the token has an
    /// `iss`: another issuer may use the same ID. A list of sessions returns the session's ID from a
    /// claim of its own. Code that adds a token to the list calls this method, too, so that both
    /// agree. A key that is empty, longer than 512 bytes or has control characters counts as `None`.
    fn token_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        let id = claims.token_id().filter(|id| !id.is_empty())?;
        Some(match claims.issuer() {
            // The IDs of several issuers must not collide (RFC 7519, section 4.1.7).
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

/// Verifier that looks up each accepted token in a [`DenyList`].
///
/// It wraps any [`Verifier`]. The list is queried at most once per request, when the identity is
/// needed, and only for tokens that are valid otherwise, including those in the
/// [`JwtVerifier::cache`](crate::JwtVerifier::cache). Each such request waits for the list, so
/// [`Identity::try_claims`](crate::Identity::try_claims) returns `None` until the list has answered.
///
/// A denied token is rejected with 401 like any invalid one. The verifier fails closed: if the list
/// fails, panics or takes longer than
/// [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with), the response is 503.
///
/// ```
/// # use std::time::Duration;
/// # use tower_warder::{AuthLayer, HmacSecret, JwtVerifier, UserLoader};
/// # use tower_warder::jwt::{DenyList, DenyListVerifier};
/// # use tower_warder::testing::TestUser;
/// # fn example(secret: &HmacSecret, list: impl DenyList, users: impl UserLoader<User = TestUser>) {
/// let verifier = DenyListVerifier::new(JwtVerifier::hs256(secret), list);
/// let layer = AuthLayer::new(verifier, users)
///     .timeout(Duration::from_secs(5));
/// # }
/// ```
#[doc(alias = "jti")]
#[doc(alias = "logout")]
#[doc(alias = "revocation")]
#[derive(Clone)]
#[must_use]
pub struct DenyListVerifier<V, L> {
    verifier: V,
    list: L,
}

impl<V: Verifier, L: DenyList> DenyListVerifier<V, L> {
    /// Accepts the tokens that `verifier` accepts and `list` does not deny.
    pub const fn new(verifier: V, list: L) -> Self {
        Self { verifier, list }
    }

    async fn verify_and_check(&self, credential: &str) -> Result<Claims, AuthError> {
        let claims = match self.verifier.verify(credential) {
            Verification::Ready(claims) => claims?,
            Verification::Pending(claims) => claims.await?,
        };
        self.check(&claims).await?;
        Ok(claims)
    }

    async fn check(&self, claims: &Claims) -> Result<(), AuthError> {
        let key = self.list.token_key(claims).filter(|key| is_key(key));
        let key = key.ok_or_else(|| AuthError::rejected(RejectReason::TokenId))?;
        match self.list.is_denied(&key, claims).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(AuthError::rejected(RejectReason::Denied)),
            // Also for an `AuthError`: a list reports a revoked token with `Ok(true)`.
            Err(error) => Err(AuthError::unavailable(error)),
        }
    }
}

impl<V: Verifier, L: DenyList> Verifier for DenyListVerifier<V, L> {
    // Everything happens in the future, so that the token is not verified twice when a caller that
    // cannot wait asks first.
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        Verification::Pending(self.verify_and_check(credential).boxed())
    }

    fn max_credential_bytes(&self) -> usize {
        self.verifier.max_credential_bytes()
    }

    fn checks_characters(&self) -> bool {
        self.verifier.checks_characters()
    }
}

// Not derived: a list may contain the password of its server.
impl_debug! { self: [V: fmt::Debug, L] DenyListVerifier<V, L>, verifier = self.verifier }

/// Returns `true` if `key` is not empty, at most 512 bytes long and free of control characters, which
/// could break a log or a store.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_DENY_LIST_KEY_BYTES && !key.contains(char::is_control)
}
