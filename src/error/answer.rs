//! Kinds of rejections, and the response to each.

use http::{HeaderValue, StatusCode};

use super::challenge::Challenge;

/// Kind of an [`AuthError`](crate::AuthError).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// No credential was sent, or one of a scheme that is not read.
    MissingCredential,
    /// More than one credential was sent.
    InvalidRequest,
    /// A page of another origin caused the request (cross-site request forgery): see
    /// [`AuthCookie::check_csrf`](crate::credentials::AuthCookie::check_csrf).
    #[doc(alias = "csrf")]
    CrossOrigin,
    /// The token is invalid, or its user is unknown.
    InvalidToken,
    /// The account is pending approval.
    AccountPending,
    /// The account is disabled.
    AccountDisabled,
    /// The user is approved, and a policy denied the request.
    Forbidden,
    /// The user is approved, and the e-mail address is not verified: see
    /// [`Verified`](crate::policy::Verified).
    EmailNotVerified,
    /// The user is approved, and has to log in again: see
    /// [`RecentLogin`](crate::policy::RecentLogin).
    #[doc(alias = "step-up")]
    InsufficientUserAuthentication,
    /// A dependency (user store, key server, deny list, password hasher) failed or timed out.
    Unavailable,
    /// The application is misconfigured, for example without an `AuthLayer` on the route.
    Misconfigured,
}

/// Response to a kind of rejection.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) challenge: Option<Challenge>,
    pub(super) detail: &'static str,
    pub(super) code: &'static str,
    pub(super) grpc_status: &'static str,
}

impl Answer {
    /// Number of combinations of a kind and `disclosed`.
    pub(super) const COUNT: usize = Self::index(AuthErrorKind::Misconfigured, true) + 1;

    /// Index of a combination.
    pub(super) const fn index(kind: AuthErrorKind, disclosed: bool) -> usize {
        kind as usize * 2 + disclosed as usize
    }

    /// The table of responses: the only place where extractors and guards take them from.
    pub(super) const fn of(kind: AuthErrorKind, disclosed: bool) -> Self {
        use AuthErrorKind as Kind;

        let unauthorized = Self {
            status: StatusCode::UNAUTHORIZED,
            challenge: Some(Challenge::InvalidToken),
            detail: "Could not validate credentials",
            code: "invalid_token",
            grpc_status: "16",
        };
        let forbidden = Self {
            status: StatusCode::FORBIDDEN,
            challenge: None,
            detail: "Forbidden",
            code: "forbidden",
            grpc_status: "7",
        };
        match (kind, disclosed) {
            (Kind::MissingCredential, _) => Self {
                challenge: Some(Challenge::Bare),
                detail: "Not authenticated",
                code: "not_authenticated",
                ..unauthorized
            },
            (Kind::InvalidToken, _)
            | (Kind::AccountPending, false)
            | (Kind::AccountDisabled, false) => unauthorized,
            (Kind::AccountPending, true) => Self {
                detail: "Account pending approval",
                code: "account_pending",
                ..forbidden
            },
            (Kind::AccountDisabled, true) => Self {
                detail: "Account disabled",
                code: "account_disabled",
                ..forbidden
            },
            (Kind::InvalidRequest, _) => Self {
                status: StatusCode::BAD_REQUEST,
                challenge: Some(Challenge::InvalidRequest),
                detail: "Exactly one credential is accepted",
                code: "invalid_request",
                ..unauthorized
            },
            (Kind::CrossOrigin, _) => Self {
                detail: "Cross-origin request refused",
                code: "cross_origin",
                ..forbidden
            },
            (Kind::Forbidden, _) => Self {
                challenge: Some(Challenge::InsufficientScope),
                ..forbidden
            },
            (Kind::EmailNotVerified, _) => Self {
                challenge: Some(Challenge::InsufficientScope),
                detail: "Verify your e-mail address first",
                code: "email_not_verified",
                ..forbidden
            },
            // RFC 9470, section 3.
            (Kind::InsufficientUserAuthentication, _) => Self {
                challenge: Some(Challenge::InsufficientUserAuthentication),
                detail: "A more recent log-in is required",
                code: "insufficient_user_authentication",
                ..unauthorized
            },
            (Kind::Unavailable, _) => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                challenge: None,
                detail: "Authentication is temporarily unavailable",
                code: "unavailable",
                grpc_status: "14",
            },
            (Kind::Misconfigured, _) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                challenge: None,
                detail: "Authentication is misconfigured",
                code: "misconfigured",
                grpc_status: "13",
            },
        }
    }
}

/// Variant of gRPC, by the content type of its requests and responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrpcFormat {
    Grpc,
    Web,
    WebText,
}

impl GrpcFormat {
    /// Parses a content type: the name alone, or followed by `+` and a message format.
    pub(super) fn of(content_type: &HeaderValue) -> Option<Self> {
        let value = content_type.as_bytes();
        let end = value.iter().position(|byte| b"+; ".contains(byte));
        let essence = value.get(..end.unwrap_or(value.len()))?;
        let mut all = [Self::Grpc, Self::Web, Self::WebText].into_iter();
        all.find(|format| essence.eq_ignore_ascii_case(format.content_type().as_bytes()))
    }

    /// Content type of a response without a message.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web",
            Self::WebText => "application/grpc-web-text",
        }
    }
}
