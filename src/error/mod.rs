//! Errors.
//!
//! [`AuthError`] is why a request is rejected, and determines the response. [`ConfigError`] is what is
//! wrong with a configuration, and is returned while the application starts.

mod key_file;
mod config;
mod reject_reason;
mod misconfiguration;
mod unavailable;
mod challenge;
mod answer;
mod auth;

pub use answer::AuthErrorKind;
pub use auth::AuthError;
pub use config::ConfigError;
pub use key_file::KeyFileProblem;

pub(crate) use answer::GrpcFormat;
pub(crate) use challenge::Challenges;
pub(crate) use misconfiguration::Misconfiguration;
pub(crate) use reject_reason::RejectReason;
pub(crate) use unavailable::{Reported, TooLong};

/// Any error of the application, as returned by a [`UserLoader`](crate::UserLoader) with `?`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
