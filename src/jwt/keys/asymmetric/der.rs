//! Keys in DER: PKCS#8, `SubjectPublicKeyInfo`, PKCS#1, SEC 1.

use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::der::Decode;
use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use sec1::EcPrivateKey;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve, KeyType};

use super::key::{MISMATCH, MORE_PRIMES, PrivateKey, PublicKey, RsaPublic};

impl PublicKey {
    pub(in crate::jwt::keys) fn from_der(
        algorithm: Algorithm,
        der: &[u8],
    ) -> Result<Self, ConfigError> {
        let key = match (SubjectPublicKeyInfoRef::try_from(der), algorithm.key_type()) {
            (Ok(info), _) => Self::from_info(&info),
            (Err(_), KeyType::Rsa) => Self::from_pkcs1(der),
            (Err(_), _) => Err(NOT_PUBLIC),
        };
        key?.for_algorithm(algorithm)
    }

    pub(in crate::jwt::keys) fn from_bytes(
        algorithm: Algorithm,
        bytes: &[u8],
    ) -> Result<Self, ConfigError> {
        Self::of_type(algorithm.key_type(), bytes)
    }

    pub(super) fn from_spki(der: &[u8]) -> Result<Self, ConfigError> {
        let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| NOT_PUBLIC)?;
        Self::from_info(&info)
    }

    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, ConfigError> {
        let key = RsaPublicKeyRef::try_from(der).map_err(|_| NOT_PUBLIC)?;
        Self::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    fn from_info(info: &SubjectPublicKeyInfoRef<'_>) -> Result<Self, ConfigError> {
        let bytes = info.subject_public_key.as_bytes().ok_or(NOT_PUBLIC)?;
        Self::of_type(key_type(&info.algorithm)?, bytes)
    }

    fn of_type(key_type: KeyType, bytes: &[u8]) -> Result<Self, ConfigError> {
        match key_type {
            KeyType::Ec(curve) => Self::ec(curve, bytes),
            KeyType::Ed25519 => Self::ed25519(bytes),
            KeyType::Rsa => Self::from_pkcs1(bytes),
            KeyType::Hmac => Err(NOT_PUBLIC),
        }
    }
}

impl PrivateKey {
    pub(in crate::jwt::keys) fn from_der(
        algorithm: Algorithm,
        der: &[u8],
    ) -> Result<Self, ConfigError> {
        let key = match (PrivateKeyInfoRef::try_from(der), algorithm.key_type()) {
            (Ok(info), _) => Self::from_info(algorithm, &info),
            (Err(_), KeyType::Rsa) => Self::from_pkcs1_private(der),
            (Err(_), KeyType::Ec(_)) => Self::from_sec1(algorithm, None, der, None),
            (Err(_), _) => Err(NOT_PRIVATE),
        };
        key?.for_algorithm(algorithm)
    }

    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, ConfigError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| NOT_PRIVATE)?;
        Self::from_info(algorithm, &info)
    }

    pub(super) fn from_pkcs1_private(der: &[u8]) -> Result<Self, ConfigError> {
        let key = RsaPrivateKeyRef::try_from(der).map_err(|_| NOT_PRIVATE)?;
        if key.other_prime_infos.is_some() {
            return Err(MORE_PRIMES);
        }
        let public = RsaPublic::new(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
        let (d, qi) = (key.private_exponent, key.coefficient);
        let integers = [d, key.prime1, key.prime2, key.exponent1, key.exponent2, qi];
        Ok(Self::rsa(public, integers.map(|it| it.as_bytes())))
    }

    /// Takes the curve from the key, else from what surrounds or precedes it (`outer`), else from
    /// the algorithm; and the point from the key, else from what surrounds it (`public`).
    pub(super) fn from_sec1(
        algorithm: Algorithm,
        outer: Option<Curve>,
        der: &[u8],
        public: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        let key = EcPrivateKey::try_from(der).map_err(|_| NOT_PRIVATE)?;
        let named = match key.parameters {
            Some(parameters) => Some(parameters.named_curve().map_or(Err(CURVE), curve)?),
            None => None,
        };
        let curve = match (named.or(outer), algorithm.key_type()) {
            (Some(curve), _) | (None, KeyType::Ec(curve)) => curve,
            (None, _) => return Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        };
        if outer.is_some_and(|outer| outer != curve) {
            return Err(MISMATCH);
        }
        Self::ec(curve, key.private_key, key.public_key.or(public))
    }

    fn from_info(algorithm: Algorithm, info: &PrivateKeyInfoRef<'_>) -> Result<Self, ConfigError> {
        let bytes = info.private_key.as_bytes();
        let public = match &info.public_key {
            Some(public) => Some(public.as_bytes().ok_or(NOT_PRIVATE)?),
            None => None,
        };
        match key_type(&info.algorithm)? {
            KeyType::Rsa => Self::from_pkcs1_private(bytes),
            KeyType::Ed25519 => {
                // RFC 8410, section 7: an OCTET STRING within the OCTET STRING.
                let seed = <&OctetStringRef>::from_der(bytes).map_err(|_| NOT_PRIVATE)?;
                Self::ed25519(seed.as_bytes(), public)
            }
            KeyType::Ec(outer) => Self::from_sec1(algorithm, Some(outer), bytes, public),
            KeyType::Hmac => Err(NOT_PRIVATE),
        }
    }
}

const NOT_PUBLIC: ConfigError = ConfigError::InvalidKey(
    "give the public key as SubjectPublicKeyInfo (`openssl pkey -pubout`), or as PKCS#1 for RSA",
);
const NOT_PRIVATE: ConfigError = ConfigError::InvalidKey(
    "give the private key as unencrypted PKCS#8 (`openssl pkey`), or as PKCS#1 or SEC 1",
);
const CURVE: ConfigError =
    ConfigError::InvalidKey("the curve must be P-256 or P-384, given by name");
const KEY_TYPE: ConfigError =
    ConfigError::InvalidKey("the key must be a plain RSA, EC or Ed25519 key");

/// RFC 3279, section 2.3.1 (RSA); RFC 5480, section 2.1.1 (EC); RFC 8410, section 3 (Ed25519).
fn key_type(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<KeyType, ConfigError> {
    match (algorithm.oid, algorithm.parameters) {
        (RSA, None) => Ok(KeyType::Rsa),
        (RSA, Some(parameters)) if parameters == AnyRef::NULL => Ok(KeyType::Rsa),
        (EC, Some(parameters)) => {
            let named = parameters.decode_as::<ObjectIdentifier>();
            curve(named.map_err(|_| CURVE)?).map(KeyType::Ec)
        }
        (EC, None) => Err(CURVE),
        (ED25519, None) => Ok(KeyType::Ed25519),
        _ => Err(KEY_TYPE),
    }
}

/// `ECParameters` (RFC 5915, section 3), given by name.
pub(super) fn named_curve(der: &[u8]) -> Result<Curve, ConfigError> {
    curve(ObjectIdentifier::from_der(der).map_err(|_| CURVE)?)
}

fn curve(oid: ObjectIdentifier) -> Result<Curve, ConfigError> {
    match oid {
        P256 => Ok(Curve::P256),
        P384 => Ok(Curve::P384),
        _ => Err(CURVE),
    }
}

const RSA: ObjectIdentifier = pkcs1::ALGORITHM_OID;
const EC: ObjectIdentifier = sec1::ALGORITHM_OID;
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
