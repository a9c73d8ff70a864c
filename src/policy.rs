//! May this user do this?

use std::borrow::Cow;

use crate::error::{AuthError, ConfigError};
use crate::jwt::Claims;
use crate::user::AuthUser;

/// A rule that a door asks about an approved user.
///
/// The account's status always comes first: a policy is only asked about users who may come in.
/// Closures `|user, claims| …` are policies, with `bool` or `Result<(), Denied>` as their answer.
///
/// ```
/// use tower_warder::Claims;
/// use tower_warder::policy::{Denied, Policy};
///
/// struct Member {
///     teams: Vec<String>,
/// }
///
/// #[derive(Default)]
/// struct Staff;
///
/// impl Policy<Member> for Staff {
///     fn check(&self, user: &Member, _: &Claims) -> Result<(), Denied> {
///         if user.teams.iter().any(|team| team == "staff") {
///             Ok(())
///         } else {
///             Err(Denied::new("Only for staff"))
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy about `{U}`",
    note = "use `Approved`, `Admin`, a `Scope`, a closure `|user: &{U}, claims: &Claims| …`, or implement `tower_warder::policy::Policy<{U}>`"
)]
pub trait Policy<U>: Send + Sync + 'static {
    /// Says yes, or no and why.
    ///
    /// # Errors
    ///
    /// [`Denied`], answered with 403.
    fn check(&self, user: &U, claims: &Claims) -> Result<(), Denied>;
}

/// A policy's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    detail: Cow<'static, str>,
    /// For the log only.
    remedy: Option<&'static str>,
}

impl Denied {
    /// A no with the sentence that the client reads as `detail`.
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

/// Lets in every approved user.
#[derive(Clone, Copy, Debug, Default)]
pub struct Approved;

impl<U> Policy<U> for Approved {
    fn check(&self, _: &U, _: &Claims) -> Result<(), Denied> {
        Ok(())
    }
}

/// Lets in approved users who are [admins](AuthUser::is_admin).
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

/// Authorizes tokens with a certain scope: see [`Claims::scopes`].
///
/// Scopes are read from the claim `scope`, or from those of
/// [`JwtVerifier::scope_claims`](crate::JwtVerifier::scope_claims).
#[derive(Clone, Debug)]
pub struct Scope(Box<str>);

impl Scope {
    /// Demands the scope `name`, compared exactly.
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

/// What a closure may answer: see [`Policy`].
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
