//! Immutable set of verifying keys, and the selection of one for a token.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::verifying::VerifyingKey;
use crate::error::{ConfigError, RejectReason};
use crate::jwt::base64url;
use crate::jwt::compact::Compact;
use crate::jwt::header::{Header, HeaderBuffer, HeaderCache};
use crate::jwt::limits::MAX_SIGNATURE_BYTES;

/// Verifying keys and the rule that selects one for a token. Readers see an immutable snapshot: a
/// change to a ring builds a new set.
pub(crate) struct Keyset {
    keys: Vec<VerifyingKey>,
    selection: Selection,
    generation: u64,
    known: HeaderCache,
    // Serialized on first use.
    jwk_set: OnceLock<JwkSetDocument>,
}

#[derive(Clone, PartialEq, Eq)]
enum Selection {
    /// By `kid` and `alg` together. If the token has no `kid`, the only key of its algorithm; if no
    /// key has its `kid`, the only key of its algorithm without an id.
    ByKidAndAlgorithm,
    /// By `kid` alone, which is unique. A token without `kid` uses the default key.
    ByKid { default: Option<Box<str>> },
}

impl Keyset {
    /// Returns a set of one key.
    pub(crate) fn lone(key: VerifyingKey) -> Self {
        Self::new(vec![key], Selection::ByKidAndAlgorithm, 0)
    }

    /// Returns a set without keys, from which tokens select by `kid`.
    pub(crate) fn empty() -> Self {
        Self::new(Vec::new(), Selection::ByKid { default: None }, 0)
    }

    /// Returns a copy to be changed, with a new generation and an empty header cache.
    pub(crate) fn successor(&self) -> Self {
        Self::new(
            self.keys.clone(),
            self.selection.clone(),
            self.generation.wrapping_add(1),
        )
    }

    fn new(keys: Vec<VerifyingKey>, selection: Selection, generation: u64) -> Self {
        Self {
            keys,
            selection,
            generation,
            known: HeaderCache::default(),
            jwk_set: OnceLock::new(),
        }
    }

    /// Returns a set of these keys of another issuer. Several may have the same id, or none.
    #[cfg(feature = "jwks")]
    pub(crate) fn replaced_by(&self, keys: Vec<VerifyingKey>) -> Self {
        Self::new(
            keys,
            Selection::ByKidAndAlgorithm,
            self.generation.wrapping_add(1),
        )
    }

    /// Returns `true` if both sets give the same result for every token.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.selection == other.selection
            && self.keys.len() == other.keys.len()
            && self.keys.iter().all(|key| other.has(key))
    }

    /// Returns `true` if the set contains this key with the same id.
    pub(crate) fn has(&self, key: &VerifyingKey) -> bool {
        self.keys.iter().any(|ours| ours.is_same(key))
    }

    /// Returns the public keys as a JSON Web Key Set.
    pub(crate) fn jwk_set(&self) -> &JwkSetDocument {
        self.jwk_set.get_or_init(|| JwkSetDocument::new(&self.keys))
    }

    #[cfg(feature = "jwks")]
    pub(crate) const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns `true` if the header is well-formed and names a `kid` that no key has.
    #[cfg(feature = "jwks")]
    pub(crate) fn lacks(&self, header: &str) -> bool {
        let mut buffer = HeaderBuffer::new();
        let header = Header::read(header, &mut buffer).ok();
        header
            .and_then(|header| header.kid)
            .is_some_and(|key_id| self.find(&key_id).is_none())
    }

    /// Returns a number that changes with every change of the keys.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Checks that the token's type is accepted and that its signature is by the key that its header
    /// selects.
    pub(in crate::jwt) fn verify(
        &self,
        token: &Compact<'_>,
        types: Option<&[Box<str>]>,
    ) -> Result<(), RejectReason> {
        // The header cache is shared with verifiers that may accept other types.
        let known = match types {
            None => self.known.key_of(token.header),
            Some(_) => None,
        };
        let cached = known.and_then(|position| Some((position, self.keys.get(position)?)));
        let (position, key) = match cached {
            Some(cached) => cached,
            None => self.key_for_header(token.header, types)?,
        };
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        let signature = base64url::decode(token.signature, &mut buffer)?;
        if !key.verify(token.signed.as_bytes(), signature) {
            return Err(RejectReason::Signature);
        }
        if known.is_none() && types.is_none() {
            self.known.remember(token.header, position);
        }
        Ok(())
    }

    /// Selects the key for an encoded header and checks the rest of the header.
    fn key_for_header(
        &self,
        header: &str,
        types: Option<&[Box<str>]>,
    ) -> Result<(usize, &VerifyingKey), RejectReason> {
        let mut buffer = HeaderBuffer::new();
        let header = Header::read(header, &mut buffer)?;
        header.check_type(types)?;
        self.key_for(header.kid.as_deref(), header.alg.as_deref())
    }

    /// Returns the key with this id and this algorithm. A token selects among existing pairs of key
    /// and algorithm; it never gives a key another algorithm.
    fn key_for(
        &self,
        kid: Option<&str>,
        alg: Option<&str>,
    ) -> Result<(usize, &VerifyingKey), RejectReason> {
        // A key without an id is a candidate unless another key has exactly the id asked for.
        let (id, accepts_unnamed) = match &self.selection {
            Selection::ByKid { default } => {
                let id = kid.or(default.as_deref());
                (Some(id.ok_or(RejectReason::NoKeyId)?), false)
            }
            Selection::ByKidAndAlgorithm => (kid, kid.is_none_or(|kid| self.find(kid).is_none())),
        };
        let keys = self.keys.iter().enumerate();
        let mut named = keys
            .filter(|(_, key)| match key.kid() {
                Some(ours) => id.is_none_or(|id| ours == id),
                None => accepts_unnamed,
            })
            .peekable();
        if named.peek().is_none() {
            return Err(RejectReason::KeyId);
        }
        let mut matching =
            named.filter(|(_, key)| alg.is_some_and(|alg| key.algorithm().is_named(alg)));
        match (matching.next(), matching.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(RejectReason::Algorithm),
            // Keys with the same id differ in algorithm, so that these have different ids or none.
            (Some(_), Some(_)) => Err(kid.map_or(RejectReason::NoKeyId, |_| RejectReason::KeyId)),
        }
    }

    pub(crate) fn find(&self, key_id: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid() == Some(key_id))
    }

    pub(crate) fn add(&mut self, key: VerifyingKey) -> Result<(), ConfigError> {
        let key_id = key.kid().ok_or(ConfigError::MissingKeyId)?;
        if self.find(key_id).is_some() {
            return Err(ConfigError::DuplicateKeyId(key_id.to_owned()));
        }
        self.keys.push(key);
        Ok(())
    }

    /// Replaces all keys. The default stays if its key is among the new ones.
    pub(crate) fn set_keys(&mut self, keys: Vec<VerifyingKey>) -> Result<(), ConfigError> {
        self.keys.clear();
        for key in keys {
            if !self.has(&key) {
                self.add(key)?;
            }
        }
        if let Selection::ByKid { default } = &mut self.selection {
            default.take_if(|default| !self.keys.iter().any(|key| key.kid() == Some(default)));
        }
        Ok(())
    }

    /// Removes a key and returns `true` if it was in the set.
    pub(crate) fn remove(&mut self, key_id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.kid() != Some(key_id));
        if let Selection::ByKid { default } = &mut self.selection {
            default.take_if(|default| **default == *key_id);
        }
        self.keys.len() < before
    }

    pub(crate) fn set_default(&mut self, key_id: &str) -> Result<(), ConfigError> {
        if self.find(key_id).is_none() {
            return Err(ConfigError::UnknownKeyId(key_id.to_owned()));
        }
        self.selection = Selection::ByKid {
            default: Some(key_id.into()),
        };
        Ok(())
    }
}

/// JSON Web Key Set (RFC 7517, section 5) with its entity tag.
pub(crate) struct JwkSetDocument {
    pub(crate) json: String,
    /// Strong entity tag (RFC 9110, section 8.8.3).
    pub(crate) etag: String,
}

impl JwkSetDocument {
    /// Serializes the public keys. HMAC secrets are left out: a published secret can sign.
    fn new(keys: &[VerifyingKey]) -> Self {
        let keys = keys.iter().filter_map(VerifyingKey::jwk_members);
        let keys: Vec<Value> = keys.map(Value::Object).collect();
        let json = json!({ "keys": keys }).to_string();
        let digest = Sha256::digest(&json);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest));
        Self { json, etag }
    }
}

impl std::fmt::Debug for Keyset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}
