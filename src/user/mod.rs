//! Users of the application, loaded for each request.
//!
//! [`UserLoader`] finds the user of a token in the application's own store, [`AuthUser`] says whether
//! the account may be used now, and [`CurrentUser`] is the user that a guard has authorized.

mod status;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::clock;
use crate::error::{AuthError, AuthErrorKind, BoxError, RejectReason};
use crate::jwt::{Claims, Verifier};
use crate::metrics::record::{self, Load, Loaded};

pub use status::UnknownStatus;

/// User type of an application: its account status, and optionally its admin flag and revocation.
///
/// Implement it for the type that your [`UserLoader`] returns. Guards and extractors call it on
/// every request, also for cached users.
///
/// ```
/// use tower_warder::{AuthUser, UserStatus};
///
/// struct Member {
///     active: bool,
/// }
///
/// impl AuthUser for Member {
///     fn status(&self) -> UserStatus {
///         if self.active { UserStatus::Approved } else { UserStatus::Disabled }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user type that can be authenticated",
    note = "implement `tower_warder::AuthUser` for `{Self}`: `fn status(&self) -> UserStatus`"
)]
pub trait AuthUser: Send + Sync + 'static {
    /// Status of the account. Only [`Approved`](UserStatus::Approved) users are authorized.
    fn status(&self) -> UserStatus;

    /// Returns `true` if the user is an admin, for the extractor `AdminUser` and the policy
    /// [`Admin`](crate::policy::Admin). Defaults to `false`.
    #[doc(alias = "role")]
    fn is_admin(&self) -> bool {
        false
    }

    /// Returns `true` if the e-mail address of the user is verified, for the policy
    /// [`Verified`](crate::policy::Verified). Defaults to `false`.
    fn is_email_verified(&self) -> bool {
        false
    }

    /// Generation of this user's valid tokens. Increase it to revoke all earlier tokens of the user.
    ///
    /// A token is rejected unless its claim `gen` is this number. A token without `gen` has
    /// generation 0. Defaults to `None`: the claim `gen` is ignored.
    #[doc(alias = "logout")]
    #[doc(alias = "revoke")]
    fn token_generation(&self) -> Option<u64> {
        None
    }

    /// Time before which no valid token of this user was issued.
    ///
    /// A token whose `iat` is earlier, in whole seconds, is rejected with the
    /// [reason](AuthError::reason) `issued_too_early`. Defaults to `None`: tokens of any age are
    /// accepted. A token without `iat` is always accepted until its `exp`.
    ///
    /// Return the time at which the account was created, or a later one: otherwise a token of a
    /// deleted account is valid for a new account with the same ID, for example after a restored
    /// backup.
    #[doc(alias = "logout")]
    #[doc(alias = "revoke")]
    fn tokens_valid_since(&self) -> Option<SystemTime> {
        None
    }
}

/// The user of a service that has no user accounts: always approved, never an admin. See
/// [`AuthLayer::claims_only`](crate::AuthLayer::claims_only).
impl AuthUser for Claims {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// A shared user, for a loader that keeps its users in memory and does not clone them. Guards and
/// extractors take `Arc<Member>` in place of `Member`:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
/// use tower_warder::{BoxError, Claims, CurrentUser, UserLoader, async_trait};
/// # use tower_warder::testing::TestUser as Member;
///
/// struct Members(HashMap<String, Arc<Member>>);
///
/// #[async_trait]
/// impl UserLoader for Members {
///     type User = Arc<Member>;
///
///     async fn load_user(&self, claims: &Claims) -> Result<Option<Arc<Member>>, BoxError> {
///         Ok(self.0.get(claims.subject()).cloned())
///     }
/// }
///
/// async fn profile(member: CurrentUser<Arc<Member>>) -> String {
///     format!("Hello, {}", member.name)
/// }
/// ```
#[diagnostic::do_not_recommend]
impl<U: AuthUser + ?Sized> AuthUser for Arc<U> {
    fn status(&self) -> UserStatus {
        (**self).status()
    }

    fn is_admin(&self) -> bool {
        (**self).is_admin()
    }

    fn is_email_verified(&self) -> bool {
        (**self).is_email_verified()
    }

    fn token_generation(&self) -> Option<u64> {
        (**self).token_generation()
    }

    fn tokens_valid_since(&self) -> Option<SystemTime> {
        (**self).tokens_valid_since()
    }
}

/// Status of an account. Only [`Approved`](Self::Approved) users are authorized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserStatus {
    /// Not approved yet.
    Pending,
    /// Approved and active.
    Approved,
    /// Disabled, for example by an administrator.
    Disabled,
}

/// Loads the user that a token identifies, from the application's own store.
///
/// It is called on the first demand of a request, after the token was verified, and at most once per
/// request. Without a [`UserCache`](crate::cache::UserCache) a change of the user takes effect on the
/// next request.
///
/// ```
/// use std::collections::HashMap;
/// use tower_warder::{AuthUser, BoxError, Claims, UserLoader, UserStatus, async_trait};
///
/// #[derive(Clone)]
/// struct Member;
///
/// impl AuthUser for Member {
///     fn status(&self) -> UserStatus {
///         UserStatus::Approved
///     }
/// }
///
/// struct Members(HashMap<String, Member>);
///
/// #[async_trait]
/// impl UserLoader for Members {
///     type User = Member;
///
///     async fn load_user(&self, claims: &Claims) -> Result<Option<Member>, BoxError> {
///         Ok(self.0.get(claims.subject()).cloned())
///     }
/// }
/// ```
///
/// Closures and async functions that take the [`Claims`] are loaders, too. A loader that has its users
/// in memory can share them: `type User = Arc<Member>`.
///
/// # Numeric IDs
///
/// A number can be written in several ways (`i64::from_str` accepts `+1` and `01`). A loader that
/// parses the subject must reject a subject that differs from `id.to_string()`, so that each user has
/// one subject only.
///
/// # Several issuers
///
/// A subject is unique only within its issuer (RFC 7519, section 4.1.2). Where the verifier accepts
/// more than one issuer, for example with a
/// [`MultiIssuerVerifier`](crate::jwt::MultiIssuerVerifier), look users up by issuer and subject.
/// Otherwise the subject `1` of another issuer is your user 1:
///
/// ```
/// # use std::collections::HashMap;
/// # use tower_warder::{BoxError, Claims, UserLoader, async_trait};
/// # use tower_warder::testing::TestUser as Member;
/// struct Members(HashMap<(String, String), Member>);
///
/// #[async_trait]
/// impl UserLoader for Members {
///     type User = Member;
///
///     async fn load_user(&self, claims: &Claims) -> Result<Option<Member>, BoxError> {
///         let Some(issuer) = claims.issuer() else { return Ok(None) };
///         // WHERE issuer = $1 AND subject = $2
///         let key = (issuer.to_owned(), claims.subject().to_owned());
///         Ok(self.0.get(&key).cloned())
///     }
/// }
/// ```
///
/// # Revoking tokens
///
/// Use [`AuthUser::tokens_valid_since`] or [`AuthUser::token_generation`] instead of comparing claims
/// in the loader: they are also checked for cached users.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not load users",
    note = "implement `tower_warder::UserLoader` for `{Self}`, with `#[tower_warder::async_trait]`, or \
            pass a closure `|claims: Claims| async move {{ Ok(Some(user)) }}`; a service without users \
            takes `AuthLayer::claims_only(verifier)`"
)]
pub trait UserLoader: Send + Sync + 'static {
    /// User type of the application.
    type User: Send + Sync + 'static;

    /// Loads the user. `None` if there is no such user: the request is rejected like one with an
    /// invalid token.
    ///
    /// # Errors
    ///
    /// Any error, with `?`: the response is 503 and the error is logged. An
    /// [`AuthError`] keeps its own response, so that
    /// `claims.deserialize::<T>()?` rejects the token with 401.
    async fn load_user(&self, claims: &Claims) -> Result<Option<Self::User>, BoxError>;

    /// Key under which a [`UserCache`](crate::cache::UserCache) stores the user, together with the
    /// issuer. `None` if this user must not be cached. Defaults to the subject.
    ///
    /// It must contain everything that decides which user is loaded. A loader that also reads the
    /// tenant or [`claims.issued_at()`](Claims::issued_at) must add it to the key; otherwise the
    /// cache returns the user of one tenant to another.
    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        Some(claims.subject().into())
    }

    /// Wraps the verifier of a layer that is created with this loader, for checks that belong to the
    /// verification: they also apply to cached users, and where only the claims are needed. Called
    /// once, by [`AuthLayer::new`](crate::AuthLayer::new). Defaults to the verifier itself.
    ///
    /// A loader that calls another one passes this on to it, as it does with
    /// [`load_user`](Self::load_user): the accounts of `tower-warder-accounts` check here whether the
    /// session of a cookie has ended.
    #[doc(alias = "logout")]
    #[doc(alias = "session")]
    fn wrap_verifier(&self, verifier: Arc<dyn Verifier>) -> Arc<dyn Verifier> {
        verifier
    }
}

#[async_trait]
impl<L: UserLoader + ?Sized> UserLoader for Arc<L> {
    type User = L::User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Self::User>, BoxError> {
        (**self).load_user(claims).await
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        (**self).cache_key(claims)
    }

    fn wrap_verifier(&self, verifier: Arc<dyn Verifier>) -> Arc<dyn Verifier> {
        (**self).wrap_verifier(verifier)
    }
}

/// Closure or async function that takes the [`Claims`].
///
/// ```
/// use tower_warder::{AuthLayer, BoxError, Claims, HmacSecret, JwtVerifier};
/// # use tower_warder::testing::TestUser as User;
/// # #[derive(Clone)] struct Database;
/// # impl Database { async fn find(&self, _: &str) -> Result<Option<User>, std::io::Error> { Ok(None) } }
///
/// async fn layer(database: Database, secret: &HmacSecret) -> AuthLayer<User> {
///     AuthLayer::new(JwtVerifier::hs256(secret), move |claims: Claims| {
///         let database = database.clone();
///         async move { Ok(database.find(claims.subject()).await?) }
///     })
/// }
/// ```
///
/// A [`UserCache`](crate::cache::UserCache) stores its users by issuer and subject. If other claims
/// decide which user is loaded, implement the trait and its [`cache_key`](UserLoader::cache_key).
#[async_trait]
#[diagnostic::do_not_recommend]
impl<F, R, U> UserLoader for F
where
    F: Fn(Claims) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<U>, BoxError>> + Send + 'static,
    U: Send + Sync + 'static,
{
    type User = U;

    async fn load_user(&self, claims: &Claims) -> Result<Option<U>, BoxError> {
        self(claims.clone()).await
    }
}

/// Cache key of the user. `None` if the loader panics: the user is not cached then.
pub(crate) fn cache_key<'a, U: Send + Sync + 'static>(
    loader: &dyn UserLoader<User = U>,
    claims: &'a Claims,
) -> Option<Cow<'a, str>> {
    let key = AssertUnwindSafe(|| loader.cache_key(claims));
    panic::catch_unwind(key).unwrap_or_default()
}

/// Returns `true` if the token is not revoked for this user.
pub(crate) fn is_for(claims: &Claims, user: &impl AuthUser) -> bool {
    check_token(claims, user).is_ok()
}

/// Checks that the token is not revoked for this user.
pub(crate) fn check_token(claims: &Claims, user: &impl AuthUser) -> Result<(), RejectReason> {
    if let Some(current) = user.token_generation() {
        match claims.generation() {
            Some(generation) if generation == current => {}
            Some(_) => return Err(RejectReason::Generation),
            None => return Err(RejectReason::GenerationType),
        }
    }
    if let Some(since) = user.tokens_valid_since()
        && let Some(issued) = claims.issued_at()
        && clock::is_seconds_before(issued, since)
    {
        return Err(RejectReason::IssuedTooEarly);
    }
    Ok(())
}

/// Calls the loader. A panic is an error, too.
pub(crate) async fn load<U: Send + Sync + 'static>(
    loader: &dyn UserLoader<User = U>,
    claims: &Claims,
) -> Result<Option<Arc<U>>, AuthError> {
    let measured = Load::begin();
    let load = async { loader.load_user(claims).await };
    let found = match AssertUnwindSafe(load).catch_unwind().await {
        Ok(Ok(user)) => Ok(user.map(Arc::new)),
        Ok(Err(error)) => Err(match error.downcast::<AuthError>() {
            Ok(error) => *error,
            Err(error) => AuthError::unavailable(error),
        }),
        Err(_) => Err(AuthError::unavailable("the user loader panicked")),
    };
    let outcome = match &found {
        Ok(Some(_)) => Loaded::Found,
        Ok(None) => Loaded::Unknown,
        Err(error) if error.kind() == AuthErrorKind::Unavailable => Loaded::Failed,
        Err(_) => Loaded::Refused,
    };
    record::loaded(measured, outcome);
    found
}

/// The approved user of the current request.
///
/// As an axum extractor, it rejects requests without an approved user with 401.
/// `Option<CurrentUser<U>>` is `None` only if the request has no credential, or a rejected
/// [cookie](crate::credentials::AuthCookie). An invalid token is rejected in both forms.
///
/// [`RequireLayer`](crate::RequireLayer) inserts it into the request extensions, and
/// [`Identity::require`](crate::Identity::require) returns it. It dereferences to the user:
///
/// ```
/// use tower_warder::CurrentUser;
/// # use tower_warder::testing::TestUser as User;
///
/// async fn profile(user: CurrentUser<User>) -> String {
///     format!("Hello, {}", user.name)
/// }
/// ```
#[doc(alias = "get_current_user")]
pub struct CurrentUser<U: AuthUser>(pub Arc<U>);

impl<U: AuthUser> Clone for CurrentUser<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U: AuthUser> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

// Not derived: the user is personal data, and must not appear in every debug output of extensions.
impl<U: AuthUser> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentUser").finish_non_exhaustive()
    }
}
