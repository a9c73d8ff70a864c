//! Authentication for tower services.

#![forbid(unsafe_code)]

mod error;
mod clock;
mod secret;
mod token;

pub use error::{AuthError, AuthErrorKind, BoxError, ConfigError};
pub use clock::Clock;
pub use secret::Secret;
pub use token::{Algorithm, SigningKey, VerifyingKey};
