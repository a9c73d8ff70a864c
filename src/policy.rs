//! Policies: authorization rules for approved users.
//!
//! A [`Policy`] decides by the user and the token's claims. [`Approved`], [`Admin`], [`Verified`],
//! [`Scope`] and [`RecentLogin`] are provided; closures and types of your own are policies, too. They are used by
//! [`RequireLayer`](crate::RequireLayer), the extractor `Require` and
//! [`Identity::require`](crate::Identity::require).

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError, RejectReason};
use crate::jwt::Claims;
use crate::user::AuthUser;

/// Authorization rule for an approved user, such as a role or a scope.
///
/// The status of the account is checked first: a policy is only called for approved users.
/// A closure `|user: &U, claims: &Claims| …` that returns `bool` or `Result<(), Denied>` is a policy.
///
/// ```
/// use tower_warder::Claims;
/// use tower_warder::policy::{Denied, Policy};
///
/// struct Member {
///     teams: Vec<String>,
/// }
///
/// #[derive(Default)] // for the extractor `Require<Staff, Member>`
/// struct Staff;
///
/// impl Policy<Member> for Staff {
///     fn check(&self, user: &Member, _: &Claims) -> Result<(), Denied> {
///         if user.teams.iter().any(|team| team == "staff") {
///             Ok(())
///         } else {
///             Err(Denied::new("Staff only"))
///         }
///     }
/// }
/// ```
#[doc(alias = "rbac")]
#[doc(alias = "role")]
#[doc(alias = "permission")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy about `{U}`",
    note = "use `Approved`, `Admin`, `Verified`, a `Scope`, a `RecentLogin`, a closure `|user: &{U}, claims: &Claims| …`, or implement `tower_warder::policy::Policy<{U}>`"
)]
pub trait Policy<U>: Send + Sync + 'static {
    /// Allows the request with `Ok(())`.
    ///
    /// # Errors
    ///
    /// [`Denied`] if the request is not allowed: the response is 403, or 401 if it is that of
    /// [`RecentLogin`].
    fn check(&self, user: &U, claims: &Claims) -> Result<(), Denied>;
}

/// Denial of a request by a [`Policy`], with the text for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied(Denial);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Denial {
    Forbidden {
        detail: Cow<'static, str>,
        /// How to fix it, for the log only.
        remedy: Option<&'static str>,
    },
    EmailNotVerified,
    /// The user has to log in again.
    Login {
        reason: RejectReason,
        max_age: Duration,
    },
}

impl Denied {
    /// Creates a denial whose text the client reads as `detail` of the response.
    pub fn new(detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Denial::Forbidden {
            detail: detail.into(),
            remedy: None,
        })
    }

    pub(crate) fn into_error(self) -> AuthError {
        match self.0 {
            Denial::Forbidden { detail, remedy } => {
                let error = AuthError::forbidden(detail);
                match remedy {
                    Some(remedy) => error.with_source(remedy),
                    None => error,
                }
            }
            Denial::EmailNotVerified => AuthError::new(AuthErrorKind::EmailNotVerified),
            Denial::Login { reason, max_age } => AuthError::login_required(reason, max_age),
        }
    }
}

impl Default for Denied {
    fn default() -> Self {
        Self::new("Not allowed")
    }
}

/// Policy that allows every approved user.
#[derive(Clone, Copy, Debug, Default)]
pub struct Approved;

impl<U> Policy<U> for Approved {
    fn check(&self, _: &U, _: &Claims) -> Result<(), Denied> {
        Ok(())
    }
}

/// Policy that allows approved users that are [admins](AuthUser::is_admin).
#[doc(alias = "role")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Admin;

impl<U: AuthUser> Policy<U> for Admin {
    fn check(&self, user: &U, _: &Claims) -> Result<(), Denied> {
        if user.is_admin() {
            Ok(())
        } else {
            Err(Denied::new(ADMIN_REQUIRED))
        }
    }
}

/// Policy that allows approved users whose [e-mail address is verified](AuthUser::is_email_verified).
///
/// Others are answered 403 with the code `email_not_verified`, so that a client can offer to send the
/// mail again.
///
/// ```
/// use tower_warder::RequireLayer;
/// use tower_warder::policy::Verified;
/// # use tower_warder::testing::TestUser as User;
///
/// let guard = RequireLayer::<User>::new(Verified);
/// ```
#[doc(alias = "email")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Verified;

impl<U: AuthUser> Policy<U> for Verified {
    fn check(&self, user: &U, _: &Claims) -> Result<(), Denied> {
        if user.is_email_verified() {
            Ok(())
        } else {
            Err(Denied(Denial::EmailNotVerified))
        }
    }
}

pub(crate) const ADMIN_REQUIRED: &str = "Admin access required";

/// Policy that allows tokens with a given [scope](Claims::scopes).
///
/// Scopes are read from the claim `scope`, or from those of
/// [`JwtVerifier::scope_claims`](crate::JwtVerifier::scope_claims).
#[derive(Clone, Debug)]
pub struct Scope(Box<str>);

impl Scope {
    /// Requires the scope `name`, compared exactly.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidScope`] unless it is one `scope-token` of RFC 6749, section 3.3.
    pub fn new(name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let name = name.into();
        let word = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
        if name.is_empty() || !name.bytes().all(word) {
            return Err(ConfigError::InvalidScope);
        }
        Ok(Self(name))
    }
}

impl<U> Policy<U> for Scope {
    fn check(&self, _: &U, claims: &Claims) -> Result<(), Denied> {
        if claims.scopes().any(|scope| *scope == *self.0) {
            Ok(())
        } else {
            Err(Denied(Denial::Forbidden {
                detail: format!("The scope {} is required", self.0).into(),
                remedy: claims.scopes().next().is_none().then_some(NO_SCOPES),
            }))
        }
    }
}

const NO_SCOPES: &str = "the token has no scopes: if its issuer writes them in another claim than \
                         `scope`, name that claim with `.scope_claims(…)`";

/// Policy that requires a recent log-in, for example before an admin deletes an account.
///
/// The time of the log-in is [`auth_time`](Claims::auth_time) of the token: a renewed token has that
/// of the log-in, not of its renewal. A token without it is rejected.
///
/// The response tells the client to log the user in again (RFC 9470): 401 with the code
/// `insufficient_user_authentication` and a challenge with the maximum age. The token stays valid
/// elsewhere, and a cookie is not cleared.
///
/// ```
/// use std::time::Duration;
///
/// use tower_warder::RequireLayer;
/// use tower_warder::policy::RecentLogin;
/// # use tower_warder::testing::TestUser as User;
///
/// let recent = RecentLogin::new(Duration::from_secs(15 * 60));
/// let guard = RequireLayer::<User>::new(recent);
/// ```
#[doc(alias = "step-up")]
#[doc(alias = "max_age")]
#[doc(alias = "sudo mode")]
#[derive(Clone, Debug)]
#[must_use]
pub struct RecentLogin {
    max_age: Duration,
    leeway: Duration,
    clock: Clock,
}

impl RecentLogin {
    /// Requires a log-in of at most this age, in whole seconds and at least 1 second.
    pub fn new(max_age: Duration) -> Self {
        Self {
            max_age: Duration::from_secs(max_age.as_secs().max(1)),
            leeway: Duration::ZERO,
            clock: Clock::system(),
        }
    }

    /// Sets the tolerance for the clock of the issuer, at most 300 seconds. A log-in may be another 5
    /// seconds in the future. Defaults to 0 seconds.
    #[doc(alias = "clock skew")]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Takes the time from this clock. Defaults to the system clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl<U> Policy<U> for RecentLogin {
    fn check(&self, _: &U, claims: &Claims) -> Result<(), Denied> {
        let max_age = self.max_age;
        let checked = claims.check_login(&self.clock, self.leeway, max_age);
        checked.map_err(|reason| Denied(Denial::Login { reason, max_age }))
    }
}

impl<U, F, R> Policy<U> for F
where
    F: Fn(&U, &Claims) -> R + Send + Sync + 'static,
    R: Decision,
{
    fn check(&self, user: &U, claims: &Claims) -> Result<(), Denied> {
        self(user, claims).decide()
    }
}

/// Return type of a closure that is a [`Policy`]: `bool` or `Result<(), Denied>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the answer of a policy",
    note = "answer with `bool` or `Result<(), tower_warder::policy::Denied>`"
)]
pub trait Decision: sealed::Sealed {
    #[doc(hidden)]
    fn decide(self) -> Result<(), Denied>;
}

impl Decision for bool {
    fn decide(self) -> Result<(), Denied> {
        self.then_some(()).ok_or_else(Denied::default)
    }
}

impl Decision for Result<(), Denied> {
    fn decide(self) -> Self {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for bool {}
    impl Sealed for Result<(), super::Denied> {}
}
