//! Inputs of a request for a mail, and of a password that is set by a one-time token.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::body::{Body, FromJson};
use crate::email::Email;
use crate::password::Password;
use crate::throttle::Client;
use crate::validation_error::ValidationError;

/// Input of a password reset by a one-time token.
pub struct OneTimePasswordReset {
    /// The token.
    pub token: Zeroizing<String>,
    /// The new password.
    pub password: Password,
    pub(crate) client: Client,
}

impl OneTimePasswordReset {
    /// Creates the input.
    pub fn new(token: impl Into<String>, password: Password) -> Self {
        Self {
            token: Zeroizing::new(token.into()),
            password,
            client: Client::default(),
        }
    }

    /// Sets the client, by which attempts are [limited](crate::throttle::Throttle).
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }
}

impl FromJson for OneTimePasswordReset {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let token: Option<String> = body.required("token");
        let password = body.required("password");
        match (token, password) {
            (Some(token), Some(password)) => Ok(Self::new(token, password)),
            _ => Err(body.into_errors()),
        }
    }
}

impl fmt::Debug for OneTimePasswordReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimePasswordReset")
            .finish_non_exhaustive()
    }
}

/// Input of a request for a mail with a link: for a new password, or to verify the address.
pub struct MailRequest {
    /// The address.
    pub email: Email,
    pub(crate) locale: Option<String>,
    pub(crate) client: Client,
}

impl MailRequest {
    /// Creates the input.
    pub fn new(email: Email) -> Self {
        Self {
            email,
            locale: None,
            client: Client::default(),
        }
    }

    /// Sets the language of the mail, such as `de-AT`.
    #[must_use]
    pub fn locale(mut self, locale: Option<&str>) -> Self {
        self.locale = locale.map(str::to_owned);
        self
    }

    /// Sets the client, by which requests are [limited](crate::throttle::Throttle).
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }
}

impl FromJson for MailRequest {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let email = body.required("email");
        email.map(Self::new).ok_or_else(|| body.into_errors())
    }
}

impl fmt::Debug for MailRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailRequest")
            .field("email", &self.email)
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}
