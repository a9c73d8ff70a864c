//! What the log and the metrics learn.

use std::error::Error;

use crate::error::{AuthError, AuthErrorKind, Reported};
use crate::measure;

/// What went wrong, once it is judged. A refused request is not an error in the log; a store that
/// cannot answer and a forgotten layer are.
pub(super) fn log(error: &AuthError) {
    measure::refused(error);
    let source = error.source();
    let reason = source.map(tracing::field::display);
    match error.kind() {
        AuthErrorKind::MissingCredential => {}
        _ if source.is_some_and(|source| source.is::<Reported>()) => {
            tracing::debug!(reason, "{error}");
        }
        AuthErrorKind::Unavailable | AuthErrorKind::Misconfigured => {
            tracing::error!(reason, "{error}");
        }
        _ => tracing::debug!(reason, "{error}"),
    }
}
