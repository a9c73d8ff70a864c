//! Items for the other crates of this workspace. They are unstable: any version may change them.

#[cfg(feature = "axum")]
use std::borrow::Cow;
#[cfg(feature = "axum")]
use std::mem;
#[cfg(feature = "axum")]
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(feature = "axum")]
use http::request::Parts;
#[cfg(feature = "axum")]
use http::{HeaderMap, Request};
use http::{Response, StatusCode};

use crate::clock::{self, Clock};
#[cfg(feature = "axum")]
use crate::credentials::AuthCookie;
#[cfg(feature = "axum")]
use crate::error::AuthErrorKind;
#[cfg(all(feature = "axum", feature = "password"))]
use crate::error::BoxError;
use crate::error::{AuthError, RejectReason};
#[cfg(feature = "axum")]
use crate::identity::{ErasedIdentity, Identity, Place};
#[cfg(feature = "axum")]
use crate::jwt::Claims;
use crate::jwt::keys::HmacSecret;
#[cfg(all(feature = "axum", feature = "password"))]
use crate::login;
use crate::policy::ADMIN_REQUIRED;
use crate::response;

pub use crate::credentials::query::decode as decode_form;
pub use crate::metrics::record::{LogIn, ThrottledRoute, logged_in, throttled};
pub use crate::util::AUDIT_TARGET;
pub use crate::util::log_limit::{LogLimit, LogLimits, log_limited};
pub use crate::util::network::network;

/// Parts of the OpenAPI descriptions.
#[cfg(feature = "utoipa")]
pub mod openapi {
    pub use crate::openapi::rejection::{Rejection, by_status, problem, text_header};
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
pub fn problem((status, detail, code): (StatusCode, &str, &str)) -> Response<String> {
    response::problem(status, detail, code)
}

/// Logs that a log-in cannot be answered, at most once a minute above DEBUG.
#[cfg(all(feature = "axum", feature = "password"))]
pub fn log_outage(source: &BoxError, message: &str) {
    login::log_outage(source, message);
}

/// Time since an arbitrary start, by this clock: setting the system clock does not change it.
pub fn uptime(clock: &Clock) -> Duration {
    clock.uptime()
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

/// Error for a token whose session has ended.
pub fn session_ended() -> AuthError {
    AuthError::rejected(RejectReason::SessionEnded)
}

/// Value of a claim that most tokens do not have, if it is a string. Costs one search in the payload
/// where the claim is absent.
#[cfg(feature = "axum")]
pub fn rare_claim<'a>(claims: &'a Claims, name: &str) -> Option<Cow<'a, str>> {
    claims.rare_text(name)
}

/// Cookie in which the credential of this request was sent.
#[cfg(feature = "axum")]
pub fn used_cookie<U>(identity: &Identity<U>) -> Option<&AuthCookie> {
    identity.cookie()
}

/// Returns what is in the cookie, at most `limit` times if it was sent several times.
#[cfg(feature = "axum")]
pub fn cookie_values(cookie: &AuthCookie, headers: &mut HeaderMap, limit: usize) -> Vec<String> {
    let credentials = cookie.read_all(headers, limit).into_iter();
    credentials
        .filter_map(|credential| {
            credential
                .token(MAX_COOKIE_BYTES, false)
                .ok()
                .map(str::to_owned)
        })
        .collect()
}

/// Returns `true` if a page of an origin that the cookie does not trust sent the request.
#[cfg(feature = "axum")]
pub fn is_cross_origin(cookie: &AuthCookie, parts: &mut Parts) -> bool {
    let (empty, ()) = Request::new(()).into_parts();
    let request = Request::from_parts(mem::replace(parts, empty), ());
    let is_cross_origin = cookie.is_cross_origin(&request);
    (*parts, ()) = request.into_parts();
    is_cross_origin
}

/// Maximum of a cookie that browsers accept.
#[cfg(feature = "axum")]
const MAX_COOKIE_BYTES: usize = 4096;

/// Returns the HMAC of a text with SHA-256. It must not be the signing input of a token.
pub fn hmac_sha256(secret: &HmacSecret, text: &[u8]) -> [u8; 32] {
    secret.hmac_sha256(text)
}

/// Token in a cookie, verified by the layer around the request even if the request has another
/// credential: a page may send a bearer token and the cookie when it logs out.
#[cfg(feature = "axum")]
pub struct CookieIdentity(Arc<dyn ErasedIdentity>);

#[cfg(feature = "axum")]
impl CookieIdentity {
    /// Finds the cookie, without a check of CSRF: the first `limit`, if it was sent several times.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) if there is no layer around the request.
    pub fn find<B>(
        cookie: &AuthCookie,
        request: &mut Request<B>,
        limit: usize,
    ) -> Result<Vec<Self>, AuthError> {
        let credentials = cookie.read_all(request.headers_mut(), limit);
        if credentials.is_empty() {
            return Ok(Vec::new());
        }
        let extensions = request.extensions();
        let layer = <dyn ErasedIdentity>::from_extensions(extensions, "Claims", Place::UNKNOWN)?;
        let identities = credentials.into_iter();
        Ok(identities
            .map(|credential| Self(layer.with_credential(credential)))
            .collect())
    }

    /// Returns the claims, `None` if the token is rejected.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](AuthErrorKind::Unavailable).
    pub async fn claims(&self) -> Result<Option<Claims>, AuthError> {
        match self.0.claims().await {
            Ok(claims) => Ok(Some(claims)),
            Err(error) if error.kind() == AuthErrorKind::InvalidToken => Ok(None),
            Err(error) => Err(error),
        }
    }
}
