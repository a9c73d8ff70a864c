//! Passwords: hashed by Argon2id, off the async workers, in bounded memory.

mod error;
mod params;
mod memory;
mod argon2id;
mod phc;
mod permit_queue;
mod workers;
mod hasher;
#[cfg(test)]
pub(crate) mod runs;

pub use error::PasswordError;
pub use hasher::{PasswordHasher, PasswordVerification};
pub use params::PasswordParams;
