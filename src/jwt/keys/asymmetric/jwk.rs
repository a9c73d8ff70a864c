//! Key material in JWK (RFC 7518, section 6; RFC 8037, section 2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve, KeyType};
use crate::jwt::keys::jwk::{Jwk, decode};

use super::key::{MORE_PRIMES, PrivateKey, PublicKey, RsaPublic};

impl PublicKey {
    pub(in crate::jwt::keys) fn from_jwk(
        algorithm: Algorithm,
        jwk: &Jwk<'_>,
    ) -> Result<Self, ConfigError> {
        match algorithm.key_type() {
            KeyType::Ec(curve) => Self::ec(curve, &point(curve, jwk)?),
            KeyType::Ed25519 => Self::ed25519(&decode(jwk.x)?),
            KeyType::Rsa => rsa(jwk).map(Self::Rsa),
            KeyType::Hmac => Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        }
    }

    /// Returns `kty` and the numbers, in the form that `from_jwk` reads.
    pub(in crate::jwt::keys) fn jwk_members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: &str| members.insert(name.to_owned(), value.into());
        match self {
            Self::Ec(curve, point) => {
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                put("kty", "EC");
                put("crv", curve.as_str());
                put("x", &encode(x));
                put("y", &encode(y));
            }
            Self::Ed25519(bytes) => {
                put("kty", "OKP");
                put("crv", "Ed25519");
                put("x", &encode(bytes));
            }
            Self::Rsa(key) => {
                put("kty", "RSA");
                put("n", &encode(&key.n));
                put("e", &encode(&key.e));
            }
        }
        members
    }
}

impl Curve {
    const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }
}

impl PrivateKey {
    pub(in crate::jwt::keys) fn from_jwk(
        algorithm: Algorithm,
        jwk: &Jwk<'_>,
    ) -> Result<Self, ConfigError> {
        match algorithm.key_type() {
            KeyType::Ec(curve) => Self::ec(curve, &secret(jwk)?, Some(&point(curve, jwk)?)),
            KeyType::Ed25519 => Self::ed25519(&secret(jwk)?, Some(&decode(jwk.x)?)),
            KeyType::Rsa => Self::rsa_from_jwk(jwk),
            KeyType::Hmac => Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        }
    }

    fn rsa_from_jwk(jwk: &Jwk<'_>) -> Result<Self, ConfigError> {
        let d = secret(jwk)?;
        let [Some(_), Some(_), Some(_), Some(_), Some(_)] = [jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi]
        else {
            return Err(ConfigError::InvalidKey(
                "a private RSA JWK needs `p`, `q`, `dp`, `dq` and `qi` beside `d`",
            ));
        };
        if jwk.oth.is_some() {
            return Err(MORE_PRIMES);
        }
        let (p, q) = (decode(jwk.p)?, decode(jwk.q)?);
        let (dp, dq, qi) = (decode(jwk.dp)?, decode(jwk.dq)?, decode(jwk.qi)?);
        Ok(Self::rsa(rsa(jwk)?, [&d, &p, &q, &dp, &dq, &qi]))
    }
}

fn rsa(jwk: &Jwk<'_>) -> Result<RsaPublic, ConfigError> {
    // Leading zeros are accepted, although RFC 7518, section 2, excludes them: some servers keep the
    // sign byte of DER, and the number is the same.
    RsaPublic::new(&decode(jwk.n)?, &decode(jwk.e)?)
}

fn secret(jwk: &Jwk<'_>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    if jwk.d.is_none() {
        return Err(ConfigError::InvalidKey(
            "the JWK is public; a signing key needs the private JWK, with `d`",
        ));
    }
    decode(jwk.d)
}

/// Reads a point, whose coordinates must have full length (RFC 7518, section 6.2.1.2).
fn point(curve: Curve, jwk: &Jwk<'_>) -> Result<Vec<u8>, ConfigError> {
    let (x, y) = (decode(jwk.x)?, decode(jwk.y)?);
    if x.len() != curve.bytes() || y.len() != curve.bytes() {
        return Err(ConfigError::InvalidKey(
            "the coordinates of the JWK do not have the length that its `crv` requires",
        ));
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
