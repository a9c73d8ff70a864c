//! What a key server says.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::FetchError;
use crate::token::issuer_rule::IssuerTemplate;
use crate::token::{Algorithm, VerifyingKey, json};

/// Reads a key set (RFC 7517, section 5). What cannot be used of it is left out.
pub(super) fn read_keys(
    document: &[u8],
    accepted: &Accepted,
) -> Result<Vec<VerifyingKey>, FetchError> {
    #[derive(Deserialize)]
    struct KeySet<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    let set: KeySet<'_> = json::deserialize_object(document).ok_or(FetchError::NotKeySet)?;
    if set.keys.len() > MAX_KEYS {
        return Err(FetchError::TooManyKeys);
    }
    let mut keys: Vec<VerifyingKey> = Vec::new();
    for (position, json) in set.keys.iter().enumerate() {
        match accepted.read(json.get()) {
            Ok(key) if key.kid().is_some() && keys.iter().any(|known| known.kid() == key.kid()) => {
                pass_over(position, "another key has the same id");
            }
            Ok(key) => keys.push(key),
            Err(reason) => pass_over(position, &reason),
        }
    }
    // Among several no token can choose it.
    if keys.len() > 1 {
        keys.retain(|key| key.kid().is_some());
    }
    match keys.is_empty() {
        true => Err(FetchError::NoUsableKey),
        false => Ok(keys),
    }
}

/// Reads a discovery document (OpenID Connect Discovery 1.0, section 4.2), which has to be that of
/// this issuer (section 4.3) or a template of it, and gives its `jwks_uri`.
pub(super) fn read_discovery(document: &[u8], issuer: &str) -> Result<String, FetchError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let document: Discovery = json::deserialize_object(document).ok_or(FetchError::NotDiscovery)?;
    // One document for many tenants: its verifiers demand `issuer` until they are told which.
    let template = IssuerTemplate::parse(&document.issuer);
    let is_tenant = template.is_some_and(|template| template.tenant(issuer).is_some());
    if document.issuer != issuer && !is_tenant {
        return Err(FetchError::OtherIssuer);
    }
    Ok(document.jwks_uri)
}

/// The algorithms whose keys are taken: these, or if there are none, all.
#[derive(Default)]
pub(super) struct Accepted(pub(super) Vec<Algorithm>);

impl Accepted {
    fn read(&self, json: &str) -> Result<VerifyingKey, String> {
        let key = VerifyingKey::read_jwk(json.as_bytes(), self.rsa());
        let key = key.map_err(|error| error.to_string())?;
        if !self.0.is_empty() && !self.0.contains(&key.algorithm()) {
            return Err("its algorithm is not one of those that are accepted".to_owned());
        }
        Ok(key)
    }

    /// That of RSA keys that do not say theirs.
    fn rsa(&self) -> Option<Algorithm> {
        if self.0.is_empty() {
            return Some(Algorithm::RS256);
        }
        self.0.iter().copied().find(|one| one.is_rsa())
    }
}

/// By its place: what the key says of itself is for others to write.
fn pass_over(position: usize, reason: &str) {
    tracing::debug!(position, reason, "a published key is passed over");
}

const MAX_KEYS: usize = 100;
