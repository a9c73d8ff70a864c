//! What a key server says.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Dropped, Excerpt, FetchError};
use crate::error::ConfigError;
use crate::jwt::issuer_rule::IssuerTemplate;
use crate::jwt::keys::{Algorithm, VerifyingKey};
use crate::jwt::strict_json;

/// What of a key set can be used, and what cannot.
pub(super) struct KeySet {
    pub(super) keys: Vec<VerifyingKey>,
    /// In an order that does not depend on theirs.
    pub(super) dropped: Vec<Dropped>,
}

/// Reads a key set (RFC 7517, section 5). What cannot be used of it is left out, so that one key
/// does not spoil the others.
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
            Ok(Some(key)) if keys.iter().any(|known| is_rival(known, &key)) => {
                dropped.push(Dropped {
                    kid: key.kid().map(Excerpt::of),
                    reason: "another key has the same id and algorithm".to_owned(),
                });
            }
            Ok(Some(key)) => keys.push(key),
            // One for encryption is none that is missing.
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

/// Whether no token could tell the two apart.
fn is_rival(known: &VerifyingKey, key: &VerifyingKey) -> bool {
    known.kid().is_some() && known.kid() == key.kid() && known.algorithm() == key.algorithm()
}

/// The id of what may be no key otherwise.
fn read_kid(json: &str) -> Option<Excerpt> {
    #[derive(Deserialize)]
    struct Named<'a> {
        kid: Cow<'a, str>,
    }
    let named: Named<'_> = strict_json::deserialize_object(json.as_bytes())?;
    Some(Excerpt::of(&named.kid))
}

/// Reads a discovery document (OpenID Connect Discovery 1.0, section 4.2), which has to be that of
/// this issuer (section 4.3) or a template of it, and gives its `jwks_uri`.
pub(super) fn read_discovery(document: &[u8], issuer: &str) -> Result<String, FetchError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let document: Discovery =
        strict_json::deserialize_object(document).ok_or(FetchError::NotDiscovery)?;
    // One document for many tenants: its verifiers demand `issuer` until they are told which.
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

/// The algorithms whose keys are taken: these, or if there are none, all.
#[derive(Default)]
pub(super) struct Accepted(pub(super) Vec<Algorithm>);

impl Accepted {
    /// `None` for a key for encryption; otherwise a key, or why it is none.
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

    /// That of RSA keys that do not say theirs.
    fn rsa(&self) -> Option<Algorithm> {
        if self.0.is_empty() {
            return Some(Algorithm::RS256);
        }
        self.0.iter().copied().find(|one| one.is_rsa())
    }
}

const MAX_KEYS: usize = 100;
