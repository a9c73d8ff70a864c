//! Password hashing with Argon2id.
//!
//! [`PasswordHasher`] hashes and verifies passwords on tokio's blocking pool, with bounded memory and
//! a bounded queue. [`PasswordParams`] are the cost parameters, [`PasswordError`] the errors.

mod error;
mod params;
mod memory;
mod argon2id;
mod phc;
mod permit_queue;
mod workers;
mod hasher;

pub use error::PasswordError;
pub use hasher::{PasswordHasher, PasswordVerification};
pub use params::PasswordParams;
