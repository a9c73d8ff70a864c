//! Verification and issuing of tokens: tables of accepted tokens and of rejected ones with the
//! reason.

pub mod forge;
mod segments;
mod json;
mod header;
mod cache;
mod claims;
mod texts;
mod times;
mod ring;
mod secrets;
mod issuing;
mod silence;
mod source;
mod property;
mod malformed;
mod oracle;
pub mod interop;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod asymmetric;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod interop_asymmetric;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod jwk;
