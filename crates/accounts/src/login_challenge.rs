//! Challenge in place of a token, for a log-in that needs another step.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// Answer to a log-in with the correct password of an approved account that needs another step:
/// [`AccountError::ChallengeRequired`](crate::AccountError::ChallengeRequired).
///
/// No session was opened. The [token](Self::token) is a one-time token for that step and for nothing
/// else: no guard accepts it, and it is not valid for another purpose. What revokes the tokens of the
/// account makes it invalid, too.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginChallenge {
    /// The step that is needed.
    pub kind: LoginChallengeKind,
    /// The one-time token for it.
    pub token: Zeroizing<String>,
    /// Time for which the token is valid.
    pub expires_in: Duration,
}

/// Step that a [`LoginChallenge`] is for.
#[doc(alias = "mfa")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginChallengeKind {
    /// An admin has set the password, and the owner has to set another one by
    /// [`reset_password_by_token`](crate::Accounts::reset_password_by_token).
    PasswordChange,
}

impl LoginChallengeKind {
    /// Returns the `code` of the response, which is also the reason in the audit event.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PasswordChange => "password_change_required",
        }
    }
}

impl fmt::Debug for LoginChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginChallenge")
            .field("kind", &self.kind)
            .field("token", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let challenge = LoginChallenge {
            kind: LoginChallengeKind::PasswordChange,
            token: "hunter22".to_owned().into(),
            expires_in: Duration::from_secs(600),
        };
        let text = format!("{challenge:?} {challenge:#?}");
        assert!(!text.contains("hunter") && text.contains("[redacted]"));
    }
}
