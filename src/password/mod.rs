//! Passwords: hashed by Argon2id, off the async workers, in bounded memory.

mod error;
mod params;
mod memory;
mod tag;
mod stored;
mod line;
mod workers;
mod hasher;
#[cfg(test)]
pub(crate) mod runs;

pub use error::PasswordError;
pub use hasher::{PasswordHasher, PasswordVerification};
pub use params::PasswordParams;
