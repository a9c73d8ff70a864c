//! Data structures and helpers that do not depend on authentication.

pub(crate) mod keyed_notify;
pub(crate) mod log_limit;
pub(crate) mod set_associative;
