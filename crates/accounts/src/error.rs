//! Error type of the operations on accounts.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tower_warder::BoxError;
use tower_warder::jwt::IssueError;
use tower_warder::login::LoginError;
use tower_warder::password::PasswordError;

use super::actor::NotAdmin;
use super::hooks::HookError;
use super::login_challenge::{LoginChallenge, LoginChallengeKind};
use super::store_error::{LastAdminError, NO_PASSWORD, StoreError};
use super::throttle::TooManyAttempts;

/// Error of an operation on accounts: registration, log-in, sessions, changes.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// Another account has the address.
    EmailTaken,
    /// The address is unknown or the password is wrong. The error does not tell which.
    WrongCredentials,
    /// The password is correct, but the account waits for approval.
    Pending,
    /// The password is correct, but the account is disabled.
    Disabled,
    /// The password is correct and the account approved, but the log-in needs another step. The
    /// response has the token of the challenge.
    ChallengeRequired(LoginChallenge),
    /// The [policy](crate::PasswordPolicy) does not accept the new password, with its message.
    RejectedPassword(Cow<'static, str>),
    /// The `bootstrap_secret` is wrong.
    WrongBootstrapSecret,
    /// Only the first admin [registers](crate::Registration).
    RegistrationClosed,
    /// [Too many](crate::Accounts::max_pending) accounts are pending.
    TooManyPending,
    /// The actor is not, or no longer, an approved admin.
    NotAdmin(NotAdmin),
    /// There is no such account.
    NotFound,
    /// No approved admin would be left.
    LastAdmin(LastAdminError),
    /// The refresh token is malformed or unknown, was already used, or belongs to a session that
    /// has ended. The error does not tell which.
    InvalidRefreshToken,
    /// The current password is wrong.
    WrongPassword,
    /// The account is not, or no longer, approved, or its tokens were revoked.
    TokensRevoked,
    /// The account has no such session.
    SessionNotFound,
    /// There were too many attempts: see [`Throttle`](crate::throttle::Throttle).
    TooManyAttempts {
        /// Time after which another attempt is admitted.
        retry_after: Duration,
    },
    /// The account is not approved.
    NotApproved,
    /// The address of the account has to be verified before an admin approves it: see
    /// [`EmailVerification::BeforeApproval`](crate::EmailVerification::BeforeApproval).
    EmailNotVerified,
    /// The account has no password yet, so that it cannot be approved.
    NoPassword,
    /// The one-time token is unknown, has expired, was used or was revoked. The error does not tell
    /// which.
    InvalidOneTimeToken,
    /// A [hook](crate::AccountHooks) of the application rejected the operation, with its text.
    Vetoed(Cow<'static, str>),
    /// [Sessions](crate::Accounts::sessions) are not configured.
    NoSessions,
    /// [One-time tokens](crate::Accounts::one_time_tokens) are not configured.
    NoOneTimeTokens,
    /// [Mail](crate::Accounts::mail) is not configured.
    NoMail,
    /// No layer looks up the [sessions](crate::Sessions) of cookies, so that ending one would have no
    /// effect.
    SessionsNotChecked,
    /// No [store of audit events](crate::Accounts::audit_store) is configured.
    NoAuditStore,
    /// The store, the hasher, the password policy or a hook cannot answer.
    Unavailable(BoxError),
}

impl AccountError {
    pub(super) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Returns `true` for the result of an attempt that tells the client whether a guess was right.
    pub(super) const fn is_guess(&self) -> bool {
        matches!(
            self,
            Self::EmailTaken
                | Self::WrongCredentials
                | Self::WrongBootstrapSecret
                | Self::WrongPassword
                | Self::InvalidRefreshToken
                | Self::InvalidOneTimeToken
        )
    }
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::EmailTaken => Self::EmailTaken,
            StoreError::NotAdmin(error) => Self::NotAdmin(error),
            StoreError::NotFound => Self::NotFound,
            StoreError::LastAdmin(error) => Self::LastAdmin(error),
            StoreError::Outdated => Self::TokensRevoked,
            StoreError::Vetoed(text) => Self::Vetoed(text),
            StoreError::NoPassword => Self::NoPassword,
            StoreError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl From<HookError> for AccountError {
    fn from(error: HookError) -> Self {
        StoreError::from(error).into()
    }
}

impl From<TooManyAttempts> for AccountError {
    fn from(TooManyAttempts { retry_after }: TooManyAttempts) -> Self {
        Self::TooManyAttempts { retry_after }
    }
}

impl From<NotAdmin> for AccountError {
    fn from(error: NotAdmin) -> Self {
        Self::NotAdmin(error)
    }
}

/// Converts as [`LoginError`] does: a password that no account can have is a wrong password.
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
            Self::EmailTaken => f.write_str("the e-mail address is already registered"),
            Self::WrongCredentials => f.write_str("wrong e-mail address or password"),
            Self::Pending => f.write_str("the account waits for approval"),
            Self::Disabled => f.write_str("the account is disabled"),
            Self::ChallengeRequired(challenge) => f.write_str(match challenge.kind {
                LoginChallengeKind::PasswordChange => {
                    "the password was set by an admin; set another one first"
                }
            }),
            Self::RejectedPassword(text) | Self::Vetoed(text) => f.write_str(text),
            Self::WrongBootstrapSecret => f.write_str("the bootstrap secret is wrong"),
            Self::RegistrationClosed => {
                f.write_str("registration is closed; an admin can invite the address")
            }
            Self::TooManyPending => {
                f.write_str("too many accounts are pending; approve or delete some")
            }
            Self::NotAdmin(error) => error.fmt(f),
            Self::NotFound => f.write_str("there is no such account"),
            Self::LastAdmin(error) => error.fmt(f),
            Self::InvalidRefreshToken => {
                f.write_str("the refresh token is invalid, expired or already used")
            }
            Self::WrongPassword => f.write_str("the current password is wrong"),
            Self::TokensRevoked => f.write_str("the tokens of the account were revoked"),
            Self::SessionNotFound => f.write_str("the account has no such session"),
            Self::TooManyAttempts { retry_after } => {
                write!(f, "too many attempts; try again in {retry_after:.0?}")
            }
            Self::NotApproved => f.write_str("the account is not approved; approve it first"),
            Self::EmailNotVerified => f.write_str(
                "the address of the account is not verified; its owner has to use the link in the mail",
            ),
            Self::NoPassword => f.write_str(NO_PASSWORD),
            Self::InvalidOneTimeToken => {
                f.write_str("the one-time token is invalid, expired or already used")
            }
            Self::NoOneTimeTokens => f.write_str(
                "one-time tokens are not configured: call \
                 `Accounts::one_time_tokens(OneTimeTokens::new(store))`",
            ),
            Self::NoMail => f.write_str(
                "mail is not configured: call `Accounts::mail(MailQueue::new(mailer, pages))`",
            ),
            Self::NoSessions => f.write_str(
                "sessions are not configured: call `Accounts::sessions(Sessions::new(store))`",
            ),
            Self::SessionsNotChecked => f.write_str(
                "no layer looks up the sessions of cookies: create it with the accounts, \
                 `AuthLayer::new(verifier, accounts)`, or call `UserLoader::wrap_verifier` of the \
                 accounts in that of your own loader",
            ),
            Self::NoAuditStore => f.write_str(
                "no store of audit events is configured: call `Accounts::audit_store(writer)`",
            ),
            Self::Unavailable(_) => {
                f.write_str("the store, the hasher, the password policy or a hook cannot answer")
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
