//! Rules for new passwords beyond their length.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use tower_warder::BoxError;
use zeroize::Zeroizing;

use super::error::AccountError;
use super::password::Password;

/// Rule for new passwords, checked at registration, reset and change. Set it with
/// [`Accounts::password_policy`](crate::Accounts::password_policy).
///
/// Log-ins are not checked, so a stricter rule locks no account out. A policy may query a service for
/// leaked passwords; the request waits for it, so give the query a timeout.
///
/// ```
/// use tower_warder::async_trait;
/// use tower_warder_accounts::{Password, PasswordPolicy, PasswordPolicyError};
///
/// struct WithoutOurName;
///
/// #[async_trait]
/// impl PasswordPolicy for WithoutOurName {
///     async fn check(&self, password: &Password, _: &str) -> Result<(), PasswordPolicyError> {
///         if password.as_str().to_lowercase().contains("acme") {
///             return Err(PasswordPolicyError::Rejected("It has our name in it.".into()));
///         }
///         Ok(())
///     }
/// }
/// ```
#[doc(alias = "breach")]
#[doc(alias = "strength")]
#[async_trait]
pub trait PasswordPolicy: Send + Sync + 'static {
    /// Checks a new password of the account with the address `email`.
    ///
    /// # Errors
    ///
    /// [`PasswordPolicyError::Rejected`] if it is not accepted; [`PasswordPolicyError::Unavailable`] if the
    /// policy cannot decide.
    async fn check(&self, password: &Password, email: &str) -> Result<(), PasswordPolicyError>;
}

/// Error of a [`PasswordPolicy`].
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswordPolicyError {
    /// The password is not accepted. The response is 422 with this message, which must not contain
    /// the password.
    Rejected(Cow<'static, str>),
    /// The policy cannot decide. The response is 503, and no password is set. To accept passwords
    /// while a service is not available, return `Ok` instead.
    Unavailable(BoxError),
}

impl PasswordPolicyError {
    /// Creates the error [`Unavailable`](Self::Unavailable) from its source.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

impl fmt::Display for PasswordPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(message) => f.write_str(message),
            Self::Unavailable(_) => f.write_str("the password policy cannot decide"),
        }
    }
}

impl Error for PasswordPolicyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(_) => None,
            Self::Unavailable(source) => Some(&**source),
        }
    }
}

/// Policy that rejects the most common passwords, repetitions of one character, and the account's
/// own address or its local part (NIST SP 800-63B, section 5.1.1.2). Case-insensitive.
///
/// The list is compiled in: words and keyboard patterns with their usual suffixes. It is not a list
/// of leaked passwords; to check one, implement a [`PasswordPolicy`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CommonPasswords;

#[async_trait]
impl PasswordPolicy for CommonPasswords {
    async fn check(&self, password: &Password, email: &str) -> Result<(), PasswordPolicyError> {
        let password = Zeroizing::new(password.as_str().to_lowercase());
        let rejected = |message: &'static str| Err(PasswordPolicyError::Rejected(message.into()));

        let email = email.to_lowercase();
        let local = email.split('@').next().unwrap_or_default();
        if *password == email || *password == local {
            return rejected("The password is the e-mail address. Choose another one.");
        }
        let is_repeated = password
            .chars()
            .zip(password.chars().skip(1))
            .all(|(a, b)| a == b);
        if is_repeated || password.trim().is_empty() || COMMON.lines().any(|it| it == *password) {
            return rejected("Too many people use this password. Choose another one.");
        }
        Ok(())
    }
}

/// Checks the password by the policy, if there is one.
pub(super) async fn check(
    policy: Option<&dyn PasswordPolicy>,
    password: &Password,
    email: &str,
) -> Result<(), AccountError> {
    let Some(policy) = policy else {
        return Ok(());
    };
    let checked = policy.check(password, email).await;
    checked.map_err(|error| match error {
        PasswordPolicyError::Rejected(message) => AccountError::RejectedPassword(message),
        PasswordPolicyError::Unavailable(source) => AccountError::Unavailable(source),
    })
}

/// Keyboard and digit patterns, and the words most often used in passwords, with their most common
/// suffixes. In lower case.
const COMMON: &str = include_str!("common_passwords.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_has_valid_passwords_in_lower_case() {
        assert!(COMMON.lines().count() > 1000);
        for entry in COMMON.lines() {
            assert!(Password::new(entry).is_ok(), "{entry}");
            assert_eq!(entry.to_lowercase(), entry);
        }
    }
}
