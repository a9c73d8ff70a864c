//! What the log and the metrics learn.

use crate::error::{AuthError, AuthErrorKind};
use crate::measure;

/// What went wrong, once it is judged. A refused request is not an error in the log; a store that cannot
/// answer and a forgotten layer are.
pub(super) fn log(error: &AuthError) {
    measure::refused(error);
    let reason = std::error::Error::source(error).map(tracing::field::display);
    match error.kind() {
        AuthErrorKind::MissingCredential => {}
        AuthErrorKind::Unavailable | AuthErrorKind::Misconfigured => {
            tracing::error!(reason, "{error}");
        }
        _ => tracing::debug!(reason, "{error}"),
    }
}
