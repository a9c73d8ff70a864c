//! Passwords: hashed by Argon2id, off the async workers, in bounded memory.

mod error;
mod params;
mod memory;
mod stored;
mod workers;
mod hasher;

pub use error::PasswordError;
pub use hasher::{PasswordHasher, Verdict};
pub use params::PasswordParams;
