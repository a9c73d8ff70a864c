//! Why an account was not made, opened or changed.

use std::error::Error;
use std::fmt;

use tower_warder::BoxError;
use tower_warder::jwt::IssueError;
use tower_warder::login::LoginError;
use tower_warder::password::PasswordError;

use super::actor::NotAdmin;
use super::store::StoreError;
use super::user_change::LastAdminError;
use super::validation_error::ValidationError;

/// Why an account was not made, opened or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has the address.
    EmailTaken,
    /// The address is unknown or the password is wrong: nobody is told which.
    WrongCredentials,
    /// The password is right, and the account waits for approval.
    Pending,
    /// The password is right, and the account is disabled.
    Disabled,
    /// The [policy](crate::PasswordPolicy) does not accept the new password.
    RejectedPassword(ValidationError),
    /// The `bootstrap_secret` is wrong.
    WrongBootstrapSecret,
    /// Who asked is not, or no longer, admin and approved.
    NotAdmin(NotAdmin),
    /// There is no such account.
    NotFound,
    /// Nobody would be left who is admin and approved.
    LastAdmin(LastAdminError),
    /// The refresh token is none, was spent, or is of a session that is over or may not go on:
    /// nobody is told which.
    InvalidRefreshToken,
    /// The present password is wrong.
    WrongPassword,
    /// Who asked is not, or no longer, approved, or its tokens have ended.
    TokensRevoked,
    /// The account has no such session.
    SessionNotFound,
    /// The accounts have no [sessions](crate::Accounts::sessions).
    NoSessions,
    /// The store, the hasher or the password policy cannot answer.
    Unavailable(BoxError),
}

impl AccountError {
    pub(super) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::EmailTaken => Self::EmailTaken,
            StoreError::NotAdmin(refusal) => Self::NotAdmin(refusal),
            StoreError::NotFound => Self::NotFound,
            StoreError::LastAdmin(refusal) => Self::LastAdmin(refusal),
            StoreError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl From<NotAdmin> for AccountError {
    fn from(refusal: NotAdmin) -> Self {
        Self::NotAdmin(refusal)
    }
}

/// As for a [`LoginError`]: what cannot be right is a wrong password.
impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        match LoginError::from(error) {
            LoginError::WrongCredentials => Self::WrongCredentials,
            _ => Self::unavailable(error),
        }
    }
}

impl From<IssueError> for AccountError {
    fn from(error: IssueError) -> Self {
        Self::unavailable(error)
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmailTaken => f.write_str("another account has the address"),
            Self::WrongCredentials => f.write_str("address and password do not match"),
            Self::Pending => f.write_str("the account waits for approval"),
            Self::Disabled => f.write_str("the account is disabled"),
            Self::RejectedPassword(fault) => f.write_str(fault.message()),
            Self::WrongBootstrapSecret => f.write_str("the bootstrap secret is wrong"),
            Self::NotAdmin(refusal) => refusal.fmt(f),
            Self::NotFound => f.write_str("there is no such account"),
            Self::LastAdmin(refusal) => refusal.fmt(f),
            Self::InvalidRefreshToken => f.write_str("the refresh token is not good"),
            Self::WrongPassword => f.write_str("the present password is wrong"),
            Self::TokensRevoked => f.write_str("who asked has no tokens that are alive any more"),
            Self::SessionNotFound => f.write_str("the account has no such session"),
            Self::NoSessions => f.write_str(
                "these accounts have no sessions: add `.sessions(Sessions::new(store))` to them",
            ),
            Self::Unavailable(_) => {
                f.write_str("the store, the hasher or the password policy cannot answer")
            }
        }
    }
}

impl Error for AccountError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) => Some(&**source),
            _ => None,
        }
    }
}
