//! Input of clients, validated on parsing. All errors of an input are returned together.

use std::{fmt, mem};

use serde_json::Value;
use tower_warder::UserStatus;
use zeroize::Zeroizing;

use super::body::{Body, FromJson};
use super::email::Email;
use super::form;
use super::password::Password;
use super::throttle::Client;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Input of a registration.
pub struct UserCreate {
    /// The address, which is the user name at log-in.
    pub email: Email,
    /// The password.
    pub password: Password,
    bootstrap_secret: Option<Zeroizing<String>>,
    pub(super) locale: Option<String>,
    pub(super) client: Client,
}

impl UserCreate {
    /// Creates the input from an address and a password.
    pub fn new(email: Email, password: Password) -> Self {
        Self {
            email,
            password,
            bootstrap_secret: None,
            locale: None,
            client: Client::default(),
        }
    }

    /// Sets the client, by which registrations are [limited](crate::throttle::Throttle).
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Sets the language of mail to the account, such as `de-AT`.
    #[must_use]
    pub fn locale(mut self, locale: Option<&str>) -> Self {
        self.locale = locale.map(str::to_owned);
        self
    }

    /// Sets the secret that makes this account the first admin under
    /// [`BootstrapPolicy::Secret`](crate::BootstrapPolicy::Secret).
    #[must_use]
    pub fn bootstrap_secret(mut self, text: impl Into<String>) -> Self {
        self.bootstrap_secret = Some(Zeroizing::new(text.into()));
        self
    }

    pub(super) fn given_secret(&self) -> Option<&str> {
        self.bootstrap_secret.as_ref().map(|text| text.as_str())
    }
}

impl FromJson for UserCreate {
    // Other fields are ignored, so that no one can register as an admin.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let (email, password) = (body.required("email"), body.required("password"));
        let bootstrap_secret = body.optional("bootstrap_secret").map(Zeroizing::new);
        match (email, password, body.into_errors()) {
            (Some(email), Some(password), errors) if errors.is_empty() => Ok(Self {
                email,
                password,
                bootstrap_secret,
                locale: None,
                client: Client::default(),
            }),
            (_, _, errors) => Err(errors),
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

/// Input of a change of an account. A field that is `None` is not changed.
#[doc(alias = "role")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// New address.
    pub email: Option<Email>,
    /// Makes the account an admin, or no longer one.
    pub is_admin: Option<bool>,
    /// New status: approved, disabled or pending.
    pub status: Option<UserStatus>,
}

impl FromJson for UserUpdate {
    // A field that is absent or `null` is not changed; unknown fields are ignored.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let update = Self {
            email: body.optional("email"),
            is_admin: body.optional("is_admin"),
            status: body.optional("status"),
        };
        match body.into_errors() {
            errors if errors.is_empty() => Ok(update),
            errors => Err(errors),
        }
    }
}

/// Input of a password reset by an admin.
#[derive(Debug)]
pub struct PasswordReset {
    /// The new password.
    pub password: Password,
    /// Makes the password a temporary one: the next log-in with it gives no token, but a
    /// [`LoginChallenge`](crate::LoginChallenge) by which the owner sets another one. Needs
    /// [one-time tokens](crate::Accounts::one_time_tokens).
    pub must_change: bool,
}

impl PasswordReset {
    /// Creates the input, with a password that stays.
    pub const fn new(password: Password) -> Self {
        Self {
            password,
            must_change: false,
        }
    }

    /// Makes the password a [temporary](Self::must_change) one, or not.
    #[must_use]
    pub const fn must_change(mut self, must_change: bool) -> Self {
        self.must_change = must_change;
        self
    }
}

impl FromJson for PasswordReset {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let password = body.required("password");
        let must_change = body.optional(MUST_CHANGE).unwrap_or_default();
        match (password, body.into_errors()) {
            (Some(password), errors) if errors.is_empty() => Ok(Self {
                password,
                must_change,
            }),
            (_, errors) => Err(errors),
        }
    }
}

/// Input of a log-in.
///
/// The rules for new accounts do not apply: a password or an address that no account can have is
/// answered like a wrong password.
pub struct UserLogin {
    pub(super) username: String,
    pub(super) password: Zeroizing<String>,
    pub(super) device: String,
    pub(super) client: Client,
}

impl UserLogin {
    /// Creates the input from an address and a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: Zeroizing::new(password.into()),
            device: String::new(),
            client: Client::default(),
        }
    }

    /// Sets the client, by which log-ins are [limited](crate::throttle::Throttle).
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Sets the name of the device for the list of sessions; the route uses the `User-Agent` header.
    /// It is untrusted text: only letters, digits, blanks and ASCII punctuation are kept, and at most
    /// 200 characters.
    #[must_use]
    pub fn device(mut self, text: impl Into<String>) -> Self {
        self.device = text.into();
        self
    }

    /// Parses the form of the OAuth 2.0 password grant (RFC 6749, section 4.3.2).
    ///
    /// `grant_type` may be absent. An empty field counts as absent, and no field may be given twice
    /// (section 3.2). Text that is not percent-encoded UTF-8 is rejected.
    ///
    /// Returns all errors of the input together.
    pub(super) fn parse(form: &[u8]) -> Result<Self, Vec<ValidationError>> {
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
        .map_err(|error| vec![error])?;

        let mut errors = Vec::new();
        if grant_type.is_some_and(|grant_type| *grant_type != "password") {
            errors.push(ValidationError::new(
                ValidationErrorKind::StringPatternMismatch,
                Location::Body,
                "grant_type",
                "String should match pattern '^password$'",
            ));
        }
        for (field, text) in [("username", &username), ("password", &password)] {
            if text.is_none() {
                errors.push(ValidationError::missing(Location::Body, field));
            }
        }
        match (username, password) {
            (Some(mut username), Some(password)) if errors.is_empty() => Ok(Self {
                username: mem::take(&mut username),
                password,
                device: String::new(),
                client: Client::default(),
            }),
            _ => Err(errors),
        }
    }
}

/// Member of a reset by an admin that makes the password a temporary one.
pub(super) const MUST_CHANGE: &str = "must_change";

// By hand, without the user name: people enter passwords into the wrong field.
impl fmt::Debug for UserLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserLogin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn types(errors: Vec<ValidationError>) -> Vec<(&'static str, Option<&'static str>)> {
        errors
            .iter()
            .map(|error| (error.kind.as_str(), error.field))
            .collect()
    }

    #[test]
    fn all_errors_of_a_body_are_reported_together() {
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
            assert_eq!(types(UserCreate::from_json(body).unwrap_err()), expected);
        }
    }

    #[test]
    fn body_that_is_no_object_is_a_single_error() {
        for body in [json!(null), json!([]), json!("text"), json!(1)] {
            assert_eq!(
                types(UserUpdate::from_json(body).unwrap_err()),
                [("model_attributes_type", None)]
            );
        }
    }

    #[test]
    fn errors_never_contain_the_input() {
        let short = json!({"email": "hunter", "password": "hunter2"});
        let wrong = json!({
            "email": "hunter", "password": ["hunter2"], "bootstrap_secret": ["hunter2"],
        });
        for errors in [
            UserCreate::from_json(short.clone()).unwrap_err(),
            UserCreate::from_json(wrong.clone()).unwrap_err(),
            UserUpdate::from_json(wrong.clone()).unwrap_err(),
            PasswordReset::from_json(short).unwrap_err(),
            PasswordReset::from_json(wrong).unwrap_err(),
            UserLogin::parse(b"grant_type=hunter2").unwrap_err(),
        ] {
            let json = serde_json::to_string(&errors).unwrap();
            let text = format!("{json} {errors:?} {errors:#?}");
            assert!(!text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn update_changes_only_the_given_fields() {
        for unchanged in [
            json!({}),
            json!({"email": null, "is_admin": null, "status": null}),
            json!({"id": 9, "hashed_password": "mine", "token_generation": 0}),
        ] {
            assert_eq!(UserUpdate::from_json(unchanged), Ok(UserUpdate::default()));
        }
        assert_eq!(
            UserUpdate::from_json(
                json!({"email": "J@Example.org", "is_admin": true, "status": "disabled"})
            ),
            Ok(UserUpdate {
                email: Some(Email::new("j@example.org").unwrap()),
                is_admin: Some(true),
                status: Some(UserStatus::Disabled),
            })
        );
        let errors =
            UserUpdate::from_json(json!({"email": 1, "is_admin": "true", "status": "Pending"}));
        assert_eq!(
            types(errors.unwrap_err()),
            [
                ("string_type", Some("email")),
                ("bool_type", Some("is_admin")),
                ("enum", Some("status")),
            ]
        );
    }

    #[test]
    fn log_in_form_needs_name_password_and_grant_type() {
        let login = UserLogin::parse(
            b"grant_type=password&username=Jane%40example.org&password=+a%26b%00+&scope=",
        )
        .unwrap();
        assert_eq!(login.username, "Jane@example.org");
        assert_eq!(*login.password, " a&b\0 ");
        assert!(UserLogin::parse(b"grant_type=&username=jane&password=x").is_ok());

        let errors = UserLogin::parse(b"grant_type=refresh_token&username=&pass=x").unwrap_err();
        assert_eq!(
            types(errors),
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
            UserCreate::from_json(body()).unwrap(),
            PasswordReset::from_json(body()).unwrap(),
            UserLogin::parse(b"username=hunter22&password=hunter22").unwrap(),
        ) + &format!(
            "{:?}",
            UserCreate::from_json(body())
                .unwrap()
                .bootstrap_secret("hunter22")
        );
        assert!(!text.contains("hunter22"), "{text}");
    }
}
