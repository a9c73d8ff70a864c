//! Who can register, and the input of a registration by mail.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use super::body::{Body, FromJson};
use super::email::Email;
use super::throttle::Client;
use super::validation_error::ValidationError;

/// Who can register. Defaults to anyone, at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Registration {
    /// Anyone, with a password, at once. Whether an address is registered already can be seen.
    #[default]
    Open,
    /// Anyone, by a link that is sent by mail, with which the owner of the address sets the password:
    /// [`Accounts::register_by_mail`](crate::Accounts::register_by_mail). Whether an address is
    /// registered already cannot be seen.
    #[doc(alias = "double opt-in")]
    ByMail,
    /// Only the first admin, by the [`BootstrapPolicy`](crate::BootstrapPolicy). Admins
    /// [invite](crate::Accounts::invite) others.
    Closed,
}

/// Input of a registration by mail.
pub struct MailRegistration {
    /// The address.
    pub email: Email,
    bootstrap_secret: Option<Zeroizing<String>>,
    pub(super) locale: Option<String>,
    pub(super) client: Client,
}

impl MailRegistration {
    /// Creates the input.
    pub fn new(email: Email) -> Self {
        Self {
            email,
            bootstrap_secret: None,
            locale: None,
            client: Client::default(),
        }
    }

    /// Sets the secret that makes this account the first admin under
    /// [`BootstrapPolicy::Secret`](crate::BootstrapPolicy::Secret).
    #[must_use]
    pub fn bootstrap_secret(mut self, text: impl Into<String>) -> Self {
        self.bootstrap_secret = Some(Zeroizing::new(text.into()));
        self
    }

    /// Sets the language of the mail, such as `de-AT`.
    #[must_use]
    pub fn locale(mut self, locale: Option<&str>) -> Self {
        self.locale = locale.map(str::to_owned);
        self
    }

    /// Sets the client, by which registrations are [limited](crate::throttle::Throttle).
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    pub(super) fn given_secret(&self) -> Option<&str> {
        self.bootstrap_secret.as_ref().map(|text| text.as_str())
    }
}

impl FromJson for MailRegistration {
    // A password is ignored: the owner of the address sets it.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let email = body.required("email");
        let bootstrap_secret = body.optional("bootstrap_secret").map(Zeroizing::new);
        match (email, body.into_errors()) {
            (Some(email), errors) if errors.is_empty() => Ok(Self {
                bootstrap_secret,
                ..Self::new(email)
            }),
            (_, errors) => Err(errors),
        }
    }
}

impl fmt::Debug for MailRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailRegistration")
            .field("email", &self.email)
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}
