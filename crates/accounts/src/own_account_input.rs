//! Inputs of owners about their own account.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use super::body::{Body, FromJson};
use super::display_name::DisplayName;
use super::validation_error::ValidationError;

/// Password with which the owner of an account confirms an action.
///
/// The rules for new passwords do not apply to it.
pub(super) struct OwnPassword {
    pub(super) password: Zeroizing<String>,
}

impl FromJson for OwnPassword {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let password = body.required("password").map(Zeroizing::new);
        password
            .map(|password| Self { password })
            .ok_or_else(|| body.into_errors())
    }
}

/// New display name; `None` removes it.
pub(super) struct NewDisplayName(pub(super) Option<DisplayName>);

impl FromJson for NewDisplayName {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let name = body.nullable("display_name");
        name.map(Self).ok_or_else(|| body.into_errors())
    }
}

impl fmt::Debug for OwnPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPassword").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_shows_no_password() {
        for body in [
            json!({"password": "hunter22"}),
            json!({"password": ["hunter22"]}),
            json!({"hunter22": "hunter22"}),
        ] {
            let text = format!("{:?}", OwnPassword::from_json(body));
            assert!(!text.contains("hunter"), "{text}");
        }
    }
}
