//! Key material, independent of file format and backend.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve, KeyType};

/// Public key of checked size and form. The backend checks that a point lies on its curve.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::jwt::keys) enum PublicKey {
    /// Uncompressed point (SEC 1, section 2.3.3).
    Ec(Curve, Vec<u8>),
    Ed25519([u8; 32]),
    Rsa(RsaPublic),
}

impl PublicKey {
    pub(super) fn ec(curve: Curve, point: &[u8]) -> Result<Self, ConfigError> {
        if point.first() != Some(&UNCOMPRESSED) || point.len() != 1 + 2 * curve.bytes() {
            return Err(ConfigError::InvalidKey(
                "give the point uncompressed, with both coordinates in full length",
            ));
        }
        Ok(Self::Ec(curve, point.to_owned()))
    }

    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, ConfigError> {
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| {
            ConfigError::InvalidKey("a public Ed25519 key must have exactly 32 bytes")
        })?;
        if is_of_small_order(bytes) {
            return Err(ConfigError::InvalidKey(
                "the Ed25519 key is a point of small order: signatures can be forged; make a new key",
            ));
        }
        Ok(Self::Ed25519(bytes))
    }

    /// Reads big-endian integers; leading zeros are ignored.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, ConfigError> {
        RsaPublic::new(n, e).map(Self::Rsa)
    }

    pub(super) fn for_algorithm(self, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let key_type = match self {
            Self::Ec(curve, _) => KeyType::Ec(curve),
            Self::Ed25519(_) => KeyType::Ed25519,
            Self::Rsa(_) => KeyType::Rsa,
        };
        check_key_type(algorithm, key_type).map(|()| self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jwt::keys) struct RsaPublic {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
}

impl RsaPublic {
    pub(super) fn new(n: &[u8], e: &[u8]) -> Result<Self, ConfigError> {
        let (n, e) = (strip_leading_zeros(n), strip_leading_zeros(e));
        if !(2048..=8192).contains(&bits(n)) {
            return Err(ConfigError::InvalidKey(
                "an RSA modulus must have 2048 to 8192 bits; make a new key",
            ));
        }
        if !is_odd(n) || !is_odd(e) || e == [1] || bits(e) > MAX_EXPONENT_BITS {
            return Err(ConfigError::InvalidKey(
                "an RSA modulus must be odd, and its exponent odd, at least 3 and at most 33 bits long",
            ));
        }
        Ok(Self {
            n: n.to_owned(),
            e: e.to_owned(),
        })
    }
}

pub(in crate::jwt::keys) struct PrivateKey {
    pub(super) secret: PrivatePart,
    /// Public key in the same file, if there is one.
    public: Option<PublicKey>,
}

pub(super) enum PrivatePart {
    /// Scalar in the full length of the curve.
    Ec(Curve, Zeroizing<Vec<u8>>),
    Ed25519(Zeroizing<[u8; 32]>),
    Rsa(Box<RsaPrivate>),
}

/// Big-endian integers without leading zeros. Two primes, with their CRT values.
pub(super) struct RsaPrivate {
    pub(super) public: RsaPublic,
    pub(super) d: Zeroizing<Vec<u8>>,
    pub(super) p: Zeroizing<Vec<u8>>,
    pub(super) q: Zeroizing<Vec<u8>>,
    pub(super) dp: Zeroizing<Vec<u8>>,
    pub(super) dq: Zeroizing<Vec<u8>>,
    pub(super) qi: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    /// Builds a key from random bytes, of which there must be enough for the algorithm.
    pub(in crate::jwt::keys) fn from_random(
        algorithm: Algorithm,
        random: &[u8],
    ) -> Result<Self, ConfigError> {
        let first = |length| random.get(..length).unwrap_or_default();
        match algorithm.key_type() {
            KeyType::Ec(curve) => Self::ec(curve, first(curve.bytes()), None),
            KeyType::Ed25519 => Self::ed25519(first(32), None),
            KeyType::Rsa | KeyType::Hmac => Err(ConfigError::KeyTypeMismatch(algorithm.as_str())),
        }
    }

    pub(super) fn ec(
        curve: Curve,
        scalar: &[u8],
        point: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        if scalar.len() != curve.bytes() {
            return Err(ConfigError::InvalidKey(
                "a private EC key must have the full length of its curve",
            ));
        }
        Ok(Self {
            secret: PrivatePart::Ec(curve, Zeroizing::new(scalar.to_owned())),
            public: point.map(|point| PublicKey::ec(curve, point)).transpose()?,
        })
    }

    pub(super) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, ConfigError> {
        let mut bytes = Zeroizing::new([0; 32]);
        if seed.len() != bytes.len() {
            return Err(ConfigError::InvalidKey(
                "a private Ed25519 key must have exactly 32 bytes",
            ));
        }
        bytes.copy_from_slice(seed);
        Ok(Self {
            secret: PrivatePart::Ed25519(bytes),
            public: public.map(PublicKey::ed25519).transpose()?,
        })
    }

    /// Takes the integers in the order of RFC 8017, section A.1.2.
    pub(super) fn rsa(public: RsaPublic, integers: [&[u8]; 6]) -> Self {
        let integers = integers.map(|it| Zeroizing::new(strip_leading_zeros(it).to_owned()));
        let [d, p, q, dp, dq, qi] = integers;
        let key = RsaPrivate {
            public,
            d,
            p,
            q,
            dp,
            dq,
            qi,
        };
        Self {
            secret: PrivatePart::Rsa(Box::new(key)),
            public: None,
        }
    }

    pub(super) fn for_algorithm(self, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let key_type = match self.secret {
            PrivatePart::Ec(curve, _) => KeyType::Ec(curve),
            PrivatePart::Ed25519(_) => KeyType::Ed25519,
            PrivatePart::Rsa(_) => KeyType::Rsa,
        };
        check_key_type(algorithm, key_type).map(|()| self)
    }

    pub(super) fn check_public(&self, derived: &PublicKey) -> Result<(), ConfigError> {
        match &self.public {
            Some(given) if given != derived => Err(MISMATCH),
            _ => Ok(()),
        }
    }
}

impl Curve {
    /// Returns the length of a coordinate and of a scalar, in bytes.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

pub(super) const MISMATCH: ConfigError = ConfigError::InvalidKey(
    "the parts of the private key do not belong together; export it again or make a new key",
);

pub(super) const MORE_PRIMES: ConfigError =
    ConfigError::InvalidKey("RSA keys of more than two primes are not supported; make a new key");

const UNCOMPRESSED: u8 = 4;
// Larger exponents only slow down verification, and the backends reject them.
const MAX_EXPONENT_BITS: usize = 33;

/// Encodings of the points of order 1, 2, 4 and 8, canonical or not, without the sign bit.
pub(super) const SMALL_ORDER: [&str; 7] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
    "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
    "7P_______________________________________38",
    "7f_______________________________________38",
    "7v_______________________________________38",
];

fn is_of_small_order(mut bytes: [u8; 32]) -> bool {
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&&*URL_SAFE_NO_PAD.encode(bytes))
}

fn check_key_type(algorithm: Algorithm, key_type: KeyType) -> Result<(), ConfigError> {
    if algorithm.key_type() != key_type {
        return Err(ConfigError::KeyTypeMismatch(algorithm.as_str()));
    }
    Ok(())
}

fn strip_leading_zeros(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

fn is_odd(integer: &[u8]) -> bool {
    integer.last().is_some_and(|last| last % 2 == 1)
}

/// Length in bits of an integer without leading zero bytes.
fn bits(integer: &[u8]) -> usize {
    integer.first().map_or(0, |first| {
        integer.len() * 8 - first.leading_zeros() as usize
    })
}
