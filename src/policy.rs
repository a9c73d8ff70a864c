//! Policies: authorization rules for approved users.
//!
//! A [`Policy`] decides by the user and the token's claims. [`Approved`], [`Admin`] and [`Scope`] are
//! provided; closures and types of your own are policies, too. They are used by
//! [`RequireLayer`](crate::RequireLayer), the extractor `Require` and
//! [`Identity::require`](crate::Identity::require).

use std::borrow::Cow;

use crate::error::{AuthError, ConfigError};
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
    note = "use `Approved`, `Admin`, a `Scope`, a closure `|user: &{U}, claims: &Claims| …`, or implement `tower_warder::policy::Policy<{U}>`"
)]
pub trait Policy<U>: Send + Sync + 'static {
    /// Allows the request with `Ok(())`.
    ///
    /// # Errors
    ///
    /// [`Denied`] if the request is not allowed: the response is 403.
    fn check(&self, user: &U, claims: &Claims) -> Result<(), Denied>;
}

/// Denial of a request by a [`Policy`], with the text for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    detail: Cow<'static, str>,
    /// How to fix it, for the log only.
    remedy: Option<&'static str>,
}

impl Denied {
    /// Creates a denial whose text the client reads as `detail` of the response.
    pub fn new(detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: detail.into(),
            remedy: None,
        }
    }

    pub(crate) fn into_error(self) -> AuthError {
        let error = AuthError::forbidden(self.detail);
        match self.remedy {
            Some(remedy) => error.with_source(remedy),
            None => error,
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
            let remedy = claims.scopes().next().is_none().then_some(NO_SCOPES);
            let denied = Denied::new(format!("The scope {} is required", self.0));
            Err(Denied { remedy, ..denied })
        }
    }
}

const NO_SCOPES: &str = "the token has no scopes: if its issuer writes them in another claim than \
                         `scope`, name that claim with `.scope_claims(…)`";

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
