//! Extractors for axum handlers.
//!
//! [`CurrentUser`] for approved users, [`AdminUser`] for admins, [`Require`] for a [`Policy`] of your
//! own, [`Identity`] to decide in the handler, [`Claims`] and [`TypedClaims`] for the token without
//! its user. Each needs an [`AuthLayer`](crate::AuthLayer) on the route, and rejects with an
//! [`AuthError`]. In an `Option` they also accept requests without a credential.

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

/// Extractor of the current user, approved and an [admin](AuthUser::is_admin).
///
/// Responds with 403 if the user is approved and not an admin, and otherwise rejects as
/// [`CurrentUser`] does. `Option<AdminUser<U>>` is `None` only if the request has no credential, or
/// a rejected [cookie](crate::credentials::AuthCookie).
///
/// ```
/// use tower_warder::AdminUser;
/// # use tower_warder::testing::TestUser as User;
///
/// async fn delete_everything(admin: AdminUser<User>) -> String {
///     format!("Deleted by {}", admin.name)
/// }
/// ```
#[doc(alias = "role")]
pub struct AdminUser<U: AuthUser>(pub Arc<U>);

/// Extractor of the current user, approved and allowed by the [`Policy`] `P`.
///
/// Responds with 403 if the policy denies the request, and otherwise rejects as [`CurrentUser`]
/// does. `Option<Require<P, U>>` is `None` only if the request has no credential, or a rejected
/// [cookie](crate::credentials::AuthCookie).
///
/// The policy is made with `Default`. Use a policy that holds data, such as
/// [`Scope`](crate::policy::Scope), in a [`RequireLayer`](crate::RequireLayer) or with
/// [`Identity::require`].
///
/// ```
/// use tower_warder::policy::{Denied, Policy};
/// use tower_warder::{Claims, Require};
/// # use tower_warder::{AuthUser, UserStatus};
/// # struct Member { name: String, editor: bool }
/// # impl AuthUser for Member { fn status(&self) -> UserStatus { UserStatus::Approved } }
/// #[derive(Default)]
/// struct Editor;
///
/// impl Policy<Member> for Editor {
///     fn check(&self, member: &Member, _: &Claims) -> Result<(), Denied> {
///         if member.editor { Ok(()) } else { Err(Denied::new("Editors only")) }
///     }
/// }
///
/// async fn publish(member: Require<Editor, Member>) -> String {
///     format!("Published by {}", member.name)
/// }
/// ```
#[doc(alias = "guard")]
#[doc(alias = "role")]
#[doc(alias = "rbac")]
pub struct Require<P: Policy<U> + Default, U: AuthUser> {
    /// The user. `Require` also dereferences to it.
    pub user: Arc<U>,
    policy: PhantomData<fn() -> P>,
}

/// Extractor of the claims of a valid token, deserialized into a type of your own.
///
/// The user is not loaded. If the claims do not deserialize into `T`, the request is rejected with
/// 401 and the [reason](AuthError::reason) `custom_claims`. `Option<TypedClaims<T>>` is `None` only
/// if the request has no credential, or a [cookie](crate::credentials::AuthCookie) that is rejected
/// or whose claims do not deserialize.
///
/// ```
/// use tower_warder::extract::TypedClaims;
///
/// #[derive(serde::Deserialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// async fn orders(TypedClaims(claims): TypedClaims<Tenant>) -> String {
///     format!("Orders of {}", claims.tenant)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct TypedClaims<T>(pub T);

impl<S: Send + Sync, U: AuthUser> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        require(parts, &Approved).await.map(Self)
    }
}

impl<S: Send + Sync, U: AuthUser> FromRequestParts<S> for AdminUser<U> {
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

impl<S: Send + Sync, U: Send + Sync + 'static> FromRequestParts<S> for Identity<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        Self::at(&parts.extensions, Place::handler(parts)).map_err(|error| reject(error, parts))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Claims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let reject = |error| reject(error, parts);
        let identity = erased(parts).map_err(reject)?;
        claims(&**identity).await.map_err(reject)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for TypedClaims<T> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let reject = |error| reject(error, parts);
        let identity = erased(parts).map_err(reject)?;
        typed_claims(&**identity).await.map(Self).map_err(reject)
    }
}

impl<S: Send + Sync, U: AuthUser> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        unless_anonymous::<U, _, _>(parts, state).await
    }
}

impl<S: Send + Sync, U: AuthUser> OptionalFromRequestParts<S> for AdminUser<U> {
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
            Ok(identity) => none_if_cookie_rejected(claims(&**identity).await),
            Err(error) => Err(error),
        }
        .map_err(|error| reject(error, parts))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequestParts<S> for TypedClaims<T> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        match erased(parts) {
            Ok(identity) if identity.is_anonymous() => Ok(None),
            Ok(identity) => none_if_cookie_rejected(typed_claims(&**identity).await.map(Self)),
            Err(error) => Err(error),
        }
        .map_err(|error| reject(error, parts))
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

// Not derived: claims are personal data, and must not appear in every debug output.
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

impl_debug! { self: [P: Policy<U> + Default, U: AuthUser] Require<P, U> }

async fn require<U: AuthUser>(parts: &Parts, policy: &impl Policy<U>) -> Result<Arc<U>, AuthError> {
    let reject = |error| reject(error, parts);
    let identity = Identity::at(&parts.extensions, Place::handler(parts)).map_err(reject)?;
    let (user, _) = identity.authorize(policy).await.map_err(reject)?;
    Ok(Arc::clone(user))
}

/// The identity without its user type: claims can be read below a layer of any user type.
fn erased(parts: &Parts) -> Result<&Arc<dyn ErasedIdentity>, AuthError> {
    let place = Place::handler(parts);
    <dyn ErasedIdentity>::from_extensions(&parts.extensions, type_name::<Claims>(), place)
}

/// The claims, without a boxed future unless verification has to wait.
async fn claims(identity: &dyn ErasedIdentity) -> Result<Claims, AuthError> {
    match identity.try_claims() {
        Some(known) => known,
        None => identity.claims().await,
    }
}

async fn typed_claims<T: DeserializeOwned>(identity: &dyn ErasedIdentity) -> Result<T, AuthError> {
    let claims = claims(identity).await?;
    claims.deserialize().map_err(|error| identity.reject(error))
}

/// `None` for anonymous requests. An invalid token, a disabled user, an outage and a misplaced layer
/// are not anonymous: they reject. A rejected cookie counts as anonymous, because a page cannot
/// remove it (`HttpOnly`) and the log-in form must still be shown.
async fn unless_anonymous<U, T, S>(parts: &mut Parts, state: &S) -> Result<Option<T>, AuthError>
where
    U: AuthUser,
    T: FromRequestParts<S, Rejection = AuthError>,
{
    match Identity::<U>::at(&parts.extensions, Place::handler(parts)) {
        Ok(identity) if identity.is_anonymous() => Ok(None),
        Ok(_) => none_if_cookie_rejected(T::from_request_parts(parts, state).await),
        Err(error) => Err(reject(error, parts)),
    }
}

fn none_if_cookie_rejected<T>(found: Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.clears_cookie() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Counts the rejection, and chooses the format of the response by the request.
fn reject(error: AuthError, parts: &Parts) -> AuthError {
    record::rejected_anonymous(&error);
    error.for_request(&parts.method, parts.version, &parts.headers)
}
