//! Keys that sign and verify tokens: HMAC secrets, key pairs from PEM, DER or JWK, and key rings.
//!
//! Each key has exactly one [`Algorithm`], chosen by your code and never by the token, and is
//! validated once, when it is built. A [`KeyRing`] holds several keys, selects one by `kid`, and
//! rotates them while the service runs. HMAC is always available; ECDSA, RSA and EdDSA need the
//! feature `aws-lc-rs` or `rust-crypto`.

mod algorithm;
mod secret;
mod hmac;
mod jwk;

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod asymmetric;
#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod unsupported;
#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
use unsupported as asymmetric;

mod verifying;
mod signing;
mod key_set;
mod key_ring;

#[cfg(feature = "jsonwebtoken")]
pub(super) use algorithm::ALL;
pub use algorithm::Algorithm;
pub use key_ring::KeyRing;
pub(crate) use key_set::Keyset;
pub use secret::HmacSecret;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;
