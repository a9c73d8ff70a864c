//! Items for the other crates of this workspace. They are unstable: any version may change them.

use std::time::SystemTime;

use http::{Response, StatusCode};

use crate::clock;
#[cfg(all(feature = "axum", feature = "password"))]
use crate::error::BoxError;
use crate::error::{AuthError, RejectReason};
#[cfg(all(feature = "axum", feature = "password"))]
use crate::login;
use crate::policy::ADMIN_REQUIRED;
use crate::response;

pub use crate::credentials::query::decode as decode_form;
pub use crate::metrics::record::{LogIn, logged_in};
pub use crate::util::log_limit::{LogLimit, LogLimits, log_limited};

/// Parts of the OpenAPI descriptions.
#[cfg(feature = "utoipa")]
pub mod openapi {
    pub use crate::openapi::rejection::{Problem, Rejection, by_status, text_header};
    pub use crate::openapi::security::{BEARER, bearer, requirement};
}

/// Status, `detail` and `code` of a problem.
pub type Row = (StatusCode, &'static str, &'static str);

#[cfg(all(feature = "axum", feature = "password"))]
pub const WRONG_CREDENTIALS: Row = login::WRONG_CREDENTIALS;
#[cfg(all(feature = "axum", feature = "password"))]
pub const PENDING: Row = login::PENDING;
#[cfg(all(feature = "axum", feature = "password"))]
pub const DISABLED: Row = login::DISABLED;

/// Response with problem details (RFC 9457).
pub fn problem((status, detail, code): Row) -> Response<String> {
    response::problem(status, detail, code)
}

/// Logs that a log-in cannot be answered, at most once a minute above DEBUG.
#[cfg(all(feature = "axum", feature = "password"))]
pub fn log_outage(source: &BoxError, message: &str) {
    login::log_outage(source, message);
}

/// Returns `true` if one time is before another in whole seconds.
pub fn is_seconds_before(time: SystemTime, other: SystemTime) -> bool {
    clock::is_seconds_before(time, other)
}

/// Error of the admin guard for other users.
pub fn admin_required() -> AuthError {
    AuthError::forbidden(ADMIN_REQUIRED.into())
}

/// Error for a token from another issuer than the accounts.
pub fn foreign_issuer() -> AuthError {
    AuthError::rejected(RejectReason::ForeignIssuer)
}
