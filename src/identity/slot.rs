//! Where a layer leaves an identity, and what can be asked there without its user type.

use std::any::{Any, type_name};
use std::sync::Arc;

#[cfg(feature = "axum")]
use futures_util::future::{BoxFuture, FutureExt};
use http::Extensions;
#[cfg(feature = "axum")]
use serde::de::DeserializeOwned;

use super::inner::Inner;
#[cfg(feature = "axum")]
use super::inner::owned;
use super::misconfiguration::{Place, misconfigured, no_layer};
#[cfg(feature = "axum")]
use super::report::log;
use crate::error::{AuthError, Misconfiguration};
use crate::jwt::Claims;
#[cfg(feature = "axum")]
use crate::policy::Policy;
use crate::user::{AuthUser, CurrentUser};

/// The one place in a request where a layer leaves an identity, whatever its user type: the inner
/// of two layers replaces what the outer left.
#[derive(Clone)]
pub(crate) struct Slot(Arc<dyn AnyIdentity>);

impl Slot {
    pub(super) fn new<U: AuthUser>(inner: Inner<U>) -> Self {
        Self(Arc::new(inner))
    }

    /// One that many requests share.
    pub(super) fn shared<U: AuthUser>(inner: &Arc<Inner<U>>) -> Self {
        Self(Arc::clone(inner) as _)
    }

    /// Puts this identity in the place of any earlier one, and removes whom that one admitted.
    pub(crate) fn leave_in(self, extensions: &mut Extensions) {
        extensions.remove::<Claims>();
        self.0.forget_user(extensions);
        if let Some(earlier) = extensions.insert(self) {
            earlier.0.forget_user(extensions);
        }
    }

    /// Puts the claims beside the identity, if it has valid ones and nobody has to be asked.
    pub(crate) fn insert_claims(extensions: &mut Extensions) {
        let claims = extensions
            .get::<Self>()
            .and_then(|slot| slot.0.claims_now());
        if let Some(claims) = claims {
            extensions.insert(claims);
        }
    }

    /// The identity that is asked for to find out `asked`: the name of a user type, or of claims.
    pub(crate) fn of<'a>(
        extensions: &'a Extensions,
        asked: &'static str,
        place: Place<'_>,
    ) -> Result<&'a Self, AuthError> {
        extensions.get().ok_or_else(|| no_layer(asked, place))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.is_anonymous()
    }

    #[cfg(feature = "axum")]
    pub(crate) async fn claims(&self) -> Result<Claims, AuthError> {
        self.0.claims().await
    }

    /// The claims, read into a type of the application.
    #[cfg(feature = "axum")]
    pub(crate) async fn typed_claims<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        let claims = self.0.claims().await?;
        claims.deserialize().map_err(|error| self.0.reject(error))
    }

    /// As [`Identity::require`](super::Identity::require), without keeping the identity.
    #[cfg(feature = "axum")]
    pub(crate) async fn require<P: Policy<U>, U: AuthUser>(
        &self,
        policy: &P,
        place: Place<'_>,
    ) -> Result<CurrentUser<U>, AuthError> {
        let any: &dyn Any = &*self.0;
        let inner: &Inner<U> = any.downcast_ref().ok_or_else(|| self.is_not::<U>(place))?;
        let (user, _) = inner.require(policy).await?;
        Ok(CurrentUser(Arc::clone(user)))
    }

    pub(super) fn identity<U: Send + Sync + 'static>(
        &self,
        place: Place<'_>,
    ) -> Result<Arc<Inner<U>>, AuthError> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(&self.0) as _;
        any.downcast().map_err(|_| self.is_not::<U>(place))
    }

    fn is_not<U>(&self, place: Place<'_>) -> AuthError {
        let hint = Misconfiguration::OtherUser {
            asked: type_name::<U>(),
            layer: self.0.user_type(),
        };
        self.0.finish(misconfigured(hint, place))
    }
}

/// What can be asked of an identity without knowing its user type.
trait AnyIdentity: Any + Send + Sync {
    fn user_type(&self) -> &'static str;
    #[cfg(feature = "axum")]
    fn is_anonymous(&self) -> bool;
    #[cfg(feature = "axum")]
    fn claims(&self) -> BoxFuture<'_, Result<Claims, AuthError>>;
    /// Valid claims, if nobody has to be asked for them.
    fn claims_now(&self) -> Option<Claims>;
    fn forget_user(&self, extensions: &mut Extensions);
    /// Shapes the answer as the layer is configured.
    fn finish(&self, error: AuthError) -> AuthError;
    /// The same for an error that nobody has logged yet.
    #[cfg(feature = "axum")]
    fn reject(&self, error: AuthError) -> AuthError;
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

    fn claims_now(&self) -> Option<Claims> {
        self.claims_now()?.ok().cloned()
    }

    fn forget_user(&self, extensions: &mut Extensions) {
        extensions.remove::<CurrentUser<U>>();
    }

    fn finish(&self, error: AuthError) -> AuthError {
        self.finish(error)
    }

    #[cfg(feature = "axum")]
    fn reject(&self, error: AuthError) -> AuthError {
        let error = self.finish(error);
        log(&error, &self.config.outages.verifier);
        error
    }
}
