//! The response to who is not let in.

use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde::Serialize;

use crate::error::{AuthError, AuthErrorKind, GrpcFormat};
use crate::metrics::record;

/// Makes the response of a [`RequireLayer`](crate::RequireLayer) to a request that it rejects.
///
/// [`ProblemJson`] and [`EmptyBody`] are ready; a closure `Fn(&AuthError, &HeaderMap) -> Response<B>`,
/// which sees the request's headers, is one, too. Challenge, `Retry-After`, the `Set-Cookie` that
/// clears a refused cookie, a status that is no success and the `AuthError` in the extensions are put
/// on afterwards, whoever made the response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make the body `{B}` of a rejection",
    note = "`ProblemJson`, the default, needs a body that can be made of a `String`: put layers that \
            change the body, such as `TraceLayer` or `CompressionLayer`, outside of the \
            `RequireLayer`, or use `.on_rejection(tower_warder::response::EmptyBody)` for bodies that are `Default`, \
            or `.on_rejection(|error: &AuthError, headers: &HeaderMap| …)` for any other"
)]
pub trait MakeErrorResponse<B>: Send + Sync + 'static {
    /// The response to `error`, for a request with these headers.
    fn response(&self, error: &AuthError, headers: &HeaderMap) -> Response<B>;
}

/// A problem document (RFC 9457) for bodies that can be made of a `String`; a `grpc-status` for
/// gRPC requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemJson;

// The compiler then says what `MakeErrorResponse` says, not that some body is not `From<String>`.
#[diagnostic::do_not_recommend]
impl<B: From<String>> MakeErrorResponse<B> for ProblemJson {
    fn response(&self, error: &AuthError, _: &HeaderMap) -> Response<B> {
        if let Some(format) = error.grpc() {
            return grpc(error, format, String::new().into());
        }
        problem(error.status(), error.detail(), error.code()).map(B::from)
    }
}

/// No body, for bodies that have a default; a `grpc-status` for gRPC requests.
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

/// The whole answer: what `rejection` makes of it, and what no rejection can leave out.
pub(crate) fn reject<B, ReqBody>(
    rejection: &impl MakeErrorResponse<B>,
    error: AuthError,
    request: &Request<ReqBody>,
) -> Response<B> {
    record::turned_away(&error);
    let headers = request.headers();
    let error = error.asked_by(request.method(), request.version(), headers);
    respond(rejection, error, headers)
}

/// The same for an error that knows already who asked.
pub(crate) fn respond<B>(
    rejection: &impl MakeErrorResponse<B>,
    error: AuthError,
    headers: &HeaderMap,
) -> Response<B> {
    let mut response = rejection.response(&error, headers);
    // A rejection is never a success. A redirect to a log-in page is none; in gRPC the status is
    // in `grpc-status`, which a response of the application's own may not have.
    let is_grpc = error.grpc().is_some() && response.headers().contains_key(GRPC_STATUS);
    if response.status().is_success() && !is_grpc {
        *response.status_mut() = error.status();
    }
    if let Some(challenge) = error.challenge() {
        // Added, not replaced: the application may offer another scheme beside ours.
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    if let Some(cleared) = error.cleared_cookie() {
        // A browser cannot drop it by itself (`HttpOnly`), and would be refused with it for ever.
        response.headers_mut().append(SET_COOKIE, cleared.clone());
    }
    if error.kind() == AuthErrorKind::Unavailable {
        let retry_after = response.headers_mut().entry(RETRY_AFTER);
        retry_after.or_insert(RETRY_SECONDS);
    }
    response.extensions_mut().insert(error);
    response
}

/// `application/problem+json`.
pub fn problem(status: StatusCode, detail: &str, code: &str) -> Response<String> {
    let document = ProblemDocument {
        kind: "about:blank",
        title: status.canonical_reason(),
        status: status.as_u16(),
        detail,
        code,
    };
    // Strings and a number: that cannot fail.
    let mut response = Response::new(serde_json::to_string(&document).unwrap_or_default());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
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

/// A gRPC answer that ends with its headers ("Trailers-Only").
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

/// `Status-Message` of gRPC over HTTP/2: visible ASCII but `%` stands for itself.
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
