//! Error of a rejected request.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::BoxError;
use super::answer::{Answer, AuthErrorKind, GrpcFormat};
use super::challenge::{self, Challenges};
use super::misconfiguration::Misconfiguration;
use super::reject_reason::RejectReason;
use super::unavailable::TooLong;

/// Why a request is rejected.
///
/// The client sees the [kind](Self::kind) only. The [source](Error::source), which says what is wrong
/// and how to fix it, goes to the log. Every rejection has its `AuthError` in the response
/// extensions, where logging and metrics middleware can read it.
///
/// | kind | status | `WWW-Authenticate` | `code` |
/// |---|---|---|---|
/// | [`MissingCredential`](AuthErrorKind::MissingCredential) | 401 | `Bearer realm="…"` | `not_authenticated` |
/// | [`InvalidToken`](AuthErrorKind::InvalidToken) | 401 | … `error="invalid_token"` | `invalid_token` |
/// | [`AccountPending`](AuthErrorKind::AccountPending), [`AccountDisabled`](AuthErrorKind::AccountDisabled) | 401 | … `error="invalid_token"` | `invalid_token` |
/// | the same, if [disclosed](crate::AuthLayer::disclose_account_status) | 403 | – | `account_pending`, `account_disabled` |
/// | [`InvalidRequest`](AuthErrorKind::InvalidRequest) | 400 | … `error="invalid_request"` | `invalid_request` |
/// | [`CrossOrigin`](AuthErrorKind::CrossOrigin) | 403 | – | `cross_origin` |
/// | [`Forbidden`](AuthErrorKind::Forbidden) | 403 | … `error="insufficient_scope"` | `forbidden` |
/// | [`EmailNotVerified`](AuthErrorKind::EmailNotVerified) | 403 | … `error="insufficient_scope"` | `email_not_verified` |
/// | [`InsufficientUserAuthentication`](AuthErrorKind::InsufficientUserAuthentication) | 401 | … `error="insufficient_user_authentication"`, `max_age="…"` | `insufficient_user_authentication` |
/// | [`Unavailable`](AuthErrorKind::Unavailable) | 503, `Retry-After` | – | `unavailable` |
/// | [`Misconfigured`](AuthErrorKind::Misconfigured) | 500 | – | `misconfigured` |
///
/// The error codes of the challenge are those of RFC 6750, section 3.1, and RFC 9470, section 3. If the credential is a cookie,
/// a rejection because of `InvalidToken` or the status of the account also
/// [clears](Self::clears_cookie) the cookie.
///
/// In a handler or a [`Verifier`](crate::jwt::Verifier) of your own:
///
/// ```
/// use tower_warder::AuthError;
/// use tower_warder::error::AuthErrorKind;
///
/// let error = AuthError::new(AuthErrorKind::InvalidToken).with_source("unknown API key");
/// assert_eq!(error.status(), 401);
/// assert_eq!(error.code(), "invalid_token");
/// ```
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    /// `None` if no layer has set it.
    disclosed: Option<bool>,
    grpc_service: bool,
    grpc: Option<GrpcFormat>,
    detail: Option<Cow<'static, str>>,
    source: Source,
    challenges: Option<Arc<Challenges>>,
    cleared_cookie: Option<Arc<HeaderValue>>,
}

impl AuthError {
    /// Creates an error of this kind, for a [`Verifier`](crate::jwt::Verifier) or a handler of your own.
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

    /// Adds the cause. It is logged, and never sent to the client.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Source::Error(Arc::from(source.into()));
        self
    }

    /// Kind of the rejection.
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// HTTP status of the response.
    pub fn status(&self) -> StatusCode {
        self.answer().status
    }

    /// `WWW-Authenticate` challenge of the response (RFC 6750, section 3), if it has one.
    pub fn challenge(&self) -> Option<HeaderValue> {
        let challenge = self.answer().challenge?;
        let challenges = self.challenges.as_deref().unwrap_or(&challenge::DEFAULT);
        Some(match self.source {
            Source::Login { max_age, .. } => challenges.for_max_age(max_age),
            _ => challenges.get(challenge).clone(),
        })
    }

    /// Text for the client: `detail` of the problem details.
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.answer().detail)
    }

    /// Identifies status, detail and code. `None` if the detail is a text of its own.
    pub(crate) fn answer_index(&self) -> Option<usize> {
        let is_standard = self.detail.is_none();
        is_standard.then(|| Answer::index(self.kind, self.is_disclosed()))
    }

    /// Number of indexes.
    pub(crate) const ANSWERS: usize = Answer::COUNT;

    /// Stable machine-readable code: `code` of the problem details.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// Returns `true` if the response clears the rejected cookie, for example because its token has
    /// expired or its account is not approved. On a public page treat such a request as anonymous,
    /// as `Option<CurrentUser<U>>` does.
    pub const fn clears_cookie(&self) -> bool {
        self.cleared_cookie.is_some()
    }

    /// Stable name of the reason, for logs, metrics and tests: one of a fixed set, never text from the
    /// request. `none` if there is no reason beyond the kind. The client never sees it.
    ///
    /// The module `metrics` has the table of reasons. The [source](Error::source) says how to fix it.
    pub fn reason(&self) -> &'static str {
        match (self.kind, &self.source) {
            // Unless disclosed, the code of the response is that of an invalid token.
            (AuthErrorKind::AccountPending, _) => "account_pending",
            (AuthErrorKind::AccountDisabled, _) => "account_disabled",
            (_, Source::RejectReason(reason) | Source::Login { reason, .. }) => reason.code(),
            (_, Source::Error(error)) if error.is::<TooLong>() => "timeout",
            (_, Source::Error(error)) => {
                error.downcast_ref().map_or("none", Misconfiguration::code)
            }
            _ => "none",
        }
    }

    /// Status of the response to a gRPC request (`grpc-status`).
    pub(crate) fn grpc_status(&self) -> &'static str {
        self.answer().grpc_status
    }

    pub(crate) fn rejected(reason: RejectReason) -> Self {
        Self {
            source: Source::RejectReason(reason),
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

    /// Rejects a log-in that is older than `max_age`.
    pub(crate) fn login_required(reason: RejectReason, max_age: Duration) -> Self {
        Self {
            source: Source::Login {
                reason,
                max_age: max_age.as_secs(),
            },
            ..Self::new(AuthErrorKind::InsufficientUserAuthentication)
        }
    }

    /// Sets what a layer configures for its responses: whether the account status is disclosed,
    /// whether the service is gRPC, and the realm.
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

    /// Returns `true` if a layer has set that the account status is not disclosed.
    #[cfg(all(feature = "axum", feature = "password"))]
    pub(crate) const fn hides_status(&self) -> bool {
        matches!(self.disclosed, Some(false))
    }

    /// Chooses the response format by the request. Unless the service is declared to be gRPC, only
    /// gRPC as specified, a POST over HTTP/2, gets a 200 with `grpc-status`: otherwise a client could
    /// pass a proxy with forward authentication by its content type.
    pub(crate) fn for_request(
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

    /// Format of the response, if the request is gRPC.
    pub(crate) const fn grpc(&self) -> Option<GrpcFormat> {
        self.grpc
    }

    /// Clears the cookie with the response. Not if it is valid (a policy denied the request) or not
    /// verified (an outage).
    pub(crate) fn clear_cookie(&mut self, line: impl FnOnce() -> Option<HeaderValue>) {
        if self.rejects_credential() {
            self.cleared_cookie = line().map(Arc::new);
        }
    }

    /// Returns `true` if the credential itself was rejected, and is of no use any more.
    pub(crate) const fn rejects_credential(&self) -> bool {
        use AuthErrorKind::{AccountDisabled, AccountPending, InvalidToken};
        matches!(self.kind, InvalidToken | AccountPending | AccountDisabled)
    }

    pub(crate) fn cleared_cookie(&self) -> Option<&HeaderValue> {
        self.cleared_cookie.as_deref()
    }

    const fn answer(&self) -> Answer {
        Answer::of(self.kind, self.is_disclosed())
    }

    const fn is_disclosed(&self) -> bool {
        matches!(self.disclosed, Some(true))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::MissingCredential => "no credential was sent",
            AuthErrorKind::InvalidRequest => "more than one credential was sent",
            AuthErrorKind::CrossOrigin => "a page of another origin sent the request",
            AuthErrorKind::InvalidToken => "the token was refused",
            AuthErrorKind::AccountPending => "the account is pending approval",
            AuthErrorKind::AccountDisabled => "the account is disabled",
            AuthErrorKind::Forbidden => "a policy denied the request",
            AuthErrorKind::EmailNotVerified => "the e-mail address of the user is not verified",
            AuthErrorKind::InsufficientUserAuthentication => "the user has to log in again",
            AuthErrorKind::Unavailable => "authentication is temporarily unavailable",
            AuthErrorKind::Misconfigured => "authentication is misconfigured",
        })
    }
}

impl_debug! { self: AuthError, kind = self.kind, source = self.source() }

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Source::None => None,
            Source::RejectReason(reason) | Source::Login { reason, .. } => Some(reason),
            Source::Error(error) => Some(&**error),
        }
    }
}

#[derive(Clone)]
enum Source {
    None,
    // Inline, so that rejecting a token allocates nothing.
    RejectReason(RejectReason),
    /// A log-in that is too old; the maximum age is in seconds.
    Login {
        reason: RejectReason,
        max_age: u64,
    },
    Error(Arc<dyn Error + Send + Sync>),
}
