//! The table of the account routes, from error to answer: JSON, also where something is wrong.
//! What the layer says as well, it leaves to [`AuthError`].

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use serde::Serialize;
use serde_json::json;

use super::actor::NotAdmin;
use super::error::AccountError;
use super::fault::Fault;
use super::last_admin::LastAdmin;
use crate::error::{AuthError, AuthErrorKind};
use crate::policy::ADMIN_REQUIRED;
use crate::rejection;

impl IntoResponse for AccountError {
    fn into_response(self) -> Response {
        let (status, detail, code) = match self {
            Self::EmailTaken => (
                StatusCode::CONFLICT,
                "Email already registered",
                "email_taken",
            ),
            Self::WrongCredentials => return wrong_credentials(),
            Self::Pending => (
                StatusCode::FORBIDDEN,
                "Account pending approval",
                "account_pending",
            ),
            Self::Disabled => (
                StatusCode::FORBIDDEN,
                "Account disabled",
                "account_disabled",
            ),
            Self::WrongBootstrapSecret => (
                StatusCode::FORBIDDEN,
                "Wrong bootstrap secret",
                "wrong_bootstrap_secret",
            ),
            Self::NotAdmin(refusal) => return AuthError::from(refusal).into_response(),
            Self::NotFound => (StatusCode::NOT_FOUND, "User not found", "user_not_found"),
            Self::LastAdmin(refusal) => (
                StatusCode::BAD_REQUEST,
                match refusal {
                    LastAdmin::Demotion => "Cannot remove last admin",
                    LastAdmin::Disabling => "Cannot disable last active admin",
                    LastAdmin::Deletion => "Cannot delete last admin",
                },
                "last_admin",
            ),
            Self::Unavailable(source) => {
                tracing::error!(%source, "an account route cannot answer");
                return AuthError::unavailable(source).into_response();
            }
        };
        problem(status, detail, code)
    }
}

/// What the door would have said.
impl From<NotAdmin> for AuthError {
    fn from(refusal: NotAdmin) -> Self {
        match refusal {
            NotAdmin::ShutOut => Self::new(AuthErrorKind::InvalidToken),
            NotAdmin::Demoted => Self::forbidden(ADMIN_REQUIRED.into()),
        }
    }
}

pub(super) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            no_store(response)
        }
        // An account with a time that no calendar has.
        Err(error) => AccountError::unavailable(error).into_response(),
    }
}

/// Tokens and accounts are for nobody's cache (RFC 9111, section 5.2.2.5).
pub(super) fn no_store(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// 422: `detail` is the list of what is wrong, as clients of FastAPI read it.
pub(super) fn invalid(faults: &[Fault]) -> Response {
    let body = json!({"detail": faults});
    json_answer(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

pub(super) fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "Not Found", "not_found")
}

pub(super) fn method_not_allowed() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    problem(status, "Method Not Allowed", "method_not_allowed")
}

pub(super) fn wrong_media_type(expected: &'static str) -> Response {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    problem(status, expected, "unsupported_media_type")
}

pub(super) fn too_large() -> Response {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    problem(status, "The body may have 64 KiB", "content_too_large")
}

pub(super) fn broken_body() -> Response {
    let status = StatusCode::BAD_REQUEST;
    problem(status, "The body could not be read", "broken_body")
}

fn wrong_credentials() -> Response {
    let mut response = problem(
        StatusCode::UNAUTHORIZED,
        "Incorrect email or password",
        "invalid_credentials",
    );
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

fn problem(status: StatusCode, detail: &str, code: &str) -> Response {
    rejection::problem(status, detail, code).map(Body::from)
}
