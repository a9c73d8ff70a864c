//! Verifier for the tokens of several issuers.

use std::collections::HashMap;

use super::base64url;
use super::claim_rules::Named;
use super::compact::Compact;
use super::json_reader::Value;
use super::jwt_verifier::JwtVerifier;
use super::verifier::{Verification, Verifier};
use crate::error::{AuthError, ConfigError, RejectReason};

/// Verifier for the tokens of several issuers, each with its own keys, audience and leeway.
///
/// ```
/// use tower_warder::jwt::MultiIssuerVerifier;
/// use tower_warder::{HmacSecret, JwtVerifier};
///
/// let (ours, theirs) = (HmacSecret::generate(), HmacSecret::generate());
/// let issuers = MultiIssuerVerifier::new()
///     .add("https://login.example", JwtVerifier::hs256(&ours))?
///     .add("https://partner.example", JwtVerifier::hs256(&theirs).audience("orders"))?;
/// # fn example(users: impl tower_warder::UserLoader, issuers: MultiIssuerVerifier) {
/// let auth = tower_warder::AuthLayer::new(issuers, users);
/// # }
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
///
/// The issuer of a token (`iss`) only selects the verifier, which then requires exactly that issuer.
/// Tokens of other issuers are rejected, whichever key signed them.
///
/// A subject is unique within its issuer only (RFC 7519, section 4.1.2): your
/// [`UserLoader`](crate::UserLoader) has to check [`Claims::issuer`](crate::Claims::issuer), too, or one
/// issuer can impersonate the users of another; its documentation has an example. `Accounts` rejects
/// the tokens of all issuers but its own.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MultiIssuerVerifier {
    verifiers: HashMap<Box<str>, JwtVerifier>,
    max_token_bytes: usize,
    max_header_bytes: usize,
}

impl MultiIssuerVerifier {
    /// Creates a verifier without issuers, which rejects every token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Verifies tokens of `issuer` with `verifier`, which requires that issuer from now on.
    ///
    /// # Errors
    ///
    /// [`ConfigError::DuplicateIssuer`], or [`ConfigError::IssuerMismatch`] if the verifier is
    /// configured for another issuer, a template or a check, or if its keys were discovered from
    /// another issuer.
    pub fn add(
        mut self,
        issuer: impl Into<Box<str>>,
        verifier: JwtVerifier,
    ) -> Result<Self, ConfigError> {
        let issuer = issuer.into();
        if self.verifiers.contains_key(&issuer) {
            return Err(ConfigError::DuplicateIssuer(issuer.into()));
        }
        if !verifier.allows_issuer(&issuer) {
            return Err(ConfigError::IssuerMismatch(issuer.into()));
        }
        self.max_token_bytes = self
            .max_token_bytes
            .max(Verifier::max_credential_bytes(&verifier));
        self.max_header_bytes = self.max_header_bytes.max(verifier.header_size());
        let verifier = verifier.issuer(issuer.clone());
        self.verifiers.insert(issuer, verifier);
        Ok(self)
    }

    /// Selects the verifier by the unverified `iss` of the token, which is not trusted beyond that.
    fn choose(&self, token: &str) -> Result<&JwtVerifier, RejectReason> {
        let compact = Compact::split(token, self.max_token_bytes, self.max_header_bytes)?;
        let mut buffer = vec![0; base64::decoded_len_estimate(compact.payload.len())];
        let payload = base64url::decode(compact.payload, &mut buffer)?;
        let json = std::str::from_utf8(payload).map_err(|_| RejectReason::Claims)?;
        match Named::read(json, ["iss"].into_iter())?.value("iss") {
            Some(Value::Text(issuer)) => self.verifiers.get(&**issuer).ok_or(RejectReason::Issuer),
            Some(Value::Null) | None => Err(RejectReason::NoIssuer),
            Some(_) => Err(RejectReason::IssuerType),
        }
    }
}

impl Verifier for MultiIssuerVerifier {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        match self.choose(credential) {
            Ok(verifier) => verifier.verify(credential),
            Err(reason) => Verification::Ready(Err(AuthError::rejected(reason))),
        }
    }

    fn max_credential_bytes(&self) -> usize {
        self.max_token_bytes
    }

    // As each `JwtVerifier` does.
    fn checks_characters(&self) -> bool {
        true
    }
}
