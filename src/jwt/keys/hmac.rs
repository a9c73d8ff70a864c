//! HMAC keys, with the two padded key blocks hashed in advance.

use std::sync::Arc;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};

use super::algorithm::Algorithm;
use super::secret::HmacSecret;
use crate::error::ConfigError;

#[derive(Clone)]
pub(super) enum HmacKey {
    Sha256(Arc<Hmac<Sha256>>),
    Sha384(Arc<Hmac<Sha384>>),
    Sha512(Arc<Hmac<Sha512>>),
}

impl HmacKey {
    pub(super) fn sha256(secret: &HmacSecret) -> Self {
        // A `HmacSecret` is never shorter than HS256 requires (RFC 7518, section 3.2).
        Self::Sha256(prepare(secret.as_bytes()))
    }

    pub(super) fn sha384(secret: &HmacSecret) -> Result<Self, ConfigError> {
        Ok(Self::Sha384(prepare(at_least(48, secret)?)))
    }

    pub(super) fn sha512(secret: &HmacSecret) -> Result<Self, ConfigError> {
        Ok(Self::Sha512(prepare(at_least(64, secret)?)))
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::HS256,
            Self::Sha384(_) => Algorithm::HS384,
            Self::Sha512(_) => Algorithm::HS512,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256(key) => mac(key, message).finalize().into_bytes().to_vec(),
            Self::Sha384(key) => mac(key, message).finalize().into_bytes().to_vec(),
            Self::Sha512(key) => mac(key, message).finalize().into_bytes().to_vec(),
        }
    }

    /// Returns `true` if both keys make the same MACs.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        // Not a signing input of any token: it has no dots.
        const PROBE: &[u8] = b"tower-warder";
        self.algorithm() == other.algorithm() && self.verify(PROBE, &other.sign(PROBE))
    }

    /// Compares in constant time. A MAC of another length does not match.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha256(key) => mac(key, message).verify_slice(signature).is_ok(),
            Self::Sha384(key) => mac(key, message).verify_slice(signature).is_ok(),
            Self::Sha512(key) => mac(key, message).verify_slice(signature).is_ok(),
        }
    }
}

impl HmacSecret {
    /// Returns the HMAC of a text with SHA-256. It must not be the signing input of a token.
    pub(crate) fn hmac_sha256(&self, text: &[u8]) -> [u8; 32] {
        let key = prepare::<Hmac<Sha256>>(self.as_bytes());
        mac(&key, text).finalize().into_bytes().into()
    }
}

/// Requires a secret at least as long as the hash (RFC 7518, section 3.2).
fn at_least(needed: usize, secret: &HmacSecret) -> Result<&[u8], ConfigError> {
    let bytes = secret.as_bytes();
    if bytes.len() < needed {
        return Err(ConfigError::SecretTooShort {
            needed,
            given: bytes.len(),
        });
    }
    Ok(bytes)
}

#[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
fn prepare<M: KeyInit>(bytes: &[u8]) -> Arc<M> {
    Arc::new(M::new_from_slice(bytes).expect("HMAC accepts keys of any length"))
}

fn mac<M: Mac + Clone>(key: &Arc<M>, message: &[u8]) -> M {
    M::clone(key).chain_update(message)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes(base64url: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(base64url).unwrap()
    }

    fn secret(length: usize) -> HmacSecret {
        let generated = HmacSecret::generate();
        HmacSecret::new(&generated.as_bytes()[..length]).unwrap()
    }

    #[test]
    fn hs256_agrees_with_rfc_7515_appendix_a_1() {
        let secret = HmacSecret::new(bytes(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        ))
        .unwrap();
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
            cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let key = HmacKey::sha256(&secret);
        assert_eq!(key.sign(message), signature);
        assert!(key.verify(message, &signature));
    }

    // RFC 4231, section 4.3: the key is too short for a `HmacSecret`, so it is prepared directly.
    #[test]
    fn hs384_and_hs512_agree_with_rfc_4231_test_case_2() {
        let message = b"what do ya want for nothing?";
        assert_eq!(
            HmacKey::Sha384(prepare(b"Jefe")).sign(message),
            bytes("r0XS43ZIQDFhf3jStYprG5x-9GT1oBtH5C7Dc2MiRF6OIkDKXmnix4syOez6shZJ")
        );
        assert_eq!(
            HmacKey::Sha512(prepare(b"Jefe")).sign(message),
            bytes(
                "Fkt6e_z4GeLjlfvnO1bgo4e9ZCIugx_WECcM1-olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw"
            )
        );
    }

    #[test]
    fn secret_shorter_than_the_hash_is_rejected() {
        assert!(matches!(
            HmacKey::sha384(&secret(47)),
            Err(ConfigError::SecretTooShort {
                needed: 48,
                given: 47
            })
        ));
        assert!(matches!(
            HmacKey::sha512(&secret(63)),
            Err(ConfigError::SecretTooShort {
                needed: 64,
                given: 63
            })
        ));
        assert!(HmacKey::sha384(&secret(48)).is_ok());
        assert!(HmacKey::sha512(&secret(64)).is_ok());
    }

    #[test]
    fn truncated_or_padded_mac_is_rejected() {
        let secret = secret(64);
        for key in [
            HmacKey::sha256(&secret),
            HmacKey::sha384(&secret).unwrap(),
            HmacKey::sha512(&secret).unwrap(),
        ] {
            let mut signature = key.sign(b"message");
            assert!(!key.verify(b"message", &[]));
            assert!(!key.verify(b"message", &signature[..signature.len() - 1]));
            signature.push(0);
            assert!(!key.verify(b"message", &signature));
        }
    }
}
