//! Keys with a public half. The formats know no backend, and the backends know no format.

mod key;
mod der;
mod pem;
mod jwk;

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
// Beside aws-lc-rs it is there for the test that the two agree.
#[cfg(all(feature = "rust-crypto", any(test, not(feature = "aws-lc-rs"))))]
mod rust_crypto;

#[cfg(feature = "aws-lc-rs")]
use aws_lc as backend;
#[cfg(not(feature = "aws-lc-rs"))]
use rust_crypto as backend;

#[cfg(test)]
mod tests;

use crate::error::ConfigError;

use super::algorithm::Algorithm;

pub(super) use backend::{Signer, Verifier};
pub(super) use key::{PrivateKey, PublicKey};

/// The two halves of a private key; whatever public half came with it has to be the same.
pub(super) fn pair(
    algorithm: Algorithm,
    key: &PrivateKey,
) -> Result<(Signer, PublicKey), ConfigError> {
    let (signer, public) = Signer::new(algorithm, key)?;
    key.check_public(&public)?;
    Ok((signer, public))
}
