//! Limits of attempts to log in, to register, to change a password and to renew tokens.
//!
//! [`Throttle`] has the limits and what is counted. [`ThrottleStore`] shares the counts between
//! instances.

// Each module imports only from those above it.
mod limit;
mod bucket;
mod shared_store;
mod table;
mod trusted_proxies;
mod client;
mod device;
mod settings;
mod attempt;
mod request;

pub use bucket::{Bucket, BucketKind, ThrottleStore};
pub use client::Client;
pub use limit::Limit;
pub use settings::Throttle;
pub use trusted_proxies::{InvalidNetwork, TrustedProxies};

pub(super) use attempt::{Attempt, TooManyAttempts};

/// Target of log lines.
const TARGET: &str = "tower_warder::accounts";
