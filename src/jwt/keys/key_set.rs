//! The keys that verify, as they are at one moment.

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

/// Keys, and which of them a token gets. Whoever reads them sees no change: a ring that changes
/// makes others.
pub(crate) struct Keyset {
    keys: Vec<VerifyingKey>,
    choice: Choice,
    generation: u64,
    known: HeaderCache,
    // Made when somebody asks for it, once.
    publication: OnceLock<JwkSetDocument>,
}

#[derive(Clone, PartialEq, Eq)]
enum Choice {
    /// By its id and the token's algorithm together. Where a token names no id, or none of the keys
    /// has the one that it names and some have none: the only one of the algorithm.
    ByFit,
    /// By its exact id, which no other key has; without one, the default.
    ById { default: Option<Box<str>> },
}

impl Keyset {
    /// One key.
    pub(crate) fn lone(key: VerifyingKey) -> Self {
        Self::new(vec![key], Choice::ByFit, 0)
    }

    /// No keys yet, of which tokens choose by id.
    pub(crate) fn empty() -> Self {
        Self::new(Vec::new(), Choice::ById { default: None }, 0)
    }

    /// The same keys, to be changed. What was known of headers is not taken along.
    pub(crate) fn successor(&self) -> Self {
        Self::new(
            self.keys.clone(),
            self.choice.clone(),
            self.generation.wrapping_add(1),
        )
    }

    fn new(keys: Vec<VerifyingKey>, choice: Choice, generation: u64) -> Self {
        Self {
            keys,
            choice,
            generation,
            known: HeaderCache::default(),
            publication: OnceLock::new(),
        }
    }

    /// These keys of somebody else in the place of those here. Several may have one id, or none.
    #[cfg(feature = "jwks")]
    pub(crate) fn replaced(&self, keys: Vec<VerifyingKey>) -> Self {
        Self::new(keys, Choice::ByFit, self.generation.wrapping_add(1))
    }

    /// Whether a token would be judged alike by both.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.choice == other.choice
            && self.keys.len() == other.keys.len()
            && self.keys.iter().all(|key| other.has(key))
    }

    /// Whether this key is here, under its id.
    pub(crate) fn has(&self, key: &VerifyingKey) -> bool {
        self.keys.iter().any(|ours| ours.is_same(key))
    }

    /// The public keys, for everybody.
    pub(crate) fn publication(&self) -> &JwkSetDocument {
        self.publication
            .get_or_init(|| JwkSetDocument::of(&self.keys))
    }

    #[cfg(feature = "jwks")]
    pub(crate) const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a sound header names a key that is not here.
    #[cfg(feature = "jwks")]
    pub(crate) fn lacks(&self, header: &str) -> bool {
        let mut buffer = HeaderBuffer::new();
        let header = Header::read(header, &mut buffer).ok();
        header
            .and_then(|header| header.kid)
            .is_some_and(|key_id| self.find(&key_id).is_none())
    }

    /// Another one after every change.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the key that the header chooses made the signature, and the token is of an accepted
    /// type.
    pub(in crate::jwt) fn verify(
        &self,
        token: &Compact<'_>,
        types: Option<&[Box<str>]>,
    ) -> Result<(), RejectReason> {
        // What is known of headers, others share, who may accept other types.
        let known = match types {
            None => self.known.key_of(token.header),
            Some(_) => None,
        };
        let (position, key) = match known.and_then(|known| Some((known, self.keys.get(known)?))) {
            Some(known) => known,
            None => self.choose(token.header, types)?,
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

    /// The key that an encoded header asks for, if it asks for nothing else.
    fn choose(
        &self,
        header: &str,
        types: Option<&[Box<str>]>,
    ) -> Result<(usize, &VerifyingKey), RejectReason> {
        let mut buffer = HeaderBuffer::new();
        let header = Header::read(header, &mut buffer)?;
        header.check_type(types)?;
        self.key_for(header.kid.as_deref(), header.alg.as_deref())
    }

    /// The key of this id and this algorithm. A token selects among the pairs that the keys have; it
    /// gives no key another algorithm.
    fn key_for(
        &self,
        asked: Option<&str>,
        alg: Option<&str>,
    ) -> Result<(usize, &VerifyingKey), RejectReason> {
        // An id that is not told is no other id.
        let (id, is_open) = match &self.choice {
            Choice::ById { default } => {
                let id = asked.or(default.as_deref());
                (Some(id.ok_or(RejectReason::NoKeyId)?), false)
            }
            Choice::ByFit => (asked, asked.is_none_or(|asked| self.find(asked).is_none())),
        };
        let keys = self.keys.iter().enumerate();
        let mut named = keys
            .filter(|(_, key)| match key.kid() {
                Some(ours) => id.is_none_or(|id| ours == id),
                None => is_open,
            })
            .peekable();
        if named.peek().is_none() {
            return Err(RejectReason::KeyId);
        }
        let mut fitting =
            named.filter(|(_, key)| alg.is_some_and(|alg| key.algorithm().is_named(alg)));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(RejectReason::Algorithm),
            // Under one id no two have one algorithm, so that these have different ids or none.
            (Some(_), Some(_)) => Err(asked.map_or(RejectReason::NoKeyId, |_| RejectReason::KeyId)),
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

    /// Only these from now on. A default that is among them stays it.
    pub(crate) fn set_keys(&mut self, keys: Vec<VerifyingKey>) -> Result<(), ConfigError> {
        self.keys.clear();
        for key in keys {
            if !self.has(&key) {
                self.add(key)?;
            }
        }
        if let Choice::ById { default } = &mut self.choice {
            default.take_if(|default| !self.keys.iter().any(|key| key.kid() == Some(default)));
        }
        Ok(())
    }

    /// Says whether the key was there.
    pub(crate) fn remove(&mut self, key_id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.kid() != Some(key_id));
        if let Choice::ById { default } = &mut self.choice {
            default.take_if(|default| **default == *key_id);
        }
        self.keys.len() < before
    }

    pub(crate) fn set_default(&mut self, key_id: &str) -> Result<(), ConfigError> {
        if self.find(key_id).is_none() {
            return Err(ConfigError::UnknownKeyId(key_id.to_owned()));
        }
        self.choice = Choice::ById {
            default: Some(key_id.into()),
        };
        Ok(())
    }
}

/// A JSON Web Key Set (RFC 7517, section 5), and what tells it from others.
pub(crate) struct JwkSetDocument {
    pub(crate) json: String,
    /// A strong entity tag (RFC 9110, section 8.8.3).
    pub(crate) etag: String,
}

impl JwkSetDocument {
    /// Of the public keys. Secrets are left out: whoever knows one can sign.
    fn of(keys: &[VerifyingKey]) -> Self {
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
