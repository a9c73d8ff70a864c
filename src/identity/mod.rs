//! Identity of a request: the credential that was sent, resolved on first demand.

mod report;
mod config;
mod misconfiguration;
mod resolver;
mod erased;
mod stream;

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use http::{Extensions, Request};

use self::resolver::Resolver;
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

/// Identity of a request, resolved on first demand.
///
/// [`AuthLayer`](crate::AuthLayer) inserts it into the request extensions; guards and extractors
/// read it. The token is verified and the user loaded on first demand, at most once per request.
/// A failed load is remembered, a cancelled one is not. Clones share the result.
///
/// In axum it is an extractor. Elsewhere [`Identity::from_extensions`] reads it:
///
/// ```
/// # use tower_warder::{AuthError, AuthUser, Identity, UserStatus};
/// # struct User;
/// # impl AuthUser for User { fn status(&self) -> UserStatus { UserStatus::Approved } }
/// async fn greet<B>(request: http::Request<B>) -> Result<String, AuthError> {
///     let identity = Identity::<User>::from_extensions(request.extensions())?;
///     if identity.is_anonymous() {
///         return Ok("Hello, guest".to_owned());
///     }
///     Ok(format!("Hello, {}", identity.claims().await?.subject()))
/// }
/// ```
pub struct Identity<U>(Arc<Resolver<U>>);

impl<U> Identity<U> {
    /// The identity that the innermost [`AuthLayer`](crate::AuthLayer) inserted.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured), answered with 500, if there is no layer or
    /// one for another user type. The hint goes to the log.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        Self::at(extensions, Place::UNKNOWN)
    }

    /// The same, with the place that the hint names.
    pub(crate) fn at(extensions: &Extensions, place: Place<'_>) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        let erased = <dyn ErasedIdentity>::from_extensions(extensions, type_name::<U>(), place)?;
        erased.downcast(place).map(Self)
    }

    /// The identity of all requests of a layer that have no credential.
    pub(crate) fn anonymous(config: Config<U>) -> Self {
        Self(Arc::new(Resolver::anonymous(config)))
    }

    pub(crate) fn config(&self) -> &Config<U> {
        &self.0.config
    }

    /// The same for a service that the layer is applied to.
    pub(crate) fn for_service(&self) -> Self {
        misconfiguration::layer_applied();
        self.clone()
    }

    /// Returns `true` if no credential was sent. An invalid credential is not anonymous, nor is a
    /// dead cookie, which [`AuthError::clears_cookie`] tells from an invalid token.
    pub fn is_anonymous(&self) -> bool {
        self.0.is_anonymous()
    }

    /// The claims of the verified token. The user is not loaded.
    ///
    /// # Errors
    ///
    /// [`MissingCredential`](AuthErrorKind::MissingCredential),
    /// [`InvalidRequest`](AuthErrorKind::InvalidRequest),
    /// [`CrossOrigin`](AuthErrorKind::CrossOrigin),
    /// [`InvalidToken`](AuthErrorKind::InvalidToken), or
    /// [`Unavailable`](AuthErrorKind::Unavailable) where a key source cannot answer.
    pub async fn claims(&self) -> Result<Claims, AuthError> {
        self.0.claims().await.cloned().map_err(Clone::clone)
    }

    /// The same without waiting, for synchronous middleware. `None` only if somebody else, such
    /// as a key server, would have to be waited for.
    pub fn try_claims(&self) -> Option<Result<Claims, AuthError>> {
        let known = self.0.try_claims()?;
        Some(known.cloned().map_err(Clone::clone))
    }

    /// A [ticket](crate::stream_ticket::StreamTickets) that stands for the token of this request, for a URI. Issue it
    /// behind a guard: nothing but the token is checked. A ticket gets no other ticket.
    ///
    /// # Errors
    ///
    /// As [`claims`](Self::claims), and [`Misconfigured`](AuthErrorKind::Misconfigured) if the
    /// layer has [no tickets](crate::AuthLayer::stream_tickets).
    pub async fn issue_stream_ticket(&self) -> Result<StreamTicket, AuthError> {
        self.0.issue_stream_ticket().await
    }
}

impl<U: AuthUser> Identity<U> {
    /// The user, whatever the account's status.
    ///
    /// # Errors
    ///
    /// As [`claims`](Self::claims), and [`InvalidToken`](AuthErrorKind::InvalidToken) if there is
    /// no such user or the token is of an earlier generation,
    /// [`Unavailable`](AuthErrorKind::Unavailable) if the loader fails, panics or takes too long.
    pub async fn user(&self) -> Result<Arc<U>, AuthError> {
        self.0.user().await.cloned().map_err(Clone::clone)
    }

    /// The user, if the account is approved and `policy` allows it.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user), [`AccountPending`](AuthErrorKind::AccountPending) or
    /// [`AccountDisabled`](AuthErrorKind::AccountDisabled), and
    /// [`Forbidden`](AuthErrorKind::Forbidden) if the policy denies it.
    pub async fn require<P: Policy<U>>(&self, policy: &P) -> Result<CurrentUser<U>, AuthError> {
        let (user, _) = self.authorize(policy).await?;
        Ok(CurrentUser(user))
    }

    /// The same with the claims: what every guard and extractor asks.
    pub(crate) async fn authorize<P: Policy<U>>(
        &self,
        policy: &P,
    ) -> Result<(Arc<U>, Claims), AuthError> {
        if self.config().may_know_at_once()
            && let Some(known) = self.try_authorize(policy)
        {
            return known;
        }
        let user = self.0.user().await.map_err(Clone::clone)?;
        let claims = self.0.claims().await.map_err(Clone::clone)?;
        self.check(user, claims, policy)
    }

    /// The same without waiting. `None`: somebody would have to be waited for.
    pub(crate) fn try_authorize<P: Policy<U>>(
        &self,
        policy: &P,
    ) -> Option<Result<(Arc<U>, Claims), AuthError>> {
        Some(match (self.0.try_user()?, self.0.try_claims()?) {
            (Ok(user), Ok(claims)) => self.check(user, claims, policy),
            (Err(error), _) | (_, Err(error)) => Err(error.clone()),
        })
    }

    /// Status first, policy second.
    fn check<P: Policy<U>>(
        &self,
        user: &Arc<U>,
        claims: &Claims,
        policy: &P,
    ) -> Result<(Arc<U>, Claims), AuthError> {
        let checked = match user.status() {
            UserStatus::Approved => policy.check(user, claims).map_err(Denied::into_error),
            UserStatus::Pending => Err(AuthError::new(AuthErrorKind::AccountPending)),
            UserStatus::Disabled => Err(AuthError::new(AuthErrorKind::AccountDisabled)),
        };
        match checked {
            Ok(()) => Ok((Arc::clone(user), claims.clone())),
            Err(error) => Err(self.0.deny(error)),
        }
    }

    /// The identity of this request: the anonymous one itself, or one for the credential found.
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

impl<U> fmt::Debug for Identity<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("anonymous", &self.is_anonymous())
            .finish_non_exhaustive()
    }
}
