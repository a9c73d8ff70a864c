//! The user behind a token, as the application's own store knows it.

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
use crate::jwt::Claims;
use crate::metrics::record::{self, Load, Loaded};

pub use status::UnknownStatus;

/// What the doors ask of an application's user type.
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
    message = "`{Self}` is not a user that the doors can judge",
    note = "implement `tower_warder::AuthUser` for `{Self}`: `fn status(&self) -> UserStatus`"
)]
pub trait AuthUser: Send + Sync + 'static {
    /// Whether the account may come in now.
    fn status(&self) -> UserStatus;

    /// Whether the user passes [`Admin`](crate::policy::Admin). Defaults to no.
    fn is_admin(&self) -> bool {
        false
    }

    /// The generation of this user's valid tokens. A token whose `gen` claim (absent: 0) is another,
    /// or no whole number, is refused: raise it to revoke every earlier token of this user.
    ///
    /// Defaults to `None`: generations are not compared, and a claim `gen` of another issuer means
    /// nothing here.
    fn token_generation(&self) -> Option<u64> {
        None
    }

    /// The moment before which none of this user's tokens was issued: a token whose `iat` is
    /// earlier, in whole seconds, is refused with the [reason](AuthError::reason)
    /// `issued_too_early`. Defaults to `None`: tokens of any age are accepted.
    ///
    /// With the time at which the account was made, a token of an account that is gone opens no
    /// later one with the same id, as after a restored backup. A token without `iat` is accepted:
    /// nothing tells when it was issued, so that it stays good until its `exp`.
    fn tokens_valid_since(&self) -> Option<SystemTime> {
        None
    }
}

/// The user of a service without users of its own: approved, and never an admin. See
/// [`AuthLayer::claims_only`](crate::AuthLayer::claims_only).
impl AuthUser for Claims {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// The state of an account. Only [`Approved`](Self::Approved) opens a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserStatus {
    /// Waits for somebody to approve it.
    Pending,
    /// May come in.
    Approved,
    /// Was shut out.
    Disabled,
}

/// Finds the user that a token speaks of, in whatever store the application has.
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
/// Closures and functions that take the [`Claims`] are loaders, too.
///
/// Numbers have several spellings (`i64::from_str` takes `+1` and `01`): a loader that parses the
/// subject compares the number's own text with it, so that an id has one.
///
/// A subject is unique within its issuer only (RFC 7519, section 4.1.2). Where the verifier accepts
/// several issuers ([`MultiIssuerVerifier`](crate::jwt::MultiIssuerVerifier)), or somebody else's beside your own, a loader looks
/// at the pair, or the `1` of a partner is your user 1:
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
/// For "no tokens from before this moment" there is [`AuthUser::tokens_valid_since`], for "no earlier
/// tokens" [`AuthUser::token_generation`]: both are compared for cached users, too, which a
/// comparison in a loader is not.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not load users",
    note = "implement `tower_warder::UserLoader` for `{Self}`, with `#[tower_warder::async_trait]`, or \
            pass a closure `|claims: Claims| async move {{ Ok(Some(user)) }}`; a service without users \
            takes `AuthLayer::claims_only(verifier)`"
)]
pub trait UserLoader: Send + Sync + 'static {
    /// The application's user.
    type User: Send + Sync + 'static;

    /// Finds the user; `None` if there is none, which is answered like a bad token.
    ///
    /// # Errors
    ///
    /// Anything, with `?`: the answer is 503 and the error goes to the log. An
    /// [`AuthError`](crate::AuthError) is answered as what it is, so that
    /// `claims.deserialize::<T>()?` stays a bad token.
    async fn load_user(&self, claims: &Claims) -> Result<Option<Self::User>, BoxError>;

    /// What of the claims decides which user is found: under this and the issuer a
    /// [`UserCache`](crate::cache::UserCache) keeps the user. `None`: this one is not to be cached.
    ///
    /// Defaults to the subject. A loader that looks at more, such as a tenant or
    /// [`claims.issued_at()`](Claims::issued_at), has to say so here, or the cache gives one
    /// tenant's user to another.
    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        Some(claims.subject().into())
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
}

/// A closure or a function that takes the claims.
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
/// As every loader, it looks at the issuer, too, where the verifier accepts several. A
/// [`UserCache`](crate::cache::UserCache) keeps its users by subject and issuer: where more of the claims
/// decides, implement the trait with [`cache_key`](UserLoader::cache_key).
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

/// Asks the loader for its key. If it panics, the user is not cached.
pub(crate) fn cache_key<'a, U: Send + Sync + 'static>(
    loader: &dyn UserLoader<User = U>,
    claims: &'a Claims,
) -> Option<Cow<'a, str>> {
    let key = AssertUnwindSafe(|| loader.cache_key(claims));
    panic::catch_unwind(key).unwrap_or_default()
}

/// Whether the token is one of the user's that are valid now.
pub(crate) fn is_for(claims: &Claims, user: &impl AuthUser) -> bool {
    check_token(claims, user).is_ok()
}

/// Why the token is none of the user's that are valid now.
pub(crate) fn check_token(claims: &Claims, user: &impl AuthUser) -> Result<(), RejectReason> {
    if let Some(current) = user.token_generation() {
        match claims.generation() {
            Some(generation) if generation == current => {}
            Some(_) => return Err(RejectReason::Generation),
            None => return Err(RejectReason::GenerationType),
        }
    }
    match (user.tokens_valid_since(), claims.issued_at()) {
        (Some(since), Some(issued)) if clock::is_seconds_before(issued, since) => {
            Err(RejectReason::IssuedTooEarly)
        }
        _ => Ok(()),
    }
}

/// Asks the loader. Whatever it does that is not an answer is an error.
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

/// The user of this request: approved, and let in by whatever else the door asks.
///
/// An axum extractor, the answer of [`Identity::require`](crate::Identity::require), and what
/// [`RequireLayer`](crate::RequireLayer) leaves in the request extensions. As an extractor it
/// answers 401 where there is no approved user; `Option<CurrentUser<U>>` is `None` only if no
/// credential was sent, or a dead [cookie](crate::credentials::AuthCookie).
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

// Not derived: who is logged in does not belong into every debug print of an extensions map.
impl<U: AuthUser> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentUser").finish_non_exhaustive()
    }
}
