//! Keys: one algorithm each, parsed and judged once.

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
