//! Data structures and helpers that do not depend on authentication.

pub(crate) mod keyed_notify;
pub(crate) mod log_limit;
pub(crate) mod network;
pub(crate) mod set_associative;

/// Target of the log lines of audit events, of this crate and of those that build on it.
pub const AUDIT_TARGET: &str = "tower_warder::audit";
