//! JSON responses of the account routes, and the table of their errors.
//!
//! Errors that the layer reports as well are left to [`AuthError`].

use std::borrow::Cow;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;
use serde_json::{Value, json};
use tower_warder::AuthError;
use tower_warder::credentials::AuthCookie;
use tower_warder::error::AuthErrorKind;
use tower_warder::login::LoginError;
use tower_warder::private::{self, LogLimit, Row, log_limited, log_outage};

use super::actor::NotAdmin;
use super::error::AccountError;
use super::login_challenge::{LoginChallenge, LoginChallengeKind};
use super::model::Token;
use super::store_error::LastAdminError;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

impl IntoResponse for AccountError {
    fn into_response(self) -> Response {
        problem(match self {
            Self::EmailTaken => EMAIL_TAKEN,
            Self::WrongCredentials => return LoginError::WrongCredentials.into_response(),
            Self::Pending => return LoginError::Pending.into_response(),
            Self::Disabled => return LoginError::Disabled.into_response(),
            Self::ChallengeRequired(challenge) => return challenge_required(&challenge),
            Self::RejectedPassword(message) => return rejected_password("password", message),
            Self::WrongBootstrapSecret => WRONG_BOOTSTRAP_SECRET,
            Self::RegistrationClosed => REGISTRATION_CLOSED,
            Self::TooManyPending => TOO_MANY_PENDING,
            Self::NotAdmin(error) => return AuthError::from(error).into_response(),
            Self::NotFound => USER_NOT_FOUND,
            Self::LastAdmin(LastAdminError::Demotion) => LAST_DEMOTION,
            Self::LastAdmin(LastAdminError::Disabling) => LAST_DISABLING,
            Self::LastAdmin(LastAdminError::Deletion) => LAST_DELETION,
            Self::InvalidRefreshToken => return challenged(INVALID_REFRESH_TOKEN),
            Self::WrongPassword => WRONG_PASSWORD,
            // The same response as the layer's.
            Self::TokensRevoked => {
                return AuthError::new(AuthErrorKind::InvalidToken).into_response();
            }
            Self::SessionNotFound => SESSION_NOT_FOUND,
            Self::TooManyAttempts { retry_after } => return too_many_attempts(retry_after),
            Self::NotApproved => ACCOUNT_NOT_APPROVED,
            Self::EmailNotVerified => EMAIL_NOT_VERIFIED,
            Self::NoPassword => ACCOUNT_HAS_NO_PASSWORD,
            Self::InvalidOneTimeToken => INVALID_ONE_TIME_TOKEN,
            Self::Vetoed(text) => {
                let (status, _, code) = OPERATION_VETOED;
                return private::problem((status, &text, code)).map(Body::from);
            }
            Self::NoSessions
            | Self::SessionsNotChecked
            | Self::NoOneTimeTokens
            | Self::NoMail
            | Self::NoAuditStore => {
                static LIMIT: LogLimit = LogLimit::new();

                log_limited!(LIMIT, error, "{self}");
                return AuthError::new(AuthErrorKind::Misconfigured).into_response();
            }
            Self::Unavailable(source) => {
                log_outage(&source, "an account route cannot answer");
                return AuthError::new(AuthErrorKind::Unavailable)
                    .with_source(source)
                    .into_response();
            }
        })
    }
}

/// The same response as the guard's.
impl From<NotAdmin> for AuthError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::Inactive => Self::new(AuthErrorKind::InvalidToken),
            NotAdmin::Demoted => private::admin_required(),
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
        // A time outside of the range of RFC 3339.
        Err(error) => AccountError::unavailable(error).into_response(),
    }
}

/// Response to a password reset.
pub(super) fn reset_message() -> Response {
    let message = json!({"message": "Password reset successfully"});
    json_answer(StatusCode::OK, &message)
}

pub(super) fn no_content() -> Response {
    no_store(StatusCode::NO_CONTENT.into_response())
}

/// Adds the cookie that keeps `token`, for as long as the token is valid.
pub(super) fn with_cookie(
    mut response: Response,
    cookie: &AuthCookie,
    token: &Token,
) -> Result<Response, AccountError> {
    let lifetime = Duration::from_secs(token.expires_in);
    let set = cookie.set(&token.access_token, lifetime);
    let set = set.map_err(AccountError::unavailable)?;
    response.headers_mut().append(SET_COOKIE, set);
    Ok(response)
}

/// Forbids caching: tokens and accounts are private (RFC 9111, section 5.2.2.5).
pub(super) fn no_store(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// Adds what all routers of accounts have in common: 405 in JSON, `Cache-Control: no-store`, and
/// `X-Content-Type-Options: nosniff`.
pub(super) fn finished<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .method_not_allowed_fallback(async || method_not_allowed())
        .layer(middleware::map_response(async |response| {
            let mut response = no_store(response);
            let nosniff = HeaderValue::from_static("nosniff");
            response
                .headers_mut()
                .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
            response
        }))
}

/// 422 whose `detail` is the list of errors, in the form of FastAPI.
pub(super) fn invalid(errors: &[ValidationError]) -> Response {
    let body = json!({"detail": errors});
    json_answer(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// 422 for a password that the policy rejects, in the form of the field's other errors.
pub(super) fn rejected_password(field: &'static str, message: Cow<'static, str>) -> Response {
    let kind = ValidationErrorKind::ValueError;
    invalid(&[ValidationError::new(kind, Location::Body, field, message)])
}

pub(super) fn not_found() -> Response {
    problem(NOT_FOUND)
}

pub(super) fn method_not_allowed() -> Response {
    problem(METHOD_NOT_ALLOWED)
}

fn challenged(row: Row) -> Response {
    let mut response = problem(row);
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

/// The problem has the token as further members (RFC 9457, section 3.2).
fn challenge_required(challenge: &LoginChallenge) -> Response {
    let row = match challenge.kind {
        LoginChallengeKind::PasswordChange => PASSWORD_CHANGE_REQUIRED,
    };
    private::problem(row).map(|problem| {
        let mut problem: Value = serde_json::from_str(&problem).unwrap_or_default();
        if let Value::Object(members) = &mut problem {
            members.insert("token".to_owned(), challenge.token.as_str().into());
            let seconds = challenge.expires_in.as_secs();
            members.insert("expires_in".to_owned(), seconds.into());
        }
        Body::from(problem.to_string())
    })
}

fn too_many_attempts(retry_after: Duration) -> Response {
    let mut response = problem(TOO_MANY_REQUESTS);
    // Whole seconds, rounded up (RFC 9110, section 10.2.3).
    let seconds = retry_after.as_nanos().div_ceil(NANOS_PER_SECOND).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

pub(super) fn problem(row: Row) -> Response {
    private::problem(row).map(Body::from)
}

pub(crate) const PASSWORD_CHANGE_REQUIRED: Row = (
    StatusCode::FORBIDDEN,
    "Password change required",
    LoginChallengeKind::PasswordChange.code(),
);
pub(crate) const EMAIL_TAKEN: Row = (
    StatusCode::CONFLICT,
    "Email already registered",
    "email_taken",
);
pub(crate) const WRONG_BOOTSTRAP_SECRET: Row = (
    StatusCode::FORBIDDEN,
    "Wrong bootstrap secret",
    "wrong_bootstrap_secret",
);
pub(crate) const REGISTRATION_CLOSED: Row = (
    StatusCode::FORBIDDEN,
    "Registration is closed: ask an admin for an invitation",
    "registration_closed",
);
// Not 503, which reports an outage: anonymous clients can cause this, and an admin ends it.
pub(crate) const TOO_MANY_PENDING: Row = (
    StatusCode::FORBIDDEN,
    "Too many accounts wait for approval: try again later",
    "too_many_pending",
);
pub(crate) const USER_NOT_FOUND: Row = (StatusCode::NOT_FOUND, "User not found", "user_not_found");
pub(crate) const LAST_DEMOTION: Row = (
    StatusCode::BAD_REQUEST,
    "Cannot remove last admin",
    "last_admin",
);
pub(crate) const LAST_DISABLING: Row = (
    StatusCode::BAD_REQUEST,
    "Cannot disable last active admin",
    "last_admin",
);
pub(crate) const LAST_DELETION: Row = (
    StatusCode::BAD_REQUEST,
    "Cannot delete last admin",
    "last_admin",
);
pub(crate) const LAST_ADMIN_LEAVES: Row = (
    StatusCode::CONFLICT,
    "You are the last admin: make another account an admin first",
    "last_admin",
);
pub(crate) const INVALID_REFRESH_TOKEN: Row = (
    StatusCode::UNAUTHORIZED,
    "Could not validate credentials",
    "invalid_grant",
);
pub(crate) const WRONG_PASSWORD: Row = (
    StatusCode::FORBIDDEN,
    "Current password is incorrect",
    "wrong_password",
);
pub(crate) const SESSION_NOT_FOUND: Row = (
    StatusCode::NOT_FOUND,
    "Session not found",
    "session_not_found",
);
// Not 401, which tells a client that its own token is invalid.
pub(crate) const INVALID_ONE_TIME_TOKEN: Row = (
    StatusCode::BAD_REQUEST,
    "Invalid or expired token",
    "invalid_one_time_token",
);
pub(crate) const ACCOUNT_NOT_APPROVED: Row = (
    StatusCode::CONFLICT,
    "Account is not approved",
    "account_not_approved",
);
// The text is that of the application.
pub(crate) const OPERATION_VETOED: Row = (
    StatusCode::FORBIDDEN,
    "Rejected by the application",
    "operation_vetoed",
);
// The code of the policy `Verified`, whose address is the caller's own.
pub(crate) const EMAIL_NOT_VERIFIED: Row = (
    StatusCode::CONFLICT,
    "E-mail address is not verified",
    "email_not_verified",
);
pub(crate) const ACCOUNT_HAS_NO_PASSWORD: Row = (
    StatusCode::CONFLICT,
    "Account has no password yet",
    "account_has_no_password",
);
pub(crate) const TOO_MANY_REQUESTS: Row = (
    StatusCode::TOO_MANY_REQUESTS,
    "Too many attempts",
    "too_many_requests",
);
pub(crate) const NOT_JSON: Row = (
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "Send application/json",
    "unsupported_media_type",
);
pub(crate) const NO_FORM: Row = (
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "Send application/x-www-form-urlencoded",
    "unsupported_media_type",
);
pub(crate) const TOO_LARGE: Row = (
    StatusCode::PAYLOAD_TOO_LARGE,
    "The body may have 8 KiB",
    "content_too_large",
);
pub(crate) const BODY_TIMEOUT: Row = (
    StatusCode::REQUEST_TIMEOUT,
    "The body did not arrive in time",
    "request_timeout",
);
pub(crate) const BROKEN_BODY: Row = (
    StatusCode::BAD_REQUEST,
    "The body could not be read",
    "broken_body",
);
const NOT_FOUND: Row = (StatusCode::NOT_FOUND, "Not Found", "not_found");
const METHOD_NOT_ALLOWED: Row = (
    StatusCode::METHOD_NOT_ALLOWED,
    "Method Not Allowed",
    "method_not_allowed",
);

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The error responses of the account routes, except those of the layer and its guards.
#[cfg(feature = "utoipa")]
pub(crate) const ROWS: [Row; 29] = [
    private::WRONG_CREDENTIALS,
    private::PENDING,
    private::DISABLED,
    PASSWORD_CHANGE_REQUIRED,
    EMAIL_TAKEN,
    WRONG_BOOTSTRAP_SECRET,
    REGISTRATION_CLOSED,
    TOO_MANY_PENDING,
    USER_NOT_FOUND,
    LAST_DEMOTION,
    LAST_DISABLING,
    LAST_DELETION,
    LAST_ADMIN_LEAVES,
    INVALID_REFRESH_TOKEN,
    WRONG_PASSWORD,
    SESSION_NOT_FOUND,
    INVALID_ONE_TIME_TOKEN,
    ACCOUNT_NOT_APPROVED,
    OPERATION_VETOED,
    EMAIL_NOT_VERIFIED,
    ACCOUNT_HAS_NO_PASSWORD,
    TOO_MANY_REQUESTS,
    NOT_JSON,
    NO_FORM,
    TOO_LARGE,
    BODY_TIMEOUT,
    BROKEN_BODY,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
];
