//! For the crates of this workspace: no promise of stability, it may change in any version.

use crate::error::{AuthError, RejectReason};
use crate::policy::ADMIN_REQUIRED;

pub use crate::clock::is_seconds_before;
pub use crate::credentials::decode_form;
#[cfg(all(feature = "axum", feature = "password"))]
pub use crate::login::{DISABLED, PENDING, Row, WRONG_CREDENTIALS, log_outage};
pub use crate::metrics::record::{LogIn, logged_in};
pub use crate::response::problem;
pub use crate::util::log_limit::{LogLimit, LogLimits, log_limited};

/// The description of the answers and of what they are asked with.
#[cfg(feature = "utoipa")]
pub mod openapi {
    pub use crate::openapi::refusal::{ErrorRow, Problem, by_status, text_header};
    pub use crate::openapi::security::{BEARER, bearer, requirement};
}

/// What the guard of admins says to other users.
pub fn admin_required() -> AuthError {
    AuthError::forbidden(ADMIN_REQUIRED.into())
}

/// Rejects a token of another issuer than the accounts.
pub fn foreign_issuer() -> AuthError {
    AuthError::refused(RejectReason::ForeignIssuer)
}
