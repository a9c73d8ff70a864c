//! Password hashing with Argon2id.
//!
//! [`PasswordHasher`] hashes and verifies passwords on threads of its own, with bounded memory and a
//! bounded queue. [`PasswordParams`] are the cost parameters, [`PasswordError`] the errors.
//!
//! Hashes of other formats, such as bcrypt, are verified and renewed after
//! [`PasswordHasher::legacy_format`]: those of other frameworks by `LegacyFormats`, with the feature
//! `legacy-hashes`, and your own by [`PasswordFormat`].

mod error;
mod params;
mod memory;
mod argon2id;
mod phc;
mod format;
#[cfg(feature = "legacy-hashes")]
mod legacy;
mod stored;
mod caller;
mod waiting;
mod permit_queue;
mod threads;
mod workers;
mod hasher;

pub use caller::HashCaller;
pub use error::PasswordError;
pub use format::{LegacyHash, PasswordFormat};
pub use hasher::{HashStatus, PasswordHasher, PasswordVerification};
#[cfg(feature = "legacy-hashes")]
pub use legacy::LegacyFormats;
pub use params::PasswordParams;
