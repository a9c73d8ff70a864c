//! The one call of Argon2.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::password::error::PasswordError;
use crate::password::memory::Memory;
use crate::password::params::Cost;

/// The Argon2id tag of a password, of `len` bytes. Every call is an event in the log.
pub(super) fn tag(
    password: &str,
    salt: &[u8],
    len: usize,
    cost: Cost,
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    let Cost {
        memory_kib,
        iterations,
        lanes,
    } = cost;
    let mut tag = Zeroizing::new(vec![0; len]);
    let params = Params::new(memory_kib, iterations, lanes, Some(len))
        .map_err(|_| PasswordError::failed("argon2 refused the parameters"))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut tag,
            memory.blocks(cost.blocks())?,
        )
        .map_err(|_| PasswordError::failed("argon2 could not hash"))?;
    tracing::trace!(
        target: "tower_warder::password",
        m = memory_kib,
        t = iterations,
        p = lanes,
        "password hashed"
    );
    Ok(tag)
}
