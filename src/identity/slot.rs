//! Where a layer leaves an identity, and what can be asked there without its user type.

use std::any::{Any, type_name};
use std::sync::Arc;

#[cfg(feature = "axum")]
use futures_util::future::{BoxFuture, FutureExt};
use http::{Extensions, Request};

use super::config::Config;
use super::inner::Inner;
#[cfg(feature = "axum")]
use super::inner::owned;
use super::misconfiguration::{Misconfiguration, misconfigured};
use crate::error::AuthError;
#[cfg(feature = "axum")]
use crate::policy::Policy;
use crate::source::Presented;
use crate::token::Claims;
use crate::user::{AuthUser, CurrentUser};

/// The identity of all who bring no credential. Nobody needs one of their own for that: public
/// routes are mostly asked by strangers.
pub(crate) struct Stranger<U>(Arc<Inner<U>>);

impl<U> Stranger<U> {
    pub(crate) fn new(config: Config<U>) -> Self {
        Self(Arc::new(Inner::stranger(Arc::new(config))))
    }

    pub(crate) fn config(&self) -> &Config<U> {
        self.0.config()
    }
}

impl<U: AuthUser> Stranger<U> {
    /// Who sends this request: the stranger, or whoever the credential speaks of.
    pub(crate) fn sends<B>(&self, request: &mut Request<B>) -> Slot {
        let config = self.0.config();
        let identity = match config.source.find(request) {
            Presented::Nothing => Arc::clone(&self.0),
            presented => Arc::new(Inner::new(Arc::clone(config), presented)),
        };
        Slot(identity)
    }
}

impl<U> Clone for Stranger<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The one place in a request where a layer leaves an identity, whatever its user type: the inner
/// of two layers replaces what the outer left.
#[derive(Clone)]
pub(crate) struct Slot(Arc<dyn AnyIdentity>);

impl Slot {
    /// Puts this identity in the place of any earlier one, and removes whom that one admitted.
    pub(crate) fn leave_in(self, extensions: &mut Extensions) {
        extensions.remove::<Claims>();
        self.0.forget_user(extensions);
        if let Some(earlier) = extensions.insert(self) {
            earlier.0.forget_user(extensions);
        }
    }

    /// The identity that is asked for to find out `asked`: the name of a user type, or of claims.
    pub(crate) fn of<'a>(
        extensions: &'a Extensions,
        asked: &'static str,
    ) -> Result<&'a Self, AuthError> {
        extensions
            .get()
            .ok_or_else(|| misconfigured(Misconfiguration::NoLayer { asked }))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.is_anonymous()
    }

    #[cfg(feature = "axum")]
    pub(crate) async fn claims(&self) -> Result<Claims, AuthError> {
        self.0.claims().await
    }

    /// As [`Identity::require`](super::Identity::require), without keeping the identity.
    #[cfg(feature = "axum")]
    pub(crate) async fn require<P: Policy<U>, U: AuthUser>(
        &self,
        policy: &P,
    ) -> Result<CurrentUser<U>, AuthError> {
        let any: &dyn Any = &*self.0;
        let inner: &Inner<U> = any.downcast_ref().ok_or_else(|| self.is_not::<U>())?;
        let (user, _) = inner.require(policy).await?;
        Ok(CurrentUser(Arc::clone(user)))
    }

    pub(super) fn identity<U: Send + Sync + 'static>(&self) -> Result<Arc<Inner<U>>, AuthError> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(&self.0) as _;
        any.downcast().map_err(|_| self.is_not::<U>())
    }

    fn is_not<U>(&self) -> AuthError {
        misconfigured(Misconfiguration::OtherUser {
            asked: type_name::<U>(),
            layer: self.0.user_type(),
        })
    }
}

/// What can be asked of an identity without knowing its user type.
trait AnyIdentity: Any + Send + Sync {
    fn user_type(&self) -> &'static str;
    #[cfg(feature = "axum")]
    fn is_anonymous(&self) -> bool;
    #[cfg(feature = "axum")]
    fn claims(&self) -> BoxFuture<'_, Result<Claims, AuthError>>;
    fn forget_user(&self, extensions: &mut Extensions);
}

impl<U: AuthUser> AnyIdentity for Inner<U> {
    fn user_type(&self) -> &'static str {
        type_name::<U>()
    }

    #[cfg(feature = "axum")]
    fn is_anonymous(&self) -> bool {
        self.is_anonymous()
    }

    #[cfg(feature = "axum")]
    fn claims(&self) -> BoxFuture<'_, Result<Claims, AuthError>> {
        async { owned(self.claims().await) }.boxed()
    }

    fn forget_user(&self, extensions: &mut Extensions) {
        extensions.remove::<CurrentUser<U>>();
    }
}
