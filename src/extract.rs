//! The doors of axum: extractors that ask the identity.

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
use crate::identity::{Identity, Place, Slot};
use crate::jwt::Claims;
use crate::metrics::record;
use crate::policy::{Admin, Approved, Policy};
use crate::response::{self, ProblemJson};
use crate::user::{AuthUser, CurrentUser};

/// The user of this request: approved and an [admin](AuthUser::is_admin).
///
/// Answers 403 to approved users who are not. `Option<AdminUser<U>>` is `None` only if no
/// credential was sent, or a dead [cookie](crate::AuthCookie).
pub struct AdminUser<U: AuthUser>(pub Arc<U>);

/// The user of this request, if approved and the policy `P` says yes.
///
/// For policies without data. Those with data go into a [`RequireLayer`](crate::RequireLayer) or
/// [`Identity::require`].
///
/// ```
/// # use tower_warder::{AuthUser, Claims, Denied, Require, Policy, UserStatus};
/// # struct Member { editor: bool }
/// # impl AuthUser for Member { fn status(&self) -> UserStatus { UserStatus::Approved } }
/// #[derive(Default)]
/// struct Editors;
///
/// impl Policy<Member> for Editors {
///     fn check(&self, member: &Member, _: &Claims) -> Result<(), Denied> {
///         if member.editor { Ok(()) } else { Err(Denied::new("Only for editors")) }
///     }
/// }
///
/// async fn publish(Require(member, _): Require<Editors, Member>) {}
/// ```
pub struct Require<P: Policy<U> + Default, U: AuthUser>(pub Arc<U>, pub PhantomData<fn() -> P>);

/// The claims of a valid token, read into a type of the application.
///
/// No user is loaded. Answers 401 with the reason `custom_claims` to a token whose claims do not
/// deserialize into `T`; `Option<TypedClaims<T>>` is `None` only if no credential was sent, or a dead
/// [cookie](crate::AuthCookie), also one whose claims do not deserialize.
///
/// ```
/// # use tower_warder::TypedClaims;
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
        require(parts, &Approved).await
    }
}

impl<S, U> FromRequestParts<S> for AdminUser<U>
where
    U: AuthUser,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        require(parts, &Admin).await.map(|user| Self(user.0))
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
        let user = require(parts, &P::default()).await?;
        Ok(Self(user.0, PhantomData))
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
        let claims = match claims_slot(parts) {
            Ok(slot) => slot.claims().await,
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
        let claims = match claims_slot(parts) {
            Ok(slot) => slot.typed_claims().await.map(Self),
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
        match claims_slot(parts) {
            Ok(slot) if slot.is_anonymous() => Ok(None),
            Ok(slot) => unless_cleared(slot.claims().await),
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
        match claims_slot(parts) {
            Ok(slot) if slot.is_anonymous() => Ok(None),
            Ok(slot) => unless_cleared(slot.typed_claims().await.map(Self)),
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
        &self.0
    }
}

impl<P: Policy<U> + Default, U: AuthUser> Clone for Require<P, U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<P: Policy<U> + Default, U: AuthUser> fmt::Debug for Require<P, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Require").finish_non_exhaustive()
    }
}

async fn require<P, U>(parts: &Parts, policy: &P) -> Result<CurrentUser<U>, AuthError>
where
    P: Policy<U>,
    U: AuthUser,
{
    let place = Place::handler(parts);
    let admitted = match Slot::of(&parts.extensions, type_name::<U>(), place) {
        Ok(slot) => slot.require(policy, place).await,
        Err(error) => Err(error),
    };
    admitted.map_err(|error| asked(error, parts))
}

fn claims_slot(parts: &Parts) -> Result<&Slot, AuthError> {
    Slot::of(
        &parts.extensions,
        type_name::<Claims>(),
        Place::handler(parts),
    )
}

/// A bad token, a disabled user, an outage and a wrong layer are not "no credential": they reject.
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
