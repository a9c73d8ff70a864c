//! Request bodies of the session routes.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::body::Body;
use crate::password::Password;
use crate::request::FromJson;
use crate::validation_error::ValidationError;

/// Refresh token that a client sends to renew or end its session.
///
/// Not parsed yet: a malformed token is treated like an invalid one.
pub struct RefreshGrant {
    refresh_token: Zeroizing<String>,
}

impl RefreshGrant {
    /// Parses a JSON body.
    ///
    /// # Errors
    ///
    /// Returns every validation error.
    pub fn parse(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let refresh_token = body.required("refresh_token").map(Zeroizing::new);
        refresh_token
            .map(|refresh_token| Self { refresh_token })
            .ok_or_else(|| body.into_errors())
    }

    /// Returns the token as it was sent.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }
}

impl FromJson for RefreshGrant {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        Self::parse(body)
    }
}

impl fmt::Debug for RefreshGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshGrant").finish_non_exhaustive()
    }
}

/// New password that the owner of an account sets.
pub struct PasswordChange {
    current_password: Zeroizing<String>,
    /// The new password.
    pub new_password: Password,
}

impl PasswordChange {
    /// Creates a change from the current and the new password.
    pub fn new(current_password: impl Into<String>, new_password: Password) -> Self {
        Self {
            current_password: Zeroizing::new(current_password.into()),
            new_password,
        }
    }

    /// Parses a JSON body. The rules for new passwords do not apply to the current one.
    ///
    /// # Errors
    ///
    /// Returns every validation error.
    pub fn parse(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let current_password = body.required("current_password").map(Zeroizing::new);
        let new_password = body.required("new_password");
        match (current_password, new_password) {
            (Some(current_password), Some(new_password)) => Ok(Self {
                current_password,
                new_password,
            }),
            _ => Err(body.into_errors()),
        }
    }

    /// Returns the current password as it was sent.
    pub fn current_password(&self) -> &str {
        &self.current_password
    }
}

impl FromJson for PasswordChange {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        Self::parse(body)
    }
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}
