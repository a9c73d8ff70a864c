//! Type-erased identity, as stored in the request extensions.

use std::any::{Any, type_name};
use std::sync::Arc;

#[cfg(feature = "axum")]
use futures_util::future::{BoxFuture, FutureExt};
use http::Extensions;

#[cfg(feature = "testing")]
use super::config::Config;
use super::misconfiguration::{Place, misconfigured, no_layer};
use super::resolver::Resolver;
#[cfg(any(feature = "axum", feature = "testing"))]
use crate::credentials::Credential;
#[cfg(feature = "testing")]
use crate::credentials::CredentialError;
use crate::error::{AuthError, Misconfiguration};
use crate::jwt::Claims;
use crate::user::{AuthUser, CurrentUser};

/// Identity in the request extensions, as `Arc<dyn ErasedIdentity>` for every user type, so that the
/// inner of two layers replaces what the outer one inserted.
pub(crate) trait ErasedIdentity: Any + Send + Sync {
    fn user_type(&self) -> &'static str;
    #[cfg(feature = "axum")]
    fn is_anonymous(&self) -> bool;
    #[cfg(feature = "axum")]
    fn claims(&self) -> BoxFuture<'_, Result<Claims, AuthError>>;
    /// Identity of another credential, as the same layer resolves it.
    #[cfg(feature = "axum")]
    fn with_credential(&self, credential: Credential) -> Arc<dyn ErasedIdentity>;
    /// The claims. `None` if verification has to wait.
    fn try_claims(&self) -> Option<Result<Claims, AuthError>>;
    fn remove_user(&self, extensions: &mut Extensions);
    /// Sets on `error` what the layer configures for its response.
    fn shape(&self, error: &mut AuthError);

    /// Returns the identity of another request with the same credential.
    #[cfg(feature = "testing")]
    fn for_another_request(&self) -> Arc<dyn ErasedIdentity>;
    /// The same, and reports the error.
    #[cfg(feature = "axum")]
    fn reject(&self, error: AuthError) -> AuthError;
}

impl<U: AuthUser> ErasedIdentity for Resolver<U> {
    fn user_type(&self) -> &'static str {
        type_name::<U>()
    }

    #[cfg(feature = "axum")]
    fn is_anonymous(&self) -> bool {
        self.is_anonymous()
    }

    #[cfg(feature = "axum")]
    fn claims(&self) -> BoxFuture<'_, Result<Claims, AuthError>> {
        async { self.claims().await.cloned().map_err(Clone::clone) }.boxed()
    }

    #[cfg(feature = "axum")]
    fn with_credential(&self, credential: Credential) -> Arc<dyn ErasedIdentity> {
        Arc::new(Self::new(Arc::clone(&self.config), Ok(Some(credential))))
    }

    fn try_claims(&self) -> Option<Result<Claims, AuthError>> {
        Some(self.try_claims()?.cloned().map_err(Clone::clone))
    }

    fn remove_user(&self, extensions: &mut Extensions) {
        extensions.remove::<CurrentUser<U>>();
    }

    fn shape(&self, error: &mut AuthError) {
        self.shape(error);
    }

    #[cfg(feature = "testing")]
    fn for_another_request(&self) -> Arc<dyn ErasedIdentity> {
        Arc::new(self.unresolved())
    }

    #[cfg(feature = "axum")]
    fn reject(&self, error: AuthError) -> AuthError {
        self.reject(error)
    }
}

impl dyn ErasedIdentity {
    /// Replaces the identity of an outer layer, and removes the user and the claims that a guard
    /// inserted for it.
    pub(crate) fn insert_into(self: Arc<Self>, extensions: &mut Extensions) {
        extensions.remove::<Claims>();
        self.remove_user(extensions);
        if let Some(outer) = extensions.insert(self) {
            outer.remove_user(extensions);
        }
    }

    /// Identity of a request. `needed` is the type to be found: a user type, or `Claims`.
    pub(crate) fn from_extensions<'a>(
        extensions: &'a Extensions,
        needed: &'static str,
        place: Place<'_>,
    ) -> Result<&'a Arc<Self>, AuthError> {
        extensions.get().ok_or_else(|| no_layer(needed, place))
    }

    pub(super) fn downcast<U: Send + Sync + 'static>(
        self: &Arc<Self>,
        place: Place<'_>,
    ) -> Result<Arc<Resolver<U>>, AuthError> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(self) as _;
        any.downcast().map_err(|_| {
            let hint = Misconfiguration::OtherUser {
                needed: type_name::<U>(),
                layer: self.user_type(),
            };
            let mut error = misconfigured(hint, place);
            self.shape(&mut error);
            error
        })
    }
}

/// Identity that layers use for a request without a credential, in the request extensions.
///
/// Only [`testing`](crate::testing) inserts one; nothing that a client sends can.
#[cfg(feature = "testing")]
#[derive(Clone)]
pub(crate) struct TestLogIn(Arc<dyn ErasedIdentity>);

#[cfg(feature = "testing")]
impl TestLogIn {
    /// Log-in with this credential, and the verifier and the loader that accept it.
    pub(crate) fn new<U: AuthUser>(
        config: Config<U>,
        credential: Result<Option<Credential>, CredentialError>,
    ) -> Self {
        Self(Arc::new(Resolver::new(Arc::new(config), credential)))
    }

    /// Identity inside of a layer with this configuration. If the user types differ, it is the log-in
    /// unchanged, and guards report the mismatch.
    pub(super) fn below<U: AuthUser>(&self, config: &Config<U>) -> Arc<dyn ErasedIdentity> {
        let any: &dyn Any = &*self.0;
        let Some(log_in) = any.downcast_ref::<Resolver<U>>() else {
            return self.0.for_another_request();
        };
        Arc::new(log_in.with_config(Config {
            verifier: Arc::clone(&log_in.config.verifier),
            loader: Arc::clone(&log_in.config.loader),
            cache: None,
            from_claims: None,
            ..config.clone()
        }))
    }
}
