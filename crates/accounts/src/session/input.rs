//! Request bodies of the session routes.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::body::{Body, FromJson};
use crate::password::Password;
use crate::validation_error::ValidationError;

/// Refresh token that a client sends to renew or end its session.
///
/// Not parsed yet: a malformed token is treated like an invalid one.
pub(crate) struct RefreshGrant {
    pub(crate) refresh_token: Zeroizing<String>,
}

impl FromJson for RefreshGrant {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let refresh_token = body.required("refresh_token").map(Zeroizing::new);
        refresh_token
            .map(|refresh_token| Self { refresh_token })
            .ok_or_else(|| body.into_errors())
    }
}

impl fmt::Debug for RefreshGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshGrant").finish_non_exhaustive()
    }
}

/// New password that the owner of an account sets.
pub struct PasswordChange {
    pub(crate) current_password: Zeroizing<String>,
    pub(crate) new_password: Password,
}

impl PasswordChange {
    /// Creates a change from the current and the new password.
    pub fn new(current_password: impl Into<String>, new_password: Password) -> Self {
        Self {
            current_password: Zeroizing::new(current_password.into()),
            new_password,
        }
    }
}

impl FromJson for PasswordChange {
    // The rules for new passwords do not apply to the current one.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
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
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_shows_no_token_and_no_password() {
        let sent = json!({
            "refresh_token": "hunter22", "current_password": "hunter22", "new_password": "hunter22",
        });
        let wrong = json!({
            "refresh_token": ["hunter22"], "current_password": ["hunter22"], "new_password": "hunter",
        });
        for body in [sent, wrong] {
            let grant = RefreshGrant::from_json(body.clone());
            let change = PasswordChange::from_json(body);
            let text = format!("{grant:?} {grant:#?} {change:?} {change:#?}");
            assert!(!text.contains("hunter"), "{text}");
            assert_eq!(grant.is_ok(), text.contains("RefreshGrant"), "{text}");
            assert_eq!(change.is_ok(), text.contains("PasswordChange"), "{text}");
        }
    }
}
