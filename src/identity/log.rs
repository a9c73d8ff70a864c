//! What the log learns.

use crate::error::{AuthError, AuthErrorKind};

/// What went wrong, for the log. A refused request is not an error there; a store that cannot
/// answer and a forgotten layer are.
pub(super) fn log(error: &AuthError) {
    let reason = std::error::Error::source(error).map(tracing::field::display);
    match error.kind() {
        AuthErrorKind::MissingCredential => {}
        AuthErrorKind::Unavailable | AuthErrorKind::Misconfigured => {
            tracing::error!(reason, "{error}");
        }
        _ => tracing::debug!(reason, "{error}"),
    }
}
