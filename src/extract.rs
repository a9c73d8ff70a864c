//! Extractors for axum.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::AuthError;
use crate::identity::{ErasedIdentity, Identity, Place};
use crate::jwt::Claims;
use crate::metrics::record;
use crate::policy::{Admin, Approved, Policy};
use crate::response::{self, ProblemJson};
use crate::user::{AuthUser, CurrentUser};

/// The user of this request: approved and an [admin](AuthUser::is_admin).
///
/// Answers 403 to approved users who are not. `Option<AdminUser<U>>` is `None` only if no
/// credential was sent, or a dead [cookie](crate::credentials::AuthCookie).
pub struct AdminUser<U: AuthUser>(pub Arc<U>);

/// The user of this request, if approved and the policy `P` says yes.
///
/// For policies without data. Those with data go into a [`RequireLayer`](crate::RequireLayer) or
/// [`Identity::require`].
///
/// ```
/// # use tower_warder::{AuthUser, Claims, Require, UserStatus};
/// # use tower_warder::policy::{Denied, Policy};
/// # struct Member { editor: bool }
/// # impl AuthUser for Member { fn status(&self) -> UserStatus { UserStatus::Approved } }
/// #[derive(Default)]
/// struct Editor;
///
/// impl Policy<Member> for Editor {
///     fn check(&self, member: &Member, _: &Claims) -> Result<(), Denied> {
///         if member.editor { Ok(()) } else { Err(Denied::new("Only for editors")) }
///     }
/// }
///
/// async fn publish(member: Require<Editor, Member>) {}
/// ```
pub struct Require<P: Policy<U> + Default, U: AuthUser> {
    /// The user. `Require` dereferences to it, too.
    pub user: Arc<U>,
    policy: PhantomData<fn() -> P>,
}

/// The claims of a valid token, read into a type of the application.
///
/// No user is loaded. Answers 401 with the reason `custom_claims` to a token whose claims do not
/// deserialize into `T`; `Option<TypedClaims<T>>` is `None` only if no credential was sent, or a dead
/// [cookie](crate::credentials::AuthCookie), also one whose claims do not deserialize.
///
/// ```
/// # use tower_warder::extract::TypedClaims;
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// async fn orders(TypedClaims(claims): TypedClaims<Tenant>) -> String {
///     format!("The orders of {}", claims.tenant)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct TypedClaims<T>(pub T);

impl<S, U> FromRequestParts<S> for CurrentUser<U>
where
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        require(parts, &Approved).await.map(Self)
    }
}

impl<S, U> FromRequestParts<S> for AdminUser<U>
where
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        require(parts, &Admin).await.map(Self)
    }
}

impl<S, P, U> FromRequestParts<S> for Require<P, U>
where
    P: Policy<U> + Default,
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        Ok(Self {
            user: require(parts, &P::default()).await?,
            policy: PhantomData,
        })
    }
}

impl<S, U> FromRequestParts<S> for Identity<U>
where
    U: Send + Sync + 'static,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        Self::at(&parts.extensions, Place::handler(parts)).map_err(|error| asked(error, parts))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Claims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let claims = match erased(parts) {
            Ok(identity) => identity.claims().await,
            Err(error) => Err(error),
        };
        claims.map_err(|error| asked(error, parts))
    }
}

impl<S, T> FromRequestParts<S> for TypedClaims<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let claims = match erased(parts) {
            Ok(identity) => typed_claims(&**identity).await.map(Self),
            Err(error) => Err(error),
        };
        claims.map_err(|error| asked(error, parts))
    }
}

impl<S, U> OptionalFromRequestParts<S> for CurrentUser<U>
where
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        unless_anonymous::<U, _, _>(parts, state).await
    }
}

impl<S, U> OptionalFromRequestParts<S> for AdminUser<U>
where
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        unless_anonymous::<U, _, _>(parts, state).await
    }
}

impl<S, P, U> OptionalFromRequestParts<S> for Require<P, U>
where
    P: Policy<U> + Default,
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        unless_anonymous::<U, _, _>(parts, state).await
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Claims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        match erased(parts) {
            Ok(identity) if identity.is_anonymous() => Ok(None),
            Ok(identity) => unless_cleared(identity.claims().await),
            Err(error) => Err(error),
        }
        .map_err(|error| asked(error, parts))
    }
}

impl<S, T> OptionalFromRequestParts<S> for TypedClaims<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        match erased(parts) {
            Ok(identity) if identity.is_anonymous() => Ok(None),
            Ok(identity) => unless_cleared(typed_claims(&**identity).await.map(Self)),
            Err(error) => Err(error),
        }
        .map_err(|error| asked(error, parts))
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        response::respond(&ProblemJson, self, &HeaderMap::new())
    }
}

impl<T> Deref for TypedClaims<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

// Not derived: what a token says does not belong into every debug print.
impl<T> fmt::Debug for TypedClaims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedClaims").finish_non_exhaustive()
    }
}

impl<U: AuthUser> Deref for AdminUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

impl<U: AuthUser> Clone for AdminUser<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U: AuthUser> fmt::Debug for AdminUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdminUser").finish_non_exhaustive()
    }
}

impl<P: Policy<U> + Default, U: AuthUser> Deref for Require<P, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<P: Policy<U> + Default, U: AuthUser> Clone for Require<P, U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            policy: PhantomData,
        }
    }
}

impl<P: Policy<U> + Default, U: AuthUser> fmt::Debug for Require<P, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").finish_non_exhaustive()
    }
}

async fn require<P, U>(parts: &Parts, policy: &P) -> Result<Arc<U>, AuthError>
where
    P: Policy<U>,
    U: AuthUser,
{
    let authorized = match Identity::at(&parts.extensions, Place::handler(parts)) {
        Ok(identity) => identity.authorize(policy).await,
        Err(error) => Err(error),
    };
    match authorized {
        Ok((user, _)) => Ok(user),
        Err(error) => Err(asked(error, parts)),
    }
}

/// Claims are the same whatever the user type of the layer.
fn erased(parts: &Parts) -> Result<&Arc<dyn ErasedIdentity>, AuthError> {
    let place = Place::handler(parts);
    <dyn ErasedIdentity>::from_extensions(&parts.extensions, type_name::<Claims>(), place)
}

async fn typed_claims<T>(identity: &dyn ErasedIdentity) -> Result<T, AuthError>
where
    T: DeserializeOwned,
{
    let claims = identity.claims().await?;
    claims.deserialize().map_err(|error| identity.reject(error))
}

/// An invalid token, a disabled user, an outage and a wrong layer are not anonymous: they reject.
/// A dead cookie is: the log-in form is on a page like this, and a browser cannot drop the cookie.
async fn unless_anonymous<U, T, S>(parts: &mut Parts, state: &S) -> Result<Option<T>, AuthError>
where
    U: AuthUser,
    T: FromRequestParts<S, Rejection = AuthError>,
{
    match Identity::<U>::at(&parts.extensions, Place::handler(parts)) {
        Ok(identity) if identity.is_anonymous() => Ok(None),
        Ok(_) => unless_cleared(T::from_request_parts(parts, state).await),
        Err(error) => Err(asked(error, parts)),
    }
}

fn unless_cleared<T>(found: Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.clears_cookie() => Ok(None),
        Err(error) => Err(error),
    }
}

fn asked(error: AuthError, parts: &Parts) -> AuthError {
    record::turned_away(&error);
    error.asked_by(&parts.method, parts.version, &parts.headers)
}
