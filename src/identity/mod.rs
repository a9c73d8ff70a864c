//! Identity of a request: its credential, verified and resolved on first demand.

mod report;
mod config;
mod misconfiguration;
mod resolver;
mod erased;
mod stream;

use std::any::type_name;
use std::sync::Arc;

use http::{Extensions, Request};

use self::resolver::Resolver;
#[cfg(feature = "axum")]
use crate::credentials::AuthCookie;
use crate::error::{AuthError, AuthErrorKind};
use crate::jwt::Claims;
use crate::policy::{Denied, Policy};
use crate::stream_ticket::StreamTicket;
use crate::user::{AuthUser, CurrentUser, UserStatus};

pub(crate) use self::config::{Config, Timeout};
pub(crate) use self::erased::ErasedIdentity;
#[cfg(feature = "testing")]
pub(crate) use self::erased::TestLogIn;
pub(crate) use self::misconfiguration::Place;

/// Identity of a request: anonymous, or a credential that is resolved on first demand.
///
/// [`AuthLayer`](crate::AuthLayer) inserts it into the request extensions; guards and extractors
/// read it. Use it to decide in a handler: [`is_anonymous`](Self::is_anonymous) needs no
/// verification, [`claims`](Self::claims) verifies the token, [`user`](Self::user) also loads the
/// user, and [`require`](Self::require) also checks the account status and a [`Policy`].
///
/// The token is verified and the user loaded at most once per request. Clones share the result. A
/// failed load is not repeated, a cancelled one is.
///
/// In axum it is an extractor. In other tower services [`Identity::from_extensions`] reads it:
///
/// ```
/// use tower_warder::{AuthError, Identity};
/// # use tower_warder::{AuthUser, UserStatus};
/// # struct User;
/// # impl AuthUser for User { fn status(&self) -> UserStatus { UserStatus::Approved } }
///
/// async fn greet<B>(request: http::Request<B>) -> Result<String, AuthError> {
///     let identity = Identity::<User>::from_extensions(request.extensions())?;
///     if identity.is_anonymous() {
///         return Ok("Hello".to_owned());
///     }
///     Ok(format!("Hello, {}", identity.claims().await?.subject()))
/// }
/// ```
pub struct Identity<U>(Arc<Resolver<U>>);

/// User and claims of an authorized request, borrowed from its identity.
pub(crate) type Authorized<'a, U> = Result<(&'a Arc<U>, &'a Claims), AuthError>;

impl<U> Identity<U> {
    /// Returns the identity that the innermost [`AuthLayer`](crate::AuthLayer) inserted.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) (500) if there is no layer, or one for another
    /// user type. The log says how to fix it.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        Self::at(extensions, Place::UNKNOWN)
    }

    /// The same, with the place that the log names.
    pub(crate) fn at(extensions: &Extensions, place: Place<'_>) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        let erased = <dyn ErasedIdentity>::from_extensions(extensions, type_name::<U>(), place)?;
        erased.downcast(place).map(Self)
    }

    /// Identity of all requests of a layer that have no credential.
    pub(crate) fn anonymous(config: Config<U>) -> Self {
        Self(Arc::new(Resolver::anonymous(config)))
    }

    pub(crate) fn config(&self) -> &Config<U> {
        &self.0.config
    }

    /// Cookie in which the credential of this request was sent.
    #[cfg(feature = "axum")]
    pub(crate) fn cookie(&self) -> Option<&AuthCookie> {
        self.config()
            .source
            .used_cookie(self.0.credential.as_ref().ok()?.as_ref()?)
    }

    /// Copy for a service that the layer is applied to.
    pub(crate) fn for_service(&self) -> Self {
        misconfiguration::layer_applied();
        self.clone()
    }

    /// Returns `true` if no credential was sent. An invalid credential is not anonymous.
    ///
    /// Nor is a rejected cookie: [`AuthError::clears_cookie`] tells it from an invalid token.
    pub fn is_anonymous(&self) -> bool {
        self.0.is_anonymous()
    }

    /// Verifies the token and returns its claims. The user is not loaded.
    ///
    /// # Errors
    ///
    /// [`MissingCredential`](AuthErrorKind::MissingCredential),
    /// [`InvalidRequest`](AuthErrorKind::InvalidRequest),
    /// [`CrossOrigin`](AuthErrorKind::CrossOrigin),
    /// [`InvalidToken`](AuthErrorKind::InvalidToken), or
    /// [`Unavailable`](AuthErrorKind::Unavailable) if an asynchronous verifier fails or times out.
    pub async fn claims(&self) -> Result<Claims, AuthError> {
        self.0.claims().await.cloned().map_err(Clone::clone)
    }

    /// Verifies the token without waiting, for synchronous middleware. `None` if verification has to
    /// wait, for example for a key server.
    pub fn try_claims(&self) -> Option<Result<Claims, AuthError>> {
        let known = self.0.try_claims()?;
        Some(known.cloned().map_err(Clone::clone))
    }

    /// Issues a [ticket](crate::stream_ticket::StreamTickets) that replaces the token of this request
    /// in a URI, for WebSockets and server-sent events.
    ///
    /// Call it behind a guard: only the token is checked, not the user. A request that was itself
    /// authenticated by a ticket gets no further one.
    ///
    /// # Errors
    ///
    /// Those of [`claims`](Self::claims), and [`Misconfigured`](AuthErrorKind::Misconfigured) if the
    /// layer has [no tickets](crate::AuthLayer::stream_tickets).
    pub async fn issue_stream_ticket(&self) -> Result<StreamTicket, AuthError> {
        self.0.issue_stream_ticket().await
    }
}

impl<U: AuthUser> Identity<U> {
    /// Loads the user, whatever the status of the account is.
    ///
    /// # Errors
    ///
    /// Those of [`claims`](Self::claims), [`InvalidToken`](AuthErrorKind::InvalidToken) if there is no
    /// such user or the token is revoked for it, and [`Unavailable`](AuthErrorKind::Unavailable) if
    /// the loader fails, panics or times out.
    pub async fn user(&self) -> Result<Arc<U>, AuthError> {
        self.0.user().await.cloned().map_err(Clone::clone)
    }

    /// Returns the user if the account is approved and `policy` allows the request.
    ///
    /// # Errors
    ///
    /// Those of [`user`](Self::user), [`AccountPending`](AuthErrorKind::AccountPending) or
    /// [`AccountDisabled`](AuthErrorKind::AccountDisabled), and
    /// [`Forbidden`](AuthErrorKind::Forbidden) or
    /// [`InsufficientUserAuthentication`](AuthErrorKind::InsufficientUserAuthentication) if the policy
    /// denies the request.
    pub async fn require<P: Policy<U>>(&self, policy: &P) -> Result<CurrentUser<U>, AuthError> {
        let (user, _) = self.authorize(policy).await?;
        Ok(CurrentUser(Arc::clone(user)))
    }

    /// The same, with the claims: called by every guard and extractor.
    pub(crate) async fn authorize<P: Policy<U>>(&self, policy: &P) -> Authorized<'_, U> {
        let user = self.0.user().await.map_err(Clone::clone)?;
        let claims = self.0.claims().await.map_err(Clone::clone)?;
        self.check(user, claims, policy)
    }

    /// The same without waiting. `None` if verification or loading has to wait.
    pub(crate) fn try_authorize<P: Policy<U>>(&self, policy: &P) -> Option<Authorized<'_, U>> {
        Some(match (self.0.try_user()?, self.0.try_claims()?) {
            (Ok(user), Ok(claims)) => self.check(user, claims, policy),
            (Err(error), _) | (_, Err(error)) => Err(error.clone()),
        })
    }

    /// Checks the account status first, the policy second.
    fn check<'a, P: Policy<U>>(
        &'a self,
        user: &'a Arc<U>,
        claims: &'a Claims,
        policy: &P,
    ) -> Authorized<'a, U> {
        let checked = match user.status() {
            UserStatus::Approved => policy.check(user, claims).map_err(Denied::into_error),
            UserStatus::Pending => Err(AuthError::new(AuthErrorKind::AccountPending)),
            UserStatus::Disabled => Err(AuthError::new(AuthErrorKind::AccountDisabled)),
        };
        match checked {
            Ok(()) => Ok((user, claims)),
            Err(error) => Err(self.0.deny(error)),
        }
    }

    /// Identity of this request: the shared anonymous one, or one for the credential that was found.
    pub(crate) fn for_request<B>(&self, request: &mut Request<B>) -> Arc<dyn ErasedIdentity> {
        match self.config().source.find(request) {
            Ok(None) => self.without_credential(request.extensions()),
            credential => Arc::new(Resolver::new(Arc::clone(&self.0.config), credential)),
        }
    }

    #[cfg(not(feature = "testing"))]
    fn without_credential(&self, _: &Extensions) -> Arc<dyn ErasedIdentity> {
        Arc::clone(&self.0) as _
    }

    #[cfg(feature = "testing")]
    fn without_credential(&self, extensions: &Extensions) -> Arc<dyn ErasedIdentity> {
        match extensions.get::<TestLogIn>() {
            Some(log_in) => log_in.below(self.config()),
            None => Arc::clone(&self.0) as _,
        }
    }
}

impl<U> Clone for Identity<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl_debug! { self: [U] Identity<U>, anonymous = self.is_anonymous() }
