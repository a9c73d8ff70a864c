//! Rules for new passwords beyond their length.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use tower_warder::BoxError;
use zeroize::Zeroizing;

use super::error::AccountError;
use super::password::Password;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Decides which new passwords are accepted, at registration, reset and change. For
/// [`Accounts::password_policy`](crate::Accounts::password_policy).
///
/// Log-ins are not asked about: a stricter rule locks nobody out. It may ask a service for passwords
/// that leaked; it is waited for, so give it a timeout of its own.
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
    /// Whether the account with the address `email` may have this password.
    ///
    /// # Errors
    ///
    /// [`PasswordPolicyError::Rejected`] if not; [`PasswordPolicyError::Unavailable`] if that cannot
    /// be told.
    async fn check(&self, password: &Password, email: &str) -> Result<(), PasswordPolicyError>;
}

/// Why a [`PasswordPolicy`] did not accept a password.
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswordPolicyError {
    /// The client is answered 422 with this sentence, which does not repeat the password.
    Rejected(Cow<'static, str>),
    /// The client is answered 503, and no password is set. A policy that would rather accept
    /// passwords while the service that it asks is away returns `Ok` then.
    Unavailable(BoxError),
}

impl PasswordPolicyError {
    /// The policy cannot decide.
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

/// Refuses the most common passwords, those of one repeated character, and the account's own address
/// or what stands before its `@` (NIST SP 800-63B, section 5.1.1.2). Letter case does not count.
///
/// The list has words and rows of keys with their usual endings, and is part of the program. It is
/// no list of leaked passwords: to ask one, write a policy.
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

/// Asks the policy, if there is one. `field` is the one of the body that the password stands in.
pub(super) async fn check(
    policy: Option<&dyn PasswordPolicy>,
    field: &'static str,
    password: &Password,
    email: &str,
) -> Result<(), AccountError> {
    let Some(policy) = policy else {
        return Ok(());
    };
    let checked = policy.check(password, email).await;
    checked.map_err(|error| match error {
        PasswordPolicyError::Rejected(message) => {
            let fault = ValidationError::new(
                ValidationErrorKind::ValueError,
                Location::Body,
                field,
                message,
            );
            AccountError::RejectedPassword(fault)
        }
        PasswordPolicyError::Unavailable(source) => AccountError::Unavailable(source),
    })
}

/// Rows of keys and digits, and the words that are most often made into a password, with the endings
/// that are most often put behind them. In lower case.
const COMMON: &str = include_str!("common_passwords.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_has_what_a_password_can_be_in_lower_case() {
        assert!(COMMON.lines().count() > 1000);
        for entry in COMMON.lines() {
            assert!(Password::new(entry).is_ok(), "{entry}");
            assert_eq!(entry.to_lowercase(), entry);
        }
    }
}
