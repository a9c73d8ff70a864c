//! One JSON Web Key (RFC 7517), before it is known to be sound.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::secret::HmacSecret;
use crate::error::ConfigError;
use crate::jwt::strict_json;

use super::algorithm::{Algorithm, Curve, Family};

/// The members that signatures need. Key material is borrowed, so that no copy of it is left. `null`
/// is absence: some servers write every member of their key type, with or without a value.
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

/// What a key is read for, in the words of `key_ops`.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Sign,
    Verify,
}

impl<'a> Jwk<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, ConfigError> {
        strict_json::deserialize_object(json).ok_or(ConfigError::InvalidKey(
            "give one JWK: a JSON object whose members are of the types in RFC 7517, once each",
        ))
    }

    /// `alg`, or what `kty` and `crv` leave no choice about; for RSA, where they do, `rsa`.
    pub(super) fn algorithm(&self, rsa: Option<Algorithm>) -> Result<Algorithm, ConfigError> {
        let family = self.family()?;
        let Some(alg) = &self.alg else {
            return match (family, rsa) {
                (Family::Ec(Curve::P256), _) => Ok(Algorithm::ES256),
                (Family::Ec(Curve::P384), _) => Ok(Algorithm::ES384),
                (Family::Ed25519, _) => Ok(Algorithm::EdDSA),
                (Family::Rsa, Some(rsa)) => Ok(rsa),
                (Family::Rsa | Family::Hmac, _) => Err(ConfigError::InvalidKey(
                    "add `alg` to the JWK: its `kty` leaves a choice of algorithms",
                )),
            };
        };
        let algorithm = Algorithm::from_name(alg).ok_or(ConfigError::InvalidKey(
            "the `alg` of the JWK is not a signature algorithm that we know",
        ))?;
        if algorithm.family() != family {
            return Err(ConfigError::KeyTypeMismatch(algorithm.as_str()));
        }
        Ok(algorithm)
    }

    /// RFC 7517, sections 4.2 and 4.3: a key says what it is for, or nothing.
    pub(super) fn check_use(&self, operation: Operation) -> Result<(), ConfigError> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(ConfigError::InvalidKey(
                "the JWK is not for signatures: its `use` is not `sig`",
            ));
        }
        let (name, refusal) = match operation {
            Operation::Sign => ("sign", "the `key_ops` of the JWK do not have `sign`"),
            Operation::Verify => ("verify", "the `key_ops` of the JWK do not have `verify`"),
        };
        match &self.key_ops {
            Some(allowed) if !allowed.iter().any(|one| one == name) => {
                Err(ConfigError::InvalidKey(refusal))
            }
            _ => Ok(()),
        }
    }

    /// A private key among public ones is a leak, and a secret among them would let everybody
    /// sign who can read it.
    pub(super) fn refuse_private(&self) -> Result<(), ConfigError> {
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

    /// Whether the key says that it is none for signatures (RFC 7517, section 4.2; RFC 7518,
    /// section 4.1; RFC 8037, section 2): an issuer publishes such keys beside the others.
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

    /// The secret of an `oct` key (RFC 7518, section 6.4.1).
    pub(super) fn secret(&self) -> Result<HmacSecret, ConfigError> {
        let mut bytes = decode(self.k)?;
        HmacSecret::new(std::mem::take(&mut *bytes))
    }

    fn family(&self) -> Result<Family, ConfigError> {
        match (&*self.kty, self.crv.as_deref()) {
            ("oct", None) => Ok(Family::Hmac),
            ("RSA", None) => Ok(Family::Rsa),
            ("EC", Some("P-256")) => Ok(Family::Ec(Curve::P256)),
            ("EC", Some("P-384")) => Ok(Family::Ec(Curve::P384)),
            ("OKP", Some("Ed25519")) => Ok(Family::Ed25519),
            _ => Err(ConfigError::InvalidKey(
                "the JWK is to be RSA, oct, EC with P-256 or P-384, or OKP with Ed25519",
            )),
        }
    }
}

/// Strict base64url (RFC 7515, section 2) of a member that has to be there.
pub(super) fn decode(member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let text = member
        .filter(|text| !text.is_empty())
        .ok_or(ConfigError::InvalidKey(
            "a member that the `kty` of the JWK asks for is missing or empty",
        ))?;
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes
        .map(Zeroizing::new)
        .map_err(|_| ConfigError::InvalidKey(why_undecoded(text)))
}

fn why_undecoded(text: &str) -> &'static str {
    if text.ends_with('=') {
        "a member of the JWK is padded base64url; leave out the `=` at its end"
    } else if text.contains(['+', '/']) {
        "a member of the JWK is base64; write base64url: `-` for `+`, `_` for `/`"
    } else {
        "a member of the JWK is not base64url without padding"
    }
}

#[cfg(test)]
mod tests;
