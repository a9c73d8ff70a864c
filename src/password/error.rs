//! Errors of hashing and verifying passwords.

use std::error::Error;

use crate::error::{AuthError, AuthErrorKind};
use crate::util::log_limit::{LogLimits, log_limited};

/// Error while a password is hashed or verified.
///
/// A wrong password is not an error: it is a
/// [`PasswordVerification`](crate::password::PasswordVerification) that does not match.
///
/// As an [`AuthError`], `Busy` and `Failed` are [`AuthErrorKind::Unavailable`], because the password
/// was not verified. `TooLong` and `UnreadableHash` are [`AuthErrorKind::InvalidToken`]: to the
/// client they look like a wrong password, and the source tells them apart in the log. Check the
/// length of a new password before you hash it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// The [queue](crate::password::PasswordHasher::max_queue) is full, or the
    /// [caller](crate::password::PasswordHasher::for_caller) has no more places in it or waited for too
    /// long. Try again later.
    Busy,
    /// The password has more than 4096 bytes. It was not hashed.
    TooLong,
    /// The stored hash has another format, or its parameters exceed the limits.
    ///
    /// The row has to be repaired by hand: log it as an error.
    UnreadableHash,
    /// No memory, no randomness or no thread was available, or the hash panicked.
    Failed,
}

impl PasswordError {
    /// Logs the reason of a failure.
    pub(super) fn failed(reason: &'static str) -> Self {
        static LIMITS: LogLimits = LogLimits::new();

        let limit = LIMITS.of(reason);
        log_limited!(limit, error, target: TARGET, reason, "password hashing failed");
        Self::Failed
    }

    /// Logs why a stored hash was rejected. The caller logs whose hash it was.
    pub(super) fn unreadable(reason: &'static str) -> Self {
        tracing::debug!(target: TARGET, reason, "stored hash rejected");
        Self::UnreadableHash
    }
}

/// Target of log lines about passwords.
pub(super) const TARGET: &str = "tower_warder::password";

impl_display! { PasswordError:
    Self::Busy => "the queue of the password hasher is full, try again later";
    Self::TooLong => "the password is too long";
    Self::UnreadableHash => "the stored password hash cannot be read";
    Self::Failed => "the password could not be hashed";
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
    fn unverified_passwords_are_503_and_wrong_ones_401() {
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
