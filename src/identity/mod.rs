//! Who sends this request: found out on first demand, once.

mod report;
mod config;
mod misconfiguration;
mod admitted;
mod inner;
mod user;
mod slot;
#[cfg(feature = "testing")]
mod test_log_in;
mod stranger;
mod stream;

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use http::Extensions;

use self::inner::{Inner, owned};
use crate::error::AuthError;
use crate::jwt::Claims;
use crate::policy::Policy;
use crate::stream_ticket::StreamTicket;
use crate::user::{AuthUser, CurrentUser};

pub(crate) use self::admitted::Admitted;
pub(crate) use self::config::{Config, Timeout};
pub(crate) use self::misconfiguration::Place;
pub(crate) use self::slot::Slot;
pub(crate) use self::stranger::Stranger;
#[cfg(feature = "testing")]
pub(crate) use self::test_log_in::TestLogIn;

/// The sender of a request, unresolved until somebody asks.
///
/// [`AuthLayer`](crate::AuthLayer) leaves it in the request; the doors ask it. The token is
/// verified and the user loaded on first demand, at most once per request however many ask; a
/// failed load is remembered, a load that is dropped with its only waiter is not. Clones share
/// what was found.
///
/// In axum it is an extractor. Elsewhere [`Identity::of`] reads it:
///
/// ```
/// # use tower_warder::{AuthError, AuthUser, Identity, UserStatus};
/// # struct User;
/// # impl AuthUser for User { fn status(&self) -> UserStatus { UserStatus::Approved } }
/// async fn greet<B>(request: http::Request<B>) -> Result<String, AuthError> {
///     let identity = Identity::<User>::of(request.extensions())?;
///     if identity.is_anonymous() {
///         return Ok("Hello, stranger".to_owned());
///     }
///     Ok(format!("Hello, {}", identity.claims().await?.subject()))
/// }
/// ```
pub struct Identity<U>(Arc<Inner<U>>);

impl<U> Identity<U> {
    /// The identity that the innermost [`AuthLayer`](crate::AuthLayer) left in a request.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::AuthErrorKind::Misconfigured), answered with 500, if there is no layer or
    /// one for another user type. The hint goes to the log.
    pub fn of(extensions: &Extensions) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        Self::at(extensions, Place::UNKNOWN)
    }

    /// The same, asked for at this place.
    pub(crate) fn at(extensions: &Extensions, place: Place<'_>) -> Result<Self, AuthError>
    where
        U: Send + Sync + 'static,
    {
        let slot = Slot::of(extensions, type_name::<U>(), place)?;
        slot.identity(place).map(Self)
    }

    /// Whether no credential was sent. A bad one is not none, nor is a dead cookie, which
    /// [`AuthError::clears_cookie`] tells from a bad token.
    pub fn is_anonymous(&self) -> bool {
        self.0.is_anonymous()
    }

    /// What the token says, once it is verified. The user is not loaded.
    ///
    /// # Errors
    ///
    /// [`MissingCredential`](crate::AuthErrorKind::MissingCredential),
    /// [`InvalidRequest`](crate::AuthErrorKind::InvalidRequest),
    /// [`CrossOrigin`](crate::AuthErrorKind::CrossOrigin),
    /// [`InvalidToken`](crate::AuthErrorKind::InvalidToken), or
    /// [`Unavailable`](crate::AuthErrorKind::Unavailable) where a key source cannot answer.
    pub async fn claims(&self) -> Result<Claims, AuthError> {
        owned(self.0.claims().await)
    }

    /// The same without waiting, for synchronous middleware. `None` only if somebody else, such
    /// as a key server, would have to be asked.
    pub fn claims_now(&self) -> Option<Result<Claims, AuthError>> {
        self.0.claims_now().map(owned)
    }

    /// A [ticket](crate::StreamTickets) that stands for the token of this request, for a URI. Ask it
    /// behind a door: nothing but the token is looked at. A ticket gets no other ticket.
    ///
    /// # Errors
    ///
    /// As [`claims`](Self::claims), and [`Misconfigured`](crate::AuthErrorKind::Misconfigured) if
    /// the layer has [no tickets](crate::AuthLayer::stream_tickets).
    pub async fn ticket(&self) -> Result<StreamTicket, AuthError> {
        self.0.ticket().await
    }
}

impl<U: AuthUser> Identity<U> {
    /// The user, whatever the account's status.
    ///
    /// # Errors
    ///
    /// As [`claims`](Self::claims), and [`InvalidToken`](crate::AuthErrorKind::InvalidToken) if there is
    /// no such user or the token is of an earlier generation,
    /// [`Unavailable`](crate::AuthErrorKind::Unavailable) if the loader fails, panics or takes too long.
    pub async fn user(&self) -> Result<Arc<U>, AuthError> {
        owned(self.0.user().await)
    }

    /// The user, if the account is approved and `policy` says yes.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user), [`AccountPending`](crate::AuthErrorKind::AccountPending) or
    /// [`AccountDisabled`](crate::AuthErrorKind::AccountDisabled), and
    /// [`Forbidden`](crate::AuthErrorKind::Forbidden) if the policy says no.
    pub async fn require<P: Policy<U>>(&self, policy: &P) -> Result<CurrentUser<U>, AuthError> {
        let (user, _) = self.0.require(policy).await?;
        Ok(CurrentUser(Arc::clone(user)))
    }

    /// The same with the claims, if nobody has to be waited for.
    pub(crate) fn require_now<P: Policy<U>>(
        &self,
        policy: &P,
    ) -> Option<Result<Admitted<U>, AuthError>> {
        Some(self.0.require_now(policy)?.map(Admitted::new))
    }

    pub(crate) async fn require_later<P: Policy<U>>(
        self,
        policy: Arc<P>,
    ) -> Result<Admitted<U>, AuthError> {
        self.0.require(&*policy).await.map(Admitted::new)
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
