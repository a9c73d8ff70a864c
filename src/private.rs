//! Items for the other crates of this workspace. They are unstable: any version may change them.

use crate::error::{AuthError, RejectReason};
use crate::policy::ADMIN_REQUIRED;

pub use crate::clock::is_seconds_before;
pub use crate::credentials::decode_form;
#[cfg(all(feature = "axum", feature = "password"))]
pub use crate::login::{DISABLED, PENDING, Row, WRONG_CREDENTIALS, log_outage};
pub use crate::metrics::record::{LogIn, logged_in};
pub use crate::response::problem;
pub use crate::util::log_limit::{LogLimit, LogLimits, log_limited};

/// Parts of the OpenAPI descriptions.
#[cfg(feature = "utoipa")]
pub mod openapi {
    pub use crate::openapi::refusal::{ErrorRow, Problem, by_status, text_header};
    pub use crate::openapi::security::{BEARER, bearer, requirement};
}

/// Error of the admin guard for other users.
pub fn admin_required() -> AuthError {
    AuthError::forbidden(ADMIN_REQUIRED.into())
}

/// Error for a token from another issuer than the accounts.
pub fn foreign_issuer() -> AuthError {
    AuthError::refused(RejectReason::ForeignIssuer)
}
