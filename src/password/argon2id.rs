//! The call of Argon2.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::password::error::PasswordError;
use crate::password::memory::Memory;
use crate::password::params::Cost;

/// The Argon2id tag of a password, of `len` bytes. Each call is logged.
pub(super) fn tag(
    password: &str,
    salt: &[u8],
    len: usize,
    cost: Cost,
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    tag_of(
        Algorithm::Argon2id,
        Version::V0x13,
        password,
        salt,
        len,
        cost,
        memory,
    )
}

/// The tag of a password by any variant of Argon2.
pub(super) fn tag_of(
    algorithm: Algorithm,
    version: Version,
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
        .map_err(|_| PasswordError::failed("argon2 rejected the parameters"))?;
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut tag,
            memory.blocks(cost.blocks())?,
        )
        .map_err(|_| PasswordError::failed("argon2 failed"))?;
    tracing::trace!(
        target: "tower_warder::password",
        m = memory_kib,
        t = iterations,
        p = lanes,
        "password hashed"
    );
    Ok(tag)
}
