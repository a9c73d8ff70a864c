//! Signing keys.

use std::fmt;
use std::sync::Arc;

use super::algorithm::{Algorithm, KeyType};
use super::asymmetric::{self, PrivateKey};
use super::hmac::HmacKey;
use super::jwk::{Jwk, Operation};
use super::secret::HmacSecret;
use super::verifying::VerifyingKey;
use crate::error::ConfigError;

/// Key that signs tokens.
///
/// It has one algorithm and passes the same checks as a [`VerifyingKey`]. `Debug` redacts the key,
/// and its memory is overwritten when the last copy is dropped.
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
    /// Creates a key for HS256.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::from_hmac(HmacKey::sha256(secret))
    }

    /// Creates a key for HS384, from a secret of at least 48 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs384(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha384(secret).map(Self::from_hmac)
    }

    /// Creates a key for HS512, from a secret of at least 64 bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretTooShort`].
    pub fn hs512(secret: &HmacSecret) -> Result<Self, ConfigError> {
        HmacKey::sha512(secret).map(Self::from_hmac)
    }

    /// Generates a key from the operating system's randomness, for every algorithm except RSA.
    ///
    /// The key exists in this process only: after a restart its tokens are rejected. For a key that
    /// outlives the process, create one once, for example with
    /// `openssl genpkey -algorithm ed25519`, and read it with [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidKey`] for RSA,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that provides the algorithm.
    ///
    /// # Panics
    ///
    /// If the operating system provides no randomness, as [`HmacSecret::generate`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        match algorithm.key_type() {
            KeyType::Hmac => Self::from_secret(algorithm, &HmacSecret::generate()),
            KeyType::Rsa => Err(ConfigError::InvalidKey(
                "make an RSA key with `openssl genpkey -algorithm rsa`, or use Ed25519",
            )),
            KeyType::Ec(_) | KeyType::Ed25519 => {
                // For P-256, one random scalar in 2^32 is out of range: then a second attempt.
                Self::try_generate(algorithm).or_else(|_| Self::try_generate(algorithm))
            }
        }
    }

    /// Reads one unencrypted PEM block: `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, the
    /// last with or without `EC PARAMETERS` before it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidKey`] if the key is malformed or weak,
    /// [`ConfigError::KeyTypeMismatch`] if it is not a key for `algorithm`,
    /// [`ConfigError::UnsupportedAlgorithm`] without a feature that provides the algorithm.
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

    /// Reads one private JWK (RFC 7517, section 4) as JSON text, including `"kty":"oct"`. Its
    /// `kid` becomes the key id.
    ///
    /// The algorithm is `alg`; for elliptic curves it is optional, because `crv` implies it.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); if `use`, `key_ops`, `alg` or `crv` contradict the rest of
    /// the key; for `oct` as [`HmacSecret::new`] and [`hs512`](Self::hs512).
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let jwk = Jwk::parse(json.as_ref())?;
        jwk.check_use(Operation::Sign)?;
        let algorithm = jwk.algorithm(None)?;
        let key = match algorithm.key_type() {
            KeyType::Hmac => Self::from_secret(algorithm, &jwk.secret()?)?,
            KeyType::Ec(_) | KeyType::Rsa | KeyType::Ed25519 => {
                Self::from_private(algorithm, &PrivateKey::from_jwk(algorithm, &jwk)?)?
            }
        };
        Ok(Self {
            verifying: key.verifying.with_key_id(jwk.key_id()),
            signer: key.signer,
        })
    }

    /// Sets the key id: `kid` in the header of the tokens that the key signs.
    #[doc(alias = "kid")]
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.verifying = self.verifying.key_id(key_id);
        self
    }

    /// Returns the key that verifies tokens of this key, with the same id.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.verifying.kid()
    }

    /// Signs `message`; `None` if the backend fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.signer {
            Signer::Hmac(key) => Some(key.sign(message)),
            Signer::Asymmetric(key) => key.sign(message),
        }
    }

    fn try_generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
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
    fn hmac_key_verifies_only_its_own_signatures() {
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
    fn key_id_is_shared_with_the_verifying_key() {
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
    fn debug_of_hmac_key_redacts_the_secret() {
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
    fn keys_are_send_and_sync() {
        fn shared<T: Send + Sync + Clone + 'static>() {}
        shared::<SigningKey>();
        shared::<VerifyingKey>();
    }
}
