//! The key that makes signatures.

use std::fmt;
use std::sync::Arc;

use super::secret::HmacSecret;
use crate::error::ConfigError;

use super::algorithm::{Algorithm, Family};
use super::asymmetric::{self, PrivateKey};
use super::hmac::HmacKey;
use super::jwk::{Jwk, Operation};
use super::verifying::VerifyingKey;

/// A key that signs tokens.
///
/// It has one algorithm, and is held to the same rules as a [`VerifyingKey`]. `Debug` does not
/// show it, and it is overwritten when the last copy goes.
///
/// ```
/// use tower_warder::HmacSecret;
/// use tower_warder::keys::SigningKey;
///
/// let key = SigningKey::hs256(&HmacSecret::generate()).key_id("2026-01");
/// assert!(format!("{key:?}").contains("[redacted]"));
/// ```
#[derive(Clone)]
pub struct SigningKey {
    verifying: VerifyingKey,
    signer: Signer,
}

impl SigningKey {
    /// A key for HS256.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::from_hmac(HmacKey::sha256(secret))
    }

    /// A key for HS384, from a secret of at least 48 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs384(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha384(secret).map(Self::from_hmac)
    }

    /// A key for HS512, from a secret of at least 64 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs512(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha512(secret).map(Self::from_hmac)
    }

    /// A new key from the operating system's randomness, for every algorithm but those of RSA.
    ///
    /// It lives in this process only: for keys that rotate so often that nobody keeps them. After a
    /// restart its tokens are refused. One that is to stay is made once, with
    /// `openssl genpkey -algorithm ed25519` for example, and read with [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidKey`] for RSA,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that brings the algorithm.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness, as [`HmacSecret::generate`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        match algorithm.family() {
            Family::Hmac => Self::from_secret(algorithm, &HmacSecret::generate()),
            Family::Rsa => Err(ConfigError::InvalidKey(
                "make an RSA key with `openssl genpkey -algorithm rsa`, or one of Ed25519",
            )),
            Family::Ec(_) | Family::Ed25519 => {
                // Of elliptic curves one in four thousand million draws is out of range.
                Self::draw(algorithm).or_else(|_| Self::draw(algorithm))
            }
        }
    }

    /// Reads one unencrypted PEM block: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, the
    /// last with or without `EC PARAMETERS` before it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidKey`] where the key is malformed or weak,
    /// [`ConfigError::KeyTypeMismatch`] where it is not one for `algorithm`,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that brings the algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = PrivateKey::from_pem(algorithm.asymmetric()?, pem.as_ref())?;
        Self::from_private(algorithm, &key)
    }

    /// Reads unencrypted DER: PKCS#8, or PKCS#1 for RSA, or SEC 1 for ECDSA.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let key = PrivateKey::from_der(algorithm.asymmetric()?, der.as_ref())?;
        Self::from_private(algorithm, &key)
    }

    /// Reads one private JWK (RFC 7517, section 4) as JSON text, `"kty":"oct"` included. Its
    /// `kid` becomes the key id.
    ///
    /// The algorithm is `alg`; elliptic curves do without, because `crv` says it.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); where `use`, `key_ops`, `alg` or `crv` contradict the
    /// rest of the key; for `oct` as [`HmacSecret::new`] and [`hs512`](Self::hs512).
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let jwk = Jwk::parse(json.as_ref())?;
        jwk.check_use(Operation::Sign)?;
        let algorithm = jwk.algorithm(None)?;
        let key = match algorithm.family() {
            Family::Hmac => Self::from_secret(algorithm, &jwk.secret()?)?,
            Family::Ec(_) | Family::Rsa | Family::Ed25519 => {
                Self::from_private(algorithm, &PrivateKey::from_jwk(algorithm, &jwk)?)?
            }
        };
        Ok(Self {
            verifying: key.verifying.with_key_id(jwk.key_id()),
            signer: key.signer,
        })
    }

    /// Names the key: `kid` in the header of the tokens that it signs.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.verifying = self.verifying.key_id(key_id);
        self
    }

    /// The key that verifies what this one signs, of the same id.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.verifying.kid()
    }

    /// The signature over `message`; `None` where the backend fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.signer {
            Signer::Hmac(key) => Some(key.sign(message)),
            Signer::Asymmetric(key) => key.sign(message),
        }
    }

    fn draw(algorithm: Algorithm) -> Result<Self, ConfigError> {
        let random = HmacSecret::generate();
        let key = PrivateKey::from_random(algorithm, random.as_bytes())?;
        Self::from_private(algorithm, &key)
    }

    pub(in crate::jwt) fn from_secret(
        algorithm: Algorithm,
        secret: &HmacSecret,
    ) -> Result<Self, ConfigError> {
        match algorithm {
            Algorithm::HS256 => Ok(Self::hs256(secret)),
            Algorithm::HS384 => Self::hs384(secret),
            Algorithm::HS512 => Self::hs512(secret),
            other => Err(ConfigError::KeyTypeMismatch(other.as_str())),
        }
    }

    fn from_hmac(key: HmacKey) -> Self {
        Self {
            verifying: VerifyingKey::from_hmac(key.clone()),
            signer: Signer::Hmac(key),
        }
    }

    fn from_private(algorithm: Algorithm, key: &PrivateKey) -> Result<Self, ConfigError> {
        let (signer, public) = asymmetric::pair(algorithm, key)?;
        Ok(Self {
            verifying: VerifyingKey::from_public(algorithm, public)?,
            signer: Signer::Asymmetric(signer),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.kid())
            .field("key", &format_args!("[redacted]"))
            .finish()
    }
}

#[derive(Clone)]
enum Signer {
    Hmac(HmacKey),
    Asymmetric(asymmetric::Signer),
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn hmac_keys_verify_what_they_signed_and_nothing_else() {
        let secret = HmacSecret::generate();
        for (key, other) in [
            (
                SigningKey::hs256(&secret),
                VerifyingKey::hs384(&secret).unwrap(),
            ),
            (
                SigningKey::hs384(&secret).unwrap(),
                VerifyingKey::hs512(&secret).unwrap(),
            ),
            (
                SigningKey::hs512(&secret).unwrap(),
                VerifyingKey::hs256(&secret),
            ),
        ] {
            let mut signature = key.sign(b"message").unwrap();
            assert!(key.verifying_key().verify(b"message", &signature));
            assert!(!key.verifying_key().verify(b"Message", &signature));
            assert!(!other.verify(b"message", &signature));
            signature[0] ^= 1;
            assert!(!key.verifying_key().verify(b"message", &signature));
        }
    }

    #[test]
    fn the_key_id_goes_with_the_key() {
        let key = SigningKey::hs256(&HmacSecret::generate());
        assert_eq!(key.kid(), None);
        let key = key.key_id("a");
        assert_eq!(
            (key.kid(), key.verifying_key().kid()),
            (Some("a"), Some("a"))
        );
        assert_eq!(key.verifying_key().key_id("b".to_owned()).kid(), Some("b"));
    }

    #[test]
    fn debug_of_hmac_keys_does_not_show_the_secret() {
        let secret = HmacSecret::new("yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L").unwrap();
        let key = SigningKey::hs256(&secret).key_id("a");
        for shown in [
            format!("{key:?}"),
            format!("{key:#?}"),
            format!("{:?}", key.verifying_key()),
            format!("{:#?}", key.verifying_key()),
        ] {
            let bytes = secret.as_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            for form in [
                String::from_utf8(bytes.to_vec()).unwrap(),
                hex,
                format!("{bytes:?}"),
                STANDARD_NO_PAD.encode(bytes),
                URL_SAFE_NO_PAD.encode(bytes),
            ] {
                assert!(!shown.contains(&form), "{shown}");
            }
            assert!(
                shown.contains("[redacted]") && shown.contains("HS256"),
                "{shown}"
            );
        }
    }

    #[test]
    fn keys_are_shared_between_threads() {
        fn shared<T: Send + Sync + Clone + 'static>() {}
        shared::<SigningKey>();
        shared::<VerifyingKey>();
    }
}
