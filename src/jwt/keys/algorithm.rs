//! Signature algorithms.

use std::fmt;

use crate::error::ConfigError;

/// The signature algorithms of RFC 7518, section 3.1, and RFC 8037.
///
/// HMAC is always available; the others need the feature `aws-lc-rs` or `rust-crypto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// EdDSA on Ed25519. The name `Ed25519` (RFC 9864) is read as the same algorithm.
    EdDSA,
}

impl Algorithm {
    /// Returns the name in a token's header (`alg`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::EdDSA => "EdDSA",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|algorithm| algorithm.is_named(name))
    }

    /// Returns `true` if the `alg` of a token or a JWK means this algorithm. The only curve for EdDSA
    /// here is Ed25519, so that `Ed25519` is the same algorithm (RFC 9864, section 2.2).
    pub(in crate::jwt) fn is_named(self, name: &str) -> bool {
        self.as_str() == name || (self == Self::EdDSA && name == "Ed25519")
    }

    pub(super) const fn key_type(self) -> KeyType {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => KeyType::Hmac,
            Self::ES256 => KeyType::Ec(Curve::P256),
            Self::ES384 => KeyType::Ec(Curve::P384),
            Self::RS256 | Self::RS384 | Self::RS512 => KeyType::Rsa,
            Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::EdDSA => KeyType::Ed25519,
        }
    }

    /// Rejects HMAC: its secret is never read from a PEM or DER key, least of all a public one.
    pub(in crate::jwt) fn asymmetric(self) -> Result<Self, ConfigError> {
        match self.key_type() {
            KeyType::Hmac => Err(ConfigError::KeyTypeMismatch(self.as_str())),
            KeyType::Ec(_) | KeyType::Rsa | KeyType::Ed25519 => Ok(self),
        }
    }
}

#[cfg(feature = "jwks")]
impl Algorithm {
    pub(in crate::jwt) fn is_rsa(self) -> bool {
        self.key_type() == KeyType::Rsa
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Key types (`kty`, RFC 7518, section 6.1), with their curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Hmac,
    Ec(Curve),
    Rsa,
    Ed25519,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

pub(in crate::jwt) const ALL: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::EdDSA,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithm_is_found_by_exact_name_only() {
        for algorithm in ALL {
            assert_eq!(
                Algorithm::from_name(&algorithm.to_string()),
                Some(algorithm)
            );
        }
        for unknown in [
            "", "none", "None", "hs256", "HS256 ", "ES512", "ES256K", "EDDSA", "ed25519", "Ed448",
        ] {
            assert_eq!(Algorithm::from_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn ed25519_is_an_alias_of_eddsa_only() {
        for algorithm in ALL {
            let is_eddsa = algorithm == Algorithm::EdDSA;
            assert_eq!(algorithm.is_named("Ed25519"), is_eddsa, "{algorithm}");
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDSA));
    }
}
