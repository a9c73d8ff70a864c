//! One JSON Web Key (RFC 7517), before it is known to be sound.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::secret::Secret;
use crate::token::json;

use super::algorithm::{Algorithm, Curve, Family};

/// The members that signatures need. Key material is borrowed, so that no copy of it is left.
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
    #[serde(default, deserialize_with = "present")]
    crv: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    alg: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present", rename = "use")]
    usage: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    key_ops: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) x: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) y: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) n: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) e: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) d: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) p: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) q: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) dp: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) dq: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) qi: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "present")]
    k: Option<&'a str>,
    #[serde(default, deserialize_with = "present")]
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
        json::deserialize_object(json).ok_or(ConfigError::InvalidKey(
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
            return Err(ConfigError::WrongKeyFamily(algorithm.as_str()));
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

    /// The secret of an `oct` key (RFC 7518, section 6.4.1).
    pub(super) fn secret(&self) -> Result<Secret, ConfigError> {
        let mut bytes = decode(self.k)?;
        Secret::new(std::mem::take(&mut *bytes))
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
    member
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|bytes| !bytes.is_empty())
        .map(Zeroizing::new)
        .ok_or(ConfigError::InvalidKey(
            "a member of the JWK is missing, empty or not base64url without padding",
        ))
}

/// Like `Option`, but `null` is a wrong type, not an absent member.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests;
