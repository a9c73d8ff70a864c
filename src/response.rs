//! Responses to rejected requests.
//!
//! A [`RequireLayer`](crate::RequireLayer) responds with [`ProblemJson`] by default. [`EmptyBody`], a
//! closure or another [`MakeErrorResponse`] replaces the body; the headers that the RFCs require are
//! added to every response.

use std::sync::OnceLock;

use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde::Serialize;

use crate::error::{AuthError, AuthErrorKind, GrpcFormat};
use crate::metrics::record;

/// Makes the response of a [`RequireLayer`](crate::RequireLayer) to a request that it rejects.
///
/// Implemented by [`ProblemJson`], [`EmptyBody`] and closures
/// `Fn(&AuthError, &HeaderMap) -> Response<B>`, which receive the headers of the request.
///
/// Added to every response afterwards: the challenge (`WWW-Authenticate`), `Retry-After`, the
/// `Set-Cookie` that clears a rejected cookie, and the [`AuthError`] in the response extensions. A
/// success status is replaced with the status of the error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make the body `{B}` of a rejection",
    note = "`ProblemJson`, the default, needs a body that can be made of a `String`: put layers that \
            change the body, such as `TraceLayer` or `CompressionLayer`, outside of the \
            `RequireLayer`, or use `.on_rejection(tower_warder::response::EmptyBody)` for bodies that are `Default`, \
            or `.on_rejection(|error: &AuthError, headers: &HeaderMap| …)` for any other"
)]
pub trait MakeErrorResponse<B>: Send + Sync + 'static {
    /// Makes the response to `error`, for a request with these headers.
    fn response(&self, error: &AuthError, headers: &HeaderMap) -> Response<B>;
}

/// Problem details (RFC 9457) in JSON, for bodies that can be made of a `String`. gRPC requests are
/// answered with a `grpc-status`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemJson;

// So that the compiler prints the note of `MakeErrorResponse`, not that a body is not `From<String>`.
#[diagnostic::do_not_recommend]
impl<B: From<String>> MakeErrorResponse<B> for ProblemJson {
    fn response(&self, error: &AuthError, _: &HeaderMap) -> Response<B> {
        if let Some(format) = error.grpc() {
            return grpc(error, format, String::new().into());
        }
        problem_json(error.status(), problem_of(error)).map(B::from)
    }
}

/// Empty body, for bodies that are `Default`. gRPC requests are answered with a `grpc-status`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyBody;

#[diagnostic::do_not_recommend]
impl<B: Default> MakeErrorResponse<B> for EmptyBody {
    fn response(&self, error: &AuthError, _: &HeaderMap) -> Response<B> {
        if let Some(format) = error.grpc() {
            return grpc(error, format, B::default());
        }
        let mut response = Response::new(B::default());
        *response.status_mut() = error.status();
        response
    }
}

#[diagnostic::do_not_recommend]
impl<B, F> MakeErrorResponse<B> for F
where
    F: Fn(&AuthError, &HeaderMap) -> Response<B> + Send + Sync + 'static,
{
    fn response(&self, error: &AuthError, headers: &HeaderMap) -> Response<B> {
        self(error, headers)
    }
}

/// Counts the rejection and makes the whole response, with the headers that are always added.
pub(crate) fn reject<B, ReqBody>(
    rejection: &impl MakeErrorResponse<B>,
    error: AuthError,
    request: &Request<ReqBody>,
) -> Response<B> {
    record::rejected_anonymous(&error);
    let headers = request.headers();
    let error = error.for_request(request.method(), request.version(), headers);
    respond(rejection, error, headers)
}

/// The same for an error that is counted and has its response format.
pub(crate) fn respond<B>(
    rejection: &impl MakeErrorResponse<B>,
    error: AuthError,
    headers: &HeaderMap,
) -> Response<B> {
    let mut response = rejection.response(&error, headers);
    // A rejection never has a success status; a redirect to a log-in page is allowed. In gRPC the
    // status is in `grpc-status`, which a response of the application's own may not have.
    let is_grpc = error.grpc().is_some() && response.headers().contains_key(GRPC_STATUS);
    if response.status().is_success() && !is_grpc {
        *response.status_mut() = error.status();
    }
    if let Some(challenge) = error.challenge() {
        // Appended, not replaced: the application may offer another scheme as well.
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    if let Some(cleared) = error.cleared_cookie() {
        // A page cannot remove it (`HttpOnly`): without this the browser would send it again.
        response.headers_mut().append(SET_COOKIE, cleared.clone());
    }
    if error.kind() == AuthErrorKind::Unavailable {
        let retry_after = response.headers_mut().entry(RETRY_AFTER);
        retry_after.or_insert(RETRY_SECONDS);
    }
    response.extensions_mut().insert(error);
    response
}

/// Problem details of an error. Those with the text of the table are serialized once: clients can
/// cause any number of them.
fn problem_of(error: &AuthError) -> String {
    static PREPARED: [OnceLock<String>; AuthError::ANSWERS] =
        [const { OnceLock::new() }; AuthError::ANSWERS];

    let make = || details(error.status(), error.detail(), error.code());
    match error.answer_index().and_then(|index| PREPARED.get(index)) {
        Some(prepared) => prepared.get_or_init(make).clone(),
        None => make(),
    }
}

/// Response with problem details (RFC 9457), `application/problem+json`.
pub(crate) fn problem(status: StatusCode, detail: &str, code: &str) -> Response<String> {
    problem_json(status, details(status, detail, code))
}

fn problem_json(status: StatusCode, document: String) -> Response<String> {
    let mut response = Response::new(document);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
}

fn details(status: StatusCode, detail: &str, code: &str) -> String {
    let document = ProblemDocument {
        kind: "about:blank",
        title: status.canonical_reason(),
        status: status.as_u16(),
        detail,
        code,
    };
    // Strings and a number: serialization cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}

/// RFC 9457, section 3. `detail` is the member that FastAPI clients read.
#[derive(Serialize)]
struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: Option<&'static str>,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

/// A gRPC response of headers only ("Trailers-Only").
fn grpc<B>(error: &AuthError, format: GrpcFormat, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    headers.insert(GRPC_STATUS, HeaderValue::from_static(error.grpc_status()));
    if let Ok(message) = HeaderValue::try_from(percent_encode(error.detail())) {
        headers.insert(GRPC_MESSAGE, message);
    }
    response
}

/// `Status-Message` of gRPC over HTTP/2: visible ASCII except `%` is not encoded.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

#[cfg(test)]
mod tests {
    use AuthErrorKind as Kind;

    use super::*;

    const KINDS: [Kind; 11] = [
        Kind::MissingCredential,
        Kind::InvalidRequest,
        Kind::CrossOrigin,
        Kind::InvalidToken,
        Kind::AccountPending,
        Kind::AccountDisabled,
        Kind::Forbidden,
        Kind::EmailNotVerified,
        Kind::InsufficientUserAuthentication,
        Kind::Unavailable,
        Kind::Misconfigured,
    ];

    fn body(error: &AuthError) -> String {
        let response: Response<String> = ProblemJson.response(error, &HeaderMap::new());
        response.into_body()
    }

    #[test]
    fn prepared_body_is_that_of_its_error() {
        // Twice: made, and then prepared.
        for _ in 0..2 {
            for kind in KINDS {
                for disclosed in [false, true] {
                    let mut error = AuthError::new(kind);
                    error.set_shape(disclosed, false, None);
                    let made = details(error.status(), error.detail(), error.code());
                    assert!(error.answer_index().unwrap() < AuthError::ANSWERS);
                    assert_eq!(body(&error), made, "{kind:?}");
                }
            }
        }
    }

    #[test]
    fn text_of_a_policy_is_not_prepared() {
        for detail in ["Editors only", "Forbidden", "Staff \"only\""] {
            let error = AuthError::forbidden(detail.into());
            let made: serde_json::Value = serde_json::from_str(&body(&error)).unwrap();
            assert_eq!(made["detail"], detail);
        }
    }
}
