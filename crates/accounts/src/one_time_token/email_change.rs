//! Input of a change of the own address.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::body::{Body, FromJson};
use crate::email::Email;
use crate::throttle::Client;
use crate::validation_error::ValidationError;

/// Input of a change of the own address.
pub struct EmailChange {
    /// The new address.
    pub email: Email,
    pub(crate) password: Zeroizing<String>,
    pub(crate) locale: Option<String>,
    pub(crate) client: Client,
}

impl EmailChange {
    /// Creates the input from the new address and the password of the account.
    pub fn new(email: Email, password: impl Into<String>) -> Self {
        Self {
            email,
            password: Zeroizing::new(password.into()),
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

impl FromJson for EmailChange {
    // The rules for new passwords do not apply to the present one.
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let email: Option<Email> = body.required("email");
        let password: Option<String> = body.required("password");
        match (email, password) {
            (Some(email), Some(password)) => Ok(Self::new(email, password)),
            _ => Err(body.into_errors()),
        }
    }
}

impl fmt::Debug for EmailChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailChange")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
