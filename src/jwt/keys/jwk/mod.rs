//! Parsing of one JSON Web Key (RFC 7517), before its key material is validated.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Curve, KeyType};
use super::secret::HmacSecret;
use crate::error::ConfigError;
use crate::jwt::strict_json;

/// Members of a JWK for signatures. Key material is borrowed, so that no copy of it remains in
/// memory. `null` means absent: some servers write every member, with or without a value.
#[derive(Deserialize)]
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "rust-crypto")),
    expect(
        dead_code,
        reason = "public members are read by the backends' key formats"
    )
)]
pub(super) struct Jwk<'a> {
    kty: Cow<'a, str>,
    crv: Option<Cow<'a, str>>,
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    #[serde(rename = "use")]
    usage: Option<Cow<'a, str>>,
    key_ops: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    pub(super) x: Option<&'a str>,
    #[serde(borrow)]
    pub(super) y: Option<&'a str>,
    #[serde(borrow)]
    pub(super) n: Option<&'a str>,
    #[serde(borrow)]
    pub(super) e: Option<&'a str>,
    #[serde(borrow)]
    pub(super) d: Option<&'a str>,
    #[serde(borrow)]
    pub(super) p: Option<&'a str>,
    #[serde(borrow)]
    pub(super) q: Option<&'a str>,
    #[serde(borrow)]
    pub(super) dp: Option<&'a str>,
    #[serde(borrow)]
    pub(super) dq: Option<&'a str>,
    #[serde(borrow)]
    pub(super) qi: Option<&'a str>,
    #[serde(borrow)]
    k: Option<&'a str>,
    pub(super) oth: Option<serde::de::IgnoredAny>,
}

/// Intended use of a key, as in `key_ops` (RFC 7517, section 4.3).
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Sign,
    Verify,
}

impl<'a> Jwk<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, ConfigError> {
        strict_json::deserialize_object(json).ok_or(ConfigError::InvalidKey(
            "give one JWK: a JSON object whose members have the types in RFC 7517, once each",
        ))
    }

    /// Returns `alg`, or the only algorithm of `kty` and `crv`; for RSA without `alg`, `rsa`.
    pub(super) fn algorithm(&self, rsa: Option<Algorithm>) -> Result<Algorithm, ConfigError> {
        let key_type = self.key_type()?;
        let Some(alg) = &self.alg else {
            return match (key_type, rsa) {
                (KeyType::Ec(Curve::P256), _) => Ok(Algorithm::ES256),
                (KeyType::Ec(Curve::P384), _) => Ok(Algorithm::ES384),
                (KeyType::Ed25519, _) => Ok(Algorithm::EdDSA),
                (KeyType::Rsa, Some(rsa)) => Ok(rsa),
                (KeyType::Rsa | KeyType::Hmac, _) => Err(ConfigError::InvalidKey(
                    "add `alg` to the JWK: its `kty` allows several algorithms",
                )),
            };
        };
        let algorithm = Algorithm::from_name(alg).ok_or(ConfigError::InvalidKey(
            "the `alg` of the JWK is not a signature algorithm that is supported",
        ))?;
        if algorithm.key_type() != key_type {
            return Err(ConfigError::KeyTypeMismatch(algorithm.as_str()));
        }
        Ok(algorithm)
    }

    /// Checks `use` and `key_ops`, which are optional (RFC 7517, sections 4.2 and 4.3).
    pub(super) fn check_use(&self, operation: Operation) -> Result<(), ConfigError> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(ConfigError::InvalidKey(
                "the JWK is not for signatures: its `use` is not `sig`",
            ));
        }
        let (name, reason) = match operation {
            Operation::Sign => ("sign", "the `key_ops` of the JWK do not contain `sign`"),
            Operation::Verify => ("verify", "the `key_ops` of the JWK do not contain `verify`"),
        };
        match &self.key_ops {
            Some(allowed) if !allowed.iter().any(|one| one == name) => {
                Err(ConfigError::InvalidKey(reason))
            }
            _ => Ok(()),
        }
    }

    /// Rejects private keys and secrets: published ones have leaked, and let every reader sign.
    pub(super) fn reject_private(&self) -> Result<(), ConfigError> {
        let private = [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.k];
        if private.iter().any(Option::is_some) || self.oth.is_some() || self.kty == "oct" {
            return Err(ConfigError::InvalidKey(
                "the JWK is private; publish only the public members, or read it as a signing key",
            ));
        }
        Ok(())
    }

    pub(super) fn key_id(&self) -> Option<Arc<str>> {
        self.kid.as_deref().map(Arc::from)
    }

    /// Returns `true` if the key is declared to be for encryption (RFC 7517, section 4.2; RFC 7518,
    /// section 4.1; RFC 8037, section 2): issuers publish such keys beside the others.
    #[cfg(any(feature = "jwks", feature = "jsonwebtoken"))]
    pub(super) fn is_for_encryption(&self) -> bool {
        const ALGORITHMS: [&str; 3] = ["RSA-OAEP", "RSA1_5", "ECDH-ES"];
        let alg = self.alg.as_deref().unwrap_or_default();
        let crv = self.crv.as_deref().unwrap_or_default();
        match self.usage.as_deref() {
            Some(usage) => usage == "enc",
            None => {
                ALGORITHMS.iter().any(|prefix| alg.starts_with(prefix))
                    || matches!(crv, "X25519" | "X448")
            }
        }
    }

    /// Returns the secret of an `oct` key (RFC 7518, section 6.4.1).
    pub(super) fn secret(&self) -> Result<HmacSecret, ConfigError> {
        let mut bytes = decode(self.k)?;
        HmacSecret::new(std::mem::take(&mut *bytes))
    }

    fn key_type(&self) -> Result<KeyType, ConfigError> {
        match (&*self.kty, self.crv.as_deref()) {
            ("oct", None) => Ok(KeyType::Hmac),
            ("RSA", None) => Ok(KeyType::Rsa),
            ("EC", Some("P-256")) => Ok(KeyType::Ec(Curve::P256)),
            ("EC", Some("P-384")) => Ok(KeyType::Ec(Curve::P384)),
            ("OKP", Some("Ed25519")) => Ok(KeyType::Ed25519),
            _ => Err(ConfigError::InvalidKey(
                "the JWK must be RSA, oct, EC with P-256 or P-384, or OKP with Ed25519",
            )),
        }
    }
}

/// Decodes strict base64url (RFC 7515, section 2) of a required member.
pub(super) fn decode(member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let text = member
        .filter(|text| !text.is_empty())
        .ok_or(ConfigError::InvalidKey(
            "a member that the `kty` of the JWK requires is missing or empty",
        ))?;
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes
        .map(Zeroizing::new)
        .map_err(|_| ConfigError::InvalidKey(decode_error(text)))
}

fn decode_error(text: &str) -> &'static str {
    if text.ends_with('=') {
        "a member of the JWK is padded base64url; remove the `=` at its end"
    } else if text.contains(['+', '/']) {
        "a member of the JWK is base64; use base64url: `-` for `+`, `_` for `/`"
    } else {
        "a member of the JWK is not base64url without padding"
    }
}

#[cfg(test)]
mod tests;
