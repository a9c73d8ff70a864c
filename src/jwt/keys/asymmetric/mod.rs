//! Asymmetric keys. File formats and signature backends do not depend on each other: both use the
//! types in `key`.

mod key;
mod der;
mod pem;
mod jwk;

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
// With aws-lc-rs it is compiled for the test that both backends agree.
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

/// Builds the signer and the public key of a private key. A public key in the same file must match.
pub(super) fn pair(
    algorithm: Algorithm,
    key: &PrivateKey,
) -> Result<(Signer, PublicKey), ConfigError> {
    let (signer, public) = Signer::new(algorithm, key)?;
    key.check_public(&public)?;
    Ok((signer, public))
}
