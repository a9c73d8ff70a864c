//! Input of a confirmation of an address.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::body::{Body, FromJson};
use crate::throttle::Client;
use crate::validation_error::ValidationError;

/// Input of the confirmation of an address by a one-time token.
pub struct EmailConfirmation {
    /// The token.
    pub token: Zeroizing<String>,
    pub(crate) client: Client,
}

impl EmailConfirmation {
    /// Creates the input.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: Zeroizing::new(token.into()),
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

impl FromJson for EmailConfirmation {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let token: Option<String> = body.required("token");
        token.map(Self::new).ok_or_else(|| body.into_errors())
    }
}

impl fmt::Debug for EmailConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailConfirmation").finish_non_exhaustive()
    }
}
