//! What can go wrong.

mod key_file;
mod config;
mod reject_reason;
mod misconfiguration;
mod too_long;
mod reported;
mod challenge;
mod grpc;
mod auth;

pub use auth::{AuthError, AuthErrorKind};
pub use config::ConfigError;
pub use key_file::KeyFileProblem;

pub(crate) use challenge::Challenges;
pub(crate) use grpc::GrpcFormat;
pub(crate) use misconfiguration::Misconfiguration;
pub(crate) use reject_reason::RejectReason;
pub(crate) use reported::Reported;
pub(crate) use too_long::TooLong;

/// Any error of an application: what a [`UserLoader`](crate::UserLoader) may return with `?`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
