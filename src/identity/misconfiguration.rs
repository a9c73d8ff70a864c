//! What is wrong with how a route is put together.

use std::fmt;

use super::log::log;
use crate::error::{AuthError, AuthErrorKind};
use crate::log_limit::LogLimits;

/// The sentence that mends a route without the right layer.
#[derive(Debug, Hash)]
pub(super) enum Misconfiguration {
    NoLayer {
        asked: &'static str,
    },
    OtherUser {
        asked: &'static str,
        layer: &'static str,
    },
    NoTickets,
}

impl fmt::Display for Misconfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLayer { asked } => write!(
                f,
                "no AuthLayer on this route, which asks for `{asked}`: add \
                 `.layer(AuthLayer::new(verifier, loader))` to the router, after its routes"
            ),
            Self::OtherUser { asked, layer } => write!(
                f,
                "the AuthLayer on this route loads `{layer}`, but this route asks for `{asked}`: \
                 use the same user type in both"
            ),
            Self::NoTickets => f.write_str(
                "this route issues tickets, and its AuthLayer has none: add \
                 `.tickets(Tickets::new(10_000))` to the layer",
            ),
        }
    }
}

impl std::error::Error for Misconfiguration {}

/// An error with this hint, which goes to the log at once.
pub(super) fn misconfigured(hint: Misconfiguration) -> AuthError {
    // Where the layer is missing, nothing else could hold them.
    static LIMITS: LogLimits = LogLimits::new();

    let limit = LIMITS.of(&hint);
    let error = AuthError::new(AuthErrorKind::Misconfigured).with_source(hint);
    log(&error, limit);
    error
}
