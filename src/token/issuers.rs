//! Several issuers behind one layer.

use std::collections::HashMap;

use serde::de::MapAccess;

use super::base64url;
use super::compact::Compact;
use super::json::{self, AnyValue, Members, Value};
use super::verification::{Verification, Verifier};
use super::verifier::TokenVerifier;
use crate::error::{AuthError, ConfigError, Refusal};

/// Verifies the tokens of several issuers, each by its own verifier: its own keys, audience and
/// leeway.
///
/// ```
/// use tower_warder::{Issuers, Secret, TokenIssuer, TokenVerifier};
///
/// let (ours, theirs) = (Secret::generate(), Secret::generate());
/// let issuers = Issuers::new()
///     .add("https://login.example", TokenVerifier::hs256(&ours))?
///     .add("https://partner.example", TokenVerifier::hs256(&theirs).audience("orders"))?;
/// # fn example(users: impl tower_warder::UserLoader, issuers: Issuers) {
/// let auth = tower_warder::AuthLayer::new(issuers, users);
/// # }
/// # Ok::<(), tower_warder::ConfigError>(())
/// ```
///
/// What a token says of its issuer (`iss`) only chooses the verifier, which then demands exactly
/// that. Tokens of other issuers are refused, whoever signed them.
///
/// A subject is unique within its issuer only (RFC 7519, section 4.1.2): your
/// [`UserLoader`](crate::UserLoader) has to look at [`Claims::issuer`](crate::Claims::issuer), too,
/// or one issuer can name the users of another; its documentation has an example. `Accounts` refuses
/// the tokens of every issuer but its own.
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuers {
    verifiers: HashMap<Box<str>, TokenVerifier>,
    max_size: usize,
    max_header_size: usize,
}

impl Issuers {
    /// None yet: refuses every token.
    pub fn new() -> Self {
        Self {
            verifiers: HashMap::new(),
            max_size: 0,
            max_header_size: 0,
        }
    }

    /// Judges tokens of `issuer` by `verifier`, which demands that issuer from now on.
    ///
    /// # Errors
    ///
    /// [`ConfigError::DuplicateIssuer`], or [`ConfigError::OtherIssuer`] if the verifier, or whom
    /// its keys were discovered for, says another one, or has a template or a check.
    pub fn add(
        mut self,
        issuer: impl Into<Box<str>>,
        verifier: TokenVerifier,
    ) -> Result<Self, ConfigError> {
        let issuer = issuer.into();
        if self.verifiers.contains_key(&issuer) {
            return Err(ConfigError::DuplicateIssuer(issuer.into()));
        }
        if !verifier.allows_issuer(&issuer) {
            return Err(ConfigError::OtherIssuer(issuer.into()));
        }
        self.max_size = self.max_size.max(Verifier::max_size(&verifier));
        self.max_header_size = self.max_header_size.max(verifier.header_size());
        let verifier = verifier.issuer(issuer.clone());
        self.verifiers.insert(issuer, verifier);
        Ok(self)
    }

    /// The verifier of whom the token says that it comes from. Nothing is believed of it.
    fn choose(&self, token: &str) -> Result<&TokenVerifier, Refusal> {
        let compact = Compact::split(token, self.max_size, self.max_header_size)?;
        let mut buffer = vec![0; base64::decoded_len_estimate(compact.payload.len())];
        let payload = base64url::decode(compact.payload, &mut buffer)?;
        let issuer = std::str::from_utf8(payload)
            .ok()
            .and_then(|json| json::read_object(json, Issuer::default()).ok())
            .ok_or(Refusal::Claims)?;
        match issuer.0 {
            Some(Value::Text(issuer)) => self.verifiers.get(&*issuer).ok_or(Refusal::Issuer),
            Some(Value::Null) | None => Err(Refusal::NoIssuer),
            Some(_) => Err(Refusal::IssuerType),
        }
    }
}

impl Verifier for Issuers {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        match self.choose(credential) {
            Ok(verifier) => verifier.verify(credential),
            Err(refusal) => Verification::Ready(Err(AuthError::refused(refusal))),
        }
    }

    fn max_size(&self) -> usize {
        self.max_size
    }

    // As each of them does.
    fn judges_characters(&self) -> bool {
        true
    }
}

impl Default for Issuers {
    fn default() -> Self {
        Self::new()
    }
}

/// Of the claims nothing else is read.
#[derive(Default)]
struct Issuer<'a>(Option<Value<'a>>);

impl<'de> Members<'de> for Issuer<'de> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        if name != "iss" {
            return Ok(false);
        }
        json::keep(&mut self.0, map.next_value_seed(AnyValue::new())?)?;
        Ok(true)
    }
}
