//! What clients send: parsed at the door, all faults together.

use std::{fmt, mem};

use serde_json::Value;
use tower_warder::UserStatus;
use zeroize::Zeroizing;

use super::body::Body;
use super::email::Email;
use super::form;
use super::password::Password;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Somebody who wants an account.
pub struct UserCreate {
    /// The address, which becomes the name.
    pub email: Email,
    /// The password.
    pub password: Password,
    bootstrap_secret: Option<Zeroizing<String>>,
}

impl UserCreate {
    /// An account with this address and password.
    pub const fn new(email: Email, password: Password) -> Self {
        Self {
            email,
            password,
            bootstrap_secret: None,
        }
    }

    /// What makes the first admin under
    /// [`BootstrapPolicy::Secret`](crate::BootstrapPolicy::Secret).
    #[must_use]
    pub fn bootstrap_secret(mut self, text: impl Into<String>) -> Self {
        self.bootstrap_secret = Some(Zeroizing::new(text.into()));
        self
    }

    pub(super) fn given_secret(&self) -> Option<&str> {
        self.bootstrap_secret.as_ref().map(|text| text.as_str())
    }

    /// Reads a JSON body. Whatever else it says is ignored, so that nobody registers as an admin.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn parse(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let (email, password) = (body.required("email"), body.required("password"));
        let bootstrap_secret = body.optional("bootstrap_secret").map(Zeroizing::new);
        match (email, password, body.into_faults()) {
            (Some(email), Some(password), faults) if faults.is_empty() => Ok(Self {
                email,
                password,
                bootstrap_secret,
            }),
            (_, _, faults) => Err(faults),
        }
    }
}

impl fmt::Debug for UserCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCreate")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// A change of an account; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// Another address.
    pub email: Option<Email>,
    /// Promotes or demotes.
    pub is_admin: Option<bool>,
    /// Approves, disables or sends back to wait.
    pub status: Option<UserStatus>,
}

impl UserUpdate {
    /// Reads a JSON body. A field that is absent or `null` stays as it is; unknown ones are
    /// ignored.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn parse(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let update = Self {
            email: body.optional("email"),
            is_admin: body.optional("is_admin"),
            status: body.optional("status"),
        };
        match body.into_faults() {
            faults if faults.is_empty() => Ok(update),
            faults => Err(faults),
        }
    }
}

/// A new password that an admin sets.
#[derive(Debug)]
pub struct PasswordReset {
    /// The password.
    pub password: Password,
}

impl PasswordReset {
    /// Reads a JSON body.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn parse(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let password = body.required("password");
        password
            .map(|password| Self { password })
            .ok_or_else(|| body.into_faults())
    }
}

/// Somebody who wants in.
///
/// Not judged by the rules for new accounts: what no account can have is a wrong password.
pub struct UserLogin {
    username: String,
    password: Zeroizing<String>,
    device: String,
}

impl UserLogin {
    /// A log-in with this address and password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: Zeroizing::new(password.into()),
            device: String::new(),
        }
    }

    /// What the device says of itself, for the list of sessions: of a request its `User-Agent`. Of
    /// what nobody checks only letters, digits, blanks and ASCII's signs are kept, and 200 of them.
    #[must_use]
    pub fn device(mut self, text: impl Into<String>) -> Self {
        self.device = text.into();
        self
    }

    pub(super) fn given_device(&self) -> &str {
        &self.device
    }

    /// Reads the form of the OAuth 2.0 password grant (RFC 6749, section 4.3.2).
    ///
    /// `grant_type` may be absent. A field without text counts as absent, and no field may be given
    /// twice (section 3.2). What is not percent-encoded UTF-8 is refused.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn parse(form: &[u8]) -> Result<Self, Vec<ValidationError>> {
        let (mut username, mut password, mut grant_type) = (None, None, None);
        form::read(form, Location::Body, |name, value| {
            let field = match name {
                "username" => &mut username,
                "password" => &mut password,
                "grant_type" => &mut grant_type,
                _ => return,
            };
            *field = Some(value).filter(|text| !text.is_empty());
        })
        .map_err(|fault| vec![fault])?;

        let mut faults = Vec::new();
        if grant_type.is_some_and(|grant_type| *grant_type != "password") {
            faults.push(ValidationError::new(
                ValidationErrorKind::StringPatternMismatch,
                Location::Body,
                "grant_type",
                "String should match pattern '^password$'",
            ));
        }
        for (field, text) in [("username", &username), ("password", &password)] {
            if text.is_none() {
                faults.push(ValidationError::missing(Location::Body, field));
            }
        }
        match (username, password) {
            (Some(mut username), Some(password)) if faults.is_empty() => Ok(Self {
                username: mem::take(&mut username),
                password,
                device: String::new(),
            }),
            _ => Err(faults),
        }
    }

    /// The address, as it was typed.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, as it was typed.
    pub fn password(&self) -> &str {
        &self.password
    }
}

// People type passwords into the wrong field.
impl fmt::Debug for UserLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserLogin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn types(faults: Vec<ValidationError>) -> Vec<(&'static str, Option<&'static str>)> {
        faults
            .iter()
            .map(|fault| (fault.kind().as_str(), fault.field()))
            .collect()
    }

    #[test]
    fn all_faults_of_a_body_are_told_together() {
        for (body, expected) in [
            (json!({}), [("missing", "email"), ("missing", "password")]),
            (
                json!({"email": null, "password": 12345678}),
                [("string_type", "email"), ("string_type", "password")],
            ),
            (
                json!({"email": "jane", "password": "tower"}),
                [("value_error", "email"), ("string_too_short", "password")],
            ),
            (
                json!({"email": " jane@example.org", "password": "x".repeat(129)}),
                [("value_error", "email"), ("string_too_long", "password")],
            ),
        ] {
            let expected = expected.map(|(kind, field)| (kind, Some(field)));
            assert_eq!(types(UserCreate::parse(body).unwrap_err()), expected);
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_one_fault() {
        for body in [json!(null), json!([]), json!("text"), json!(1)] {
            assert_eq!(
                types(UserUpdate::parse(body).unwrap_err()),
                [("model_attributes_type", None)]
            );
        }
    }

    #[test]
    fn faults_never_repeat_what_was_sent() {
        let faults = UserCreate::parse(json!({"email": "hunter", "password": "hunter2"}));
        let json = serde_json::to_string(&faults.unwrap_err()).unwrap();
        assert!(!json.contains("hunter"), "{json}");
    }

    #[test]
    fn an_update_changes_what_it_names_and_nothing_else() {
        for unchanged in [
            json!({}),
            json!({"email": null, "is_admin": null, "status": null}),
            json!({"id": 9, "hashed_password": "mine", "token_generation": 0}),
        ] {
            assert_eq!(UserUpdate::parse(unchanged), Ok(UserUpdate::default()));
        }
        assert_eq!(
            UserUpdate::parse(
                json!({"email": "J@Example.org", "is_admin": true, "status": "disabled"})
            ),
            Ok(UserUpdate {
                email: Some(Email::new("j@example.org").unwrap()),
                is_admin: Some(true),
                status: Some(UserStatus::Disabled),
            })
        );
        let faults =
            UserUpdate::parse(json!({"email": 1, "is_admin": "true", "status": "Pending"}));
        assert_eq!(
            types(faults.unwrap_err()),
            [
                ("string_type", Some("email")),
                ("bool_type", Some("is_admin")),
                ("enum", Some("status")),
            ]
        );
    }

    #[test]
    fn a_log_in_form_needs_name_and_password_and_the_right_grant() {
        let login = UserLogin::parse(
            b"grant_type=password&username=Jane%40example.org&password=+a%26b%00+&scope=",
        )
        .unwrap();
        assert_eq!(login.username(), "Jane@example.org");
        assert_eq!(login.password(), " a&b\0 ");
        assert!(UserLogin::parse(b"grant_type=&username=jane&password=x").is_ok());

        let faults = UserLogin::parse(b"grant_type=refresh_token&username=&pass=x").unwrap_err();
        assert_eq!(
            types(faults),
            [
                ("string_pattern_mismatch", Some("grant_type")),
                ("missing", Some("username")),
                ("missing", Some("password")),
            ]
        );
    }

    #[test]
    fn debug_shows_no_password() {
        let body = || json!({"email": "jane@example.org", "password": "hunter22"});
        let text = format!(
            "{:?} {:#?} {:?}",
            UserCreate::parse(body()).unwrap(),
            PasswordReset::parse(body()).unwrap(),
            UserLogin::new("hunter22", "hunter22"),
        ) + &format!(
            "{:?}",
            UserCreate::parse(body())
                .unwrap()
                .bootstrap_secret("hunter22")
        );
        assert!(!text.contains("hunter22"), "{text}");
    }
}
