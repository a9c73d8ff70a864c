//! Why a request is rejected.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::BoxError;
use super::answer::{Answer, AuthErrorKind, GrpcFormat};
use super::challenge::{self, Challenges};
use super::misconfiguration::Misconfiguration;
use super::reject_reason::RejectReason;
use super::unavailable::TooLong;

/// Why a request is not let in.
///
/// Opaque on purpose: the client learns the [kind](Self::kind), the log learns the
/// [source](Error::source). Every rejected response carries its `AuthError` in the response
/// extensions, so that logging and metrics middleware can read it.
///
/// | kind | status | `WWW-Authenticate` | `code` |
/// |---|---|---|---|
/// | [`MissingCredential`](AuthErrorKind::MissingCredential) | 401 | `Bearer realm="…"` | `not_authenticated` |
/// | [`InvalidToken`](AuthErrorKind::InvalidToken) | 401 | … `error="invalid_token"` | `invalid_token` |
/// | [`AccountPending`](AuthErrorKind::AccountPending), [`AccountDisabled`](AuthErrorKind::AccountDisabled) | 401 | … `error="invalid_token"` | `invalid_token` |
/// | the same, [disclosed](crate::AuthLayer::disclose_account_status) | 403 | – | `account_pending`, `account_disabled` |
/// | [`InvalidRequest`](AuthErrorKind::InvalidRequest) | 400 | … `error="invalid_request"` | `invalid_request` |
/// | [`CrossOrigin`](AuthErrorKind::CrossOrigin) | 403 | – | `cross_origin` |
/// | [`Forbidden`](AuthErrorKind::Forbidden) | 403 | … `error="insufficient_scope"` | `forbidden` |
/// | [`Unavailable`](AuthErrorKind::Unavailable) | 503, `Retry-After` | – | `unavailable` |
/// | [`Misconfigured`](AuthErrorKind::Misconfigured) | 500 | – | `misconfigured` |
///
/// The error codes of the challenge are those of RFC 6750, section 3.1. Where a cookie is refused by
/// `InvalidToken` or the account's status, the answer [clears](Self::clears_cookie) it as well.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    /// `None` where no layer has decided it.
    disclosed: Option<bool>,
    grpc_service: bool,
    grpc: Option<GrpcFormat>,
    detail: Option<Cow<'static, str>>,
    source: Source,
    challenges: Option<Arc<Challenges>>,
    cleared_cookie: Option<Arc<HeaderValue>>,
}

impl AuthError {
    /// An error of the given kind, for a [`Verifier`](crate::jwt::Verifier) or a handler of your own.
    pub const fn new(kind: AuthErrorKind) -> Self {
        Self {
            kind,
            disclosed: None,
            grpc_service: false,
            grpc: None,
            detail: None,
            source: Source::None,
            challenges: None,
            cleared_cookie: None,
        }
    }

    /// Adds the cause. It goes to the log, never to the client.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Source::Error(Arc::from(source.into()));
        self
    }

    /// What kind of refusal this is.
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.answer().status
    }

    /// The `WWW-Authenticate` challenge of the answer (RFC 6750, section 3), where it has one.
    pub fn challenge(&self) -> Option<HeaderValue> {
        let challenge = self.answer().challenge?;
        let challenges = self.challenges.as_deref().unwrap_or(&challenge::DEFAULT);
        Some(challenges.get(challenge).clone())
    }

    /// The sentence for the client: `detail` of the problem body.
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.answer().detail)
    }

    /// The stable machine-readable code: `code` of the problem body.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// Whether the answer clears the cookie that was refused: it has expired, say, or its account is
    /// not approved. For a page that is there for everyone, such a request is anonymous, and
    /// `Option<CurrentUser<U>>` is `None`.
    pub const fn clears_cookie(&self) -> bool {
        self.cleared_cookie.is_some()
    }

    /// The stable name of the reason, for logs, metrics and tests: one of a closed set, whatever was
    /// sent. `none` where the kind says all there is to say. The client never sees it.
    ///
    /// The table of reasons stands in the module `metrics`; the sentence with the remedy is the
    /// [source](Error::source).
    pub fn reason(&self) -> &'static str {
        match (self.kind, &self.source) {
            // Not disclosed, the code is that of a bad token.
            (AuthErrorKind::AccountPending, _) => "account_pending",
            (AuthErrorKind::AccountDisabled, _) => "account_disabled",
            (_, Source::RejectReason(refusal)) => refusal.code(),
            (_, Source::Error(error)) if error.is::<TooLong>() => "timeout",
            (_, Source::Error(error)) => {
                error.downcast_ref().map_or("none", Misconfiguration::code)
            }
            _ => "none",
        }
    }

    /// The status of the answer to a gRPC request (`grpc-status`).
    pub(crate) fn grpc_status(&self) -> &'static str {
        self.answer().grpc_status
    }

    pub(crate) fn refused(refusal: RejectReason) -> Self {
        Self {
            source: Source::RejectReason(refusal),
            ..Self::new(AuthErrorKind::InvalidToken)
        }
    }

    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::new(AuthErrorKind::Unavailable).with_source(source)
    }

    pub(crate) fn forbidden(detail: Cow<'static, str>) -> Self {
        Self {
            detail: Some(detail),
            ..Self::new(AuthErrorKind::Forbidden)
        }
    }

    /// Takes the shape of a layer's answers: whether the client is told that its account is pending
    /// or disabled, whether the service declares itself gRPC, and the realm.
    pub(crate) fn set_shape(
        &mut self,
        disclosed: bool,
        grpc_service: bool,
        challenges: Option<&Arc<Challenges>>,
    ) {
        self.disclosed = Some(disclosed);
        self.grpc_service = grpc_service;
        self.challenges = challenges.cloned();
    }

    /// Whether a layer has decided that the client is not told the status of its account.
    #[cfg(all(feature = "axum", feature = "password"))]
    pub(crate) const fn hides_status(&self) -> bool {
        matches!(self.disclosed, Some(false))
    }

    /// Remembers the form of answer that the request asks for. Unless the service declares itself
    /// gRPC, only gRPC as its specification has it, a POST over HTTP/2, is answered with a 200: a
    /// proxy that asks whether it may pass a request on must not be told so by a content type.
    pub(crate) fn asked_by(
        mut self,
        method: &Method,
        version: Version,
        headers: &HeaderMap,
    ) -> Self {
        let declared = self.grpc_service;
        self.grpc = if *method == Method::POST && (version >= Version::HTTP_2 || declared) {
            let format = headers.get(CONTENT_TYPE).and_then(GrpcFormat::of);
            format.filter(|format| declared || *format == GrpcFormat::Grpc)
        } else {
            None
        };
        self
    }

    /// The form of answer that the request asks for, if it is one of gRPC's.
    pub(crate) const fn grpc(&self) -> Option<GrpcFormat> {
        self.grpc
    }

    /// Clears a cookie with the answer. Not where it was good (a policy said no), nor where nobody
    /// knows whether it is (an outage).
    pub(crate) fn clear_cookie(&mut self, line: impl FnOnce() -> Option<HeaderValue>) {
        if self.refuses_credential() {
            self.cleared_cookie = line().map(Arc::new);
        }
    }

    /// Whether the credential itself was refused, and is of no use any more.
    pub(crate) const fn refuses_credential(&self) -> bool {
        use AuthErrorKind::{AccountDisabled, AccountPending, InvalidToken};
        matches!(self.kind, InvalidToken | AccountPending | AccountDisabled)
    }

    pub(crate) fn cleared_cookie(&self) -> Option<&HeaderValue> {
        self.cleared_cookie.as_deref()
    }

    const fn answer(&self) -> Answer {
        Answer::of(self.kind, matches!(self.disclosed, Some(true)))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::MissingCredential => "no credential was sent",
            AuthErrorKind::InvalidRequest => "more than one credential was sent",
            AuthErrorKind::CrossOrigin => "a page of another origin sent the request",
            AuthErrorKind::InvalidToken => "the token was refused",
            AuthErrorKind::AccountPending => "the account waits for approval",
            AuthErrorKind::AccountDisabled => "the account is disabled",
            AuthErrorKind::Forbidden => "a policy said no",
            AuthErrorKind::Unavailable => "authentication is temporarily unavailable",
            AuthErrorKind::Misconfigured => "authentication is misconfigured",
        })
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.kind)
            .field("source", &self.source())
            .finish_non_exhaustive()
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Source::None => None,
            Source::RejectReason(refusal) => Some(refusal),
            Source::Error(error) => Some(&**error),
        }
    }
}

#[derive(Clone)]
enum Source {
    None,
    // Inline, so that refusing a token allocates nothing.
    RejectReason(RejectReason),
    Error(Arc<dyn Error + Send + Sync>),
}
