//! What can go wrong.

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

/// Any error of an application: what a [`UserLoader`](crate::UserLoader) may return with `?`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
