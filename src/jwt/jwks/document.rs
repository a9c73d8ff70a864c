//! Key sets and discovery documents.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Dropped, Excerpt, FetchError};
use crate::error::ConfigError;
use crate::jwt::issuer_rule::IssuerTemplate;
use crate::jwt::keys::{Algorithm, VerifyingKey};
use crate::jwt::strict_json;

/// Usable and unusable keys of a key set.
pub(super) struct KeySet {
    pub(super) keys: Vec<VerifyingKey>,
    /// Sorted, so that the order of the document does not matter.
    pub(super) dropped: Vec<Dropped>,
}

/// Reads a key set (RFC 7517, section 5). Unusable keys are skipped, so that one of them does not make
/// the others unusable.
pub(super) fn read_keys(document: &[u8], accepted: &Accepted) -> Result<KeySet, FetchError> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    let document: Document<'_> =
        strict_json::deserialize_object(document).ok_or(FetchError::NotKeySet)?;
    if document.keys.len() > MAX_KEYS {
        return Err(FetchError::TooManyKeys);
    }
    let mut keys: Vec<VerifyingKey> = Vec::new();
    let mut dropped = Vec::new();
    for json in document.keys {
        let json = json.get();
        match accepted.read(json) {
            Ok(Some(key)) if keys.iter().any(|known| known.is_same(&key)) => {}
            Ok(Some(key)) if keys.iter().any(|known| is_ambiguous(known, &key)) => {
                dropped.push(Dropped {
                    kid: key.kid().map(Excerpt::of),
                    reason: "another key has the same id and algorithm".to_owned(),
                });
            }
            Ok(Some(key)) => keys.push(key),
            // A key for encryption is not missing from the set.
            Ok(None) => {}
            Err(reason) => dropped.push(Dropped {
                kid: read_kid(json),
                reason,
            }),
        }
    }
    dropped.sort_unstable();
    match keys.is_empty() {
        true => Err(FetchError::NoUsableKey(dropped.into_iter().next())),
        false => Ok(KeySet { keys, dropped }),
    }
}

/// Returns `true` if no token can select between the two keys.
fn is_ambiguous(known: &VerifyingKey, key: &VerifyingKey) -> bool {
    known.kid().is_some() && known.kid() == key.kid() && known.algorithm() == key.algorithm()
}

/// Reads the `kid` of an object that may otherwise be no valid key.
fn read_kid(json: &str) -> Option<Excerpt> {
    #[derive(Deserialize)]
    struct Named<'a> {
        kid: Cow<'a, str>,
    }
    let named: Named<'_> = strict_json::deserialize_object(json.as_bytes())?;
    Some(Excerpt::of(&named.kid))
}

/// Reads a discovery document (OpenID Connect Discovery 1.0, section 4.2) and returns its `jwks_uri`.
/// The document must name this issuer (section 4.3), or a template that matches it.
pub(super) fn read_discovery(document: &[u8], issuer: &str) -> Result<String, FetchError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let document: Discovery =
        strict_json::deserialize_object(document).ok_or(FetchError::NotDiscovery)?;
    // One document for many tenants: verifiers require `issuer` until they are configured otherwise.
    let template = IssuerTemplate::parse(&document.issuer);
    let is_tenant = template.is_some_and(|template| template.tenant(issuer).is_some());
    if document.issuer != issuer && !is_tenant {
        return Err(FetchError::IssuerMismatch {
            theirs: Excerpt::of(&document.issuer),
            expected: issuer.into(),
        });
    }
    Ok(document.jwks_uri)
}

/// Algorithms whose keys are accepted; all if empty.
#[derive(Default)]
pub(super) struct Accepted(pub(super) Vec<Algorithm>);

impl Accepted {
    /// Returns the key, `None` for a key for encryption, or why the key cannot be used.
    fn read(&self, json: &str) -> Result<Option<VerifyingKey>, String> {
        let key = VerifyingKey::from_key_set(json.as_bytes(), self.rsa());
        let key = key.map_err(|error| match error {
            ConfigError::InvalidKey(reason) => reason.to_owned(),
            other => other.to_string(),
        })?;
        match &key {
            Some(key) if !self.0.is_empty() && !self.0.contains(&key.algorithm()) => {
                Err("its algorithm is not one of those that are accepted".to_owned())
            }
            _ => Ok(key),
        }
    }

    /// Returns the algorithm of RSA keys without `alg`.
    fn rsa(&self) -> Option<Algorithm> {
        if self.0.is_empty() {
            return Some(Algorithm::RS256);
        }
        self.0.iter().copied().find(|one| one.is_rsa())
    }
}

const MAX_KEYS: usize = 100;
