//! Why a password could not be hashed or judged.

use std::error::Error;
use std::fmt;

use crate::error::{AuthError, AuthErrorKind};
use crate::util::log_limit::{LogLimits, log_limited};

/// Why a password could not be hashed or judged.
///
/// A wrong password is none of these: it is a [`PasswordVerification`](crate::password::PasswordVerification) that does not match.
///
/// As an [`AuthError`], `Busy` and `Failed` are [`AuthErrorKind::Unavailable`]: nobody can say
/// whether the password was right. `TooLong` and `UnreadableHash` are
/// [`AuthErrorKind::InvalidToken`]: to the client they look like a wrong password, the log finds
/// the difference in the source. Judge the length of a new password before you hash it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// As many callers wait as [may wait](crate::password::PasswordHasher::max_queue). Try again later.
    Busy,
    /// The password has more than 4096 bytes. It was not hashed.
    TooLong,
    /// The stored hash is not one that this crate reads, or its parameters are over the limits.
    ///
    /// Somebody has to look at the row: log it as an error.
    UnreadableHash,
    /// There was no memory, no randomness or no tokio runtime, or the task died.
    Failed,
}

impl PasswordError {
    /// A failure with its reason in the log.
    pub(super) fn failed(reason: &'static str) -> Self {
        static LIMITS: LogLimits = LogLimits::new();

        let limit = LIMITS.of(reason);
        log_limited!(limit, error, target: TARGET, reason, "password hashing failed");
        Self::Failed
    }

    /// A stored hash refused, with the reason in the log. The caller logs which one it was.
    pub(super) fn unreadable(reason: &'static str) -> Self {
        tracing::debug!(target: TARGET, reason, "stored hash refused");
        Self::UnreadableHash
    }
}

/// Where passwords are logged.
pub(super) const TARGET: &str = "tower_warder::password";

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "too many callers wait for the password hasher",
            Self::TooLong => "the password is too long",
            Self::UnreadableHash => "the stored password hash cannot be read",
            Self::Failed => "the password could not be hashed",
        })
    }
}

impl Error for PasswordError {}

impl From<PasswordError> for AuthError {
    fn from(error: PasswordError) -> Self {
        let kind = match error {
            PasswordError::Busy | PasswordError::Failed => AuthErrorKind::Unavailable,
            PasswordError::TooLong | PasswordError::UnreadableHash => AuthErrorKind::InvalidToken,
        };
        Self::new(kind).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn what_nobody_can_judge_is_503_and_what_cannot_be_right_is_401() {
        for (error, status) in [
            (PasswordError::Busy, StatusCode::SERVICE_UNAVAILABLE),
            (PasswordError::Failed, StatusCode::SERVICE_UNAVAILABLE),
            (PasswordError::TooLong, StatusCode::UNAUTHORIZED),
            (PasswordError::UnreadableHash, StatusCode::UNAUTHORIZED),
        ] {
            let answer = AuthError::from(error);
            assert_eq!(answer.status(), status, "{error:?}");
            assert_eq!(answer.source().unwrap().to_string(), error.to_string());
        }
    }
}
