//! What can go wrong, and the one table that turns it into an answer.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Any error of an application: what a [`UserLoader`](crate::UserLoader) may return with `?`.
pub type BoxError = Box<dyn Error + Send + Sync>;

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
/// | the same, [disclosed](crate::AuthLayer::disclose_status) | 403 | – | `account_pending`, `account_disabled` |
/// | [`InvalidRequest`](AuthErrorKind::InvalidRequest) | 400 | … `error="invalid_request"` | `invalid_request` |
/// | [`Forbidden`](AuthErrorKind::Forbidden) | 403 | … `error="insufficient_scope"` | `forbidden` |
/// | [`Unavailable`](AuthErrorKind::Unavailable) | 503, `Retry-After` | – | `unavailable` |
/// | [`Misconfigured`](AuthErrorKind::Misconfigured) | 500 | – | `misconfigured` |
///
/// The error codes of the challenge are those of RFC 6750, section 3.1.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    disclosed: bool,
    grpc: bool,
    detail: Option<Cow<'static, str>>,
    source: Source,
    challenges: Option<Arc<Challenges>>,
}

/// The kinds of [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// No credential was sent, or one of a scheme that is not ours.
    MissingCredential,
    /// More than one credential was sent.
    InvalidRequest,
    /// The token was refused, or its subject is unknown.
    InvalidToken,
    /// The account waits for approval.
    AccountPending,
    /// The account is disabled.
    AccountDisabled,
    /// The user is known and approved, and a policy said no.
    Forbidden,
    /// Whoever had to be asked (user store, key source, password hasher) could not answer.
    Unavailable,
    /// The server is put together wrongly, for example without an `AuthLayer` on the route.
    Misconfigured,
}

impl AuthError {
    /// An error of the given kind, for a [`Verifier`](crate::Verifier) or a handler of your own.
    pub const fn new(kind: AuthErrorKind) -> Self {
        Self {
            kind,
            disclosed: false,
            grpc: false,
            detail: None,
            source: Source::None,
            challenges: None,
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
        Some(match &self.challenges {
            Some(challenges) => challenges.get(challenge).clone(),
            None => HeaderValue::from_static(challenge.default_value()),
        })
    }

    /// The sentence for the client: `detail` of the problem body.
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.answer().detail)
    }

    /// The stable machine-readable code: `code` of the problem body.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// The status of the answer to a gRPC request (`grpc-status`).
    pub(crate) fn grpc_status(&self) -> &'static str {
        self.answer().grpc_status
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self {
            source: Source::Refusal(refusal),
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

    /// Lets the client know that its account is pending or disabled, if that is what this is.
    pub(crate) const fn disclosed(mut self, disclosed: bool) -> Self {
        self.disclosed = disclosed;
        self
    }

    /// Remembers the form of answer that the sender of these headers understands.
    pub(crate) fn asked_with(mut self, headers: &HeaderMap) -> Self {
        self.grpc = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| is_grpc(value.as_bytes()));
        self
    }

    pub(crate) const fn is_for_grpc(&self) -> bool {
        self.grpc
    }

    pub(crate) fn with_challenges(mut self, challenges: Option<&Arc<Challenges>>) -> Self {
        self.challenges = challenges.cloned();
        self
    }

    /// The table of answers. Nothing else in the crate knows a status or a code.
    const fn answer(&self) -> Answer {
        use AuthErrorKind as Kind;

        let unauthorized = Answer {
            status: StatusCode::UNAUTHORIZED,
            challenge: Some(Challenge::InvalidToken),
            detail: "Could not validate credentials",
            code: "invalid_token",
            grpc_status: "16",
        };
        let forbidden = Answer {
            status: StatusCode::FORBIDDEN,
            challenge: None,
            detail: "Forbidden",
            code: "forbidden",
            grpc_status: "7",
        };
        match (self.kind, self.disclosed) {
            (Kind::MissingCredential, _) => Answer {
                challenge: Some(Challenge::Bare),
                detail: "Not authenticated",
                code: "not_authenticated",
                ..unauthorized
            },
            (Kind::InvalidToken, _)
            | (Kind::AccountPending, false)
            | (Kind::AccountDisabled, false) => unauthorized,
            (Kind::AccountPending, true) => Answer {
                detail: "Account pending approval",
                code: "account_pending",
                ..forbidden
            },
            (Kind::AccountDisabled, true) => Answer {
                detail: "Account disabled",
                code: "account_disabled",
                ..forbidden
            },
            (Kind::InvalidRequest, _) => Answer {
                status: StatusCode::BAD_REQUEST,
                challenge: Some(Challenge::InvalidRequest),
                detail: "Exactly one credential is accepted",
                code: "invalid_request",
                ..unauthorized
            },
            (Kind::Forbidden, _) => Answer {
                challenge: Some(Challenge::InsufficientScope),
                ..forbidden
            },
            (Kind::Unavailable, _) => Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                challenge: None,
                detail: "Authentication is temporarily unavailable",
                code: "unavailable",
                grpc_status: "14",
            },
            (Kind::Misconfigured, _) => Answer {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                challenge: None,
                detail: "Authentication is misconfigured",
                code: "misconfigured",
                grpc_status: "13",
            },
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::MissingCredential => "no credential was sent",
            AuthErrorKind::InvalidRequest => "more than one credential was sent",
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
            Source::Refusal(refusal) => Some(refusal),
            Source::Error(error) => Some(&**error),
        }
    }
}

/// `application/grpc`, alone or with `+` and a format.
fn is_grpc(content_type: &[u8]) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    match content_type.split_at_checked(GRPC.len()) {
        Some((essence, rest)) => {
            essence.eq_ignore_ascii_case(GRPC) && matches!(rest, [] | [b'+' | b';' | b' ', ..])
        }
        None => false,
    }
}

#[derive(Clone)]
enum Source {
    None,
    // Inline, so that refusing a token allocates nothing.
    Refusal(Refusal),
    Error(Arc<dyn Error + Send + Sync>),
}

struct Answer {
    status: StatusCode,
    challenge: Option<Challenge>,
    detail: &'static str,
    code: &'static str,
    grpc_status: &'static str,
}

/// Why a token was refused: a closed set of static texts, so that nothing an attacker wrote
/// reaches a client, a header or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Credential,
    Size,
    Segments,
    Base64,
    Header,
    Algorithm,
    Critical,
    Type,
    KeyId,
    Signature,
    Claims,
    Subject,
    Expiry,
    Expired,
    NotYetValid,
    IssuedInFuture,
    Issuer,
    Audience,
    Generation,
    UnknownSubject,
    CustomClaims,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "the credential is not one bearer token",
            Self::Size => "the token or its header is too large",
            Self::Segments => "the token does not have three segments",
            Self::Base64 => "a segment is not strict base64url",
            Self::Header => "the header is not one strict JSON object",
            Self::Algorithm => "the algorithm is not the one configured for the key",
            Self::Critical => "the header demands an extension",
            Self::Type => "the token is of another type",
            Self::KeyId => "no key is configured for the key id",
            Self::Signature => "the signature does not match",
            Self::Claims => {
                "the claims are not one strict JSON object, \
                 or a registered one has another type or range"
            }
            Self::Subject => "the subject is missing, empty, too long or has control characters",
            Self::Expiry => "the expiry is missing",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::IssuedInFuture => "the token was issued in the future",
            Self::Issuer => "the issuer is not the configured one",
            Self::Audience => "the audience is not the configured one",
            Self::Generation => "the token was revoked by a later generation",
            Self::UnknownSubject => "the subject is unknown",
            Self::CustomClaims => "the custom claims are not of the form the application reads",
        })
    }
}

impl Error for Refusal {}

/// The challenges of one realm, made once.
#[derive(Debug)]
pub(crate) struct Challenges([HeaderValue; 4]);

#[derive(Clone, Copy)]
enum Challenge {
    Bare,
    InvalidToken,
    InvalidRequest,
    InsufficientScope,
}

impl Challenges {
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        // Quoted without escapes (RFC 9110, section 5.6.4).
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if !realm.bytes().all(plain) {
            return Err(ConfigError::InvalidRealm);
        }
        let value = |challenge: Challenge| {
            HeaderValue::try_from(challenge.default_value().replace(DEFAULT_REALM, realm))
                .map_err(|_| ConfigError::InvalidRealm)
        };
        Ok(Self([
            value(Challenge::Bare)?,
            value(Challenge::InvalidToken)?,
            value(Challenge::InvalidRequest)?,
            value(Challenge::InsufficientScope)?,
        ]))
    }

    const fn get(&self, challenge: Challenge) -> &HeaderValue {
        let [bare, invalid_token, invalid_request, insufficient_scope] = &self.0;
        match challenge {
            Challenge::Bare => bare,
            Challenge::InvalidToken => invalid_token,
            Challenge::InvalidRequest => invalid_request,
            Challenge::InsufficientScope => insufficient_scope,
        }
    }
}

impl Challenge {
    const fn default_value(self) -> &'static str {
        match self {
            Self::Bare => r#"Bearer realm="api""#,
            Self::InvalidToken => r#"Bearer realm="api", error="invalid_token""#,
            Self::InvalidRequest => r#"Bearer realm="api", error="invalid_request""#,
            Self::InsufficientScope => r#"Bearer realm="api", error="insufficient_scope""#,
        }
    }
}

const DEFAULT_REALM: &str = "api";

/// What is wrong with a configuration, found while it is built.
///
/// The text of each says what to do about it and holds no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// An environment variable is not set.
    MissingVariable(String),
    /// An environment variable is set to nothing.
    EmptyVariable(String),
    /// An environment variable is not UTF-8.
    InvalidVariable(String),
    /// A secret has fewer bytes than its algorithm asks for (RFC 7518, section 3.2).
    SecretTooShort {
        /// Bytes that the algorithm needs.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// A secret is a well-known placeholder.
    PlaceholderSecret,
    /// A secret is one byte, a short piece or a sequence over and over.
    PredictableSecret,
    /// The leeway is longer than 300 seconds.
    LeewayTooLong,
    /// No backend for the algorithm is compiled in.
    UnsupportedAlgorithm(&'static str),
    /// A key does not belong to the algorithm it was given for.
    WrongKeyFamily(&'static str),
    /// A key is malformed, too weak or contradicts itself.
    InvalidKey(&'static str),
    /// Two keys of a ring have the same key id.
    DuplicateKeyId(String),
    /// A key of a ring has no key id.
    MissingKeyId,
    /// A ring has no key of this id.
    UnknownKeyId(String),
    /// A realm has characters that do not fit into a quoted string.
    InvalidRealm,
    /// A scope is empty or has characters that RFC 6749, section 3.3, does not allow.
    InvalidScope,
    /// Password hashing parameters are out of range.
    InvalidPasswordParams(&'static str),
    /// A file could not be read or written.
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingVariable(name) => {
                write!(
                    f,
                    "{name} is not set; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::EmptyVariable(name) => {
                write!(
                    f,
                    "{name} is empty; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::InvalidVariable(name) => {
                write!(
                    f,
                    "{name} is not UTF-8; make a secret with `openssl rand -hex 32`"
                )
            }
            Self::SecretTooShort { needed, given } => write!(
                f,
                "the secret has {given} bytes and needs at least {needed}; \
                 make one with `openssl rand -hex {needed}`"
            ),
            Self::PlaceholderSecret => f.write_str(
                "the secret is a well-known placeholder; make one with `openssl rand -hex 32`",
            ),
            Self::PredictableSecret => f.write_str(
                "the secret repeats itself or is a sequence; make one with `openssl rand -hex 32`",
            ),
            Self::LeewayTooLong => {
                f.write_str("the leeway is longer than 300 seconds; set the clocks right instead")
            }
            Self::UnsupportedAlgorithm(algorithm) => write!(
                f,
                "{algorithm} needs the feature `aws-lc-rs` or `rust-crypto` of tower-warder"
            ),
            Self::WrongKeyFamily(algorithm) => {
                write!(
                    f,
                    "the key is not a key for {algorithm}; check the algorithm or the file"
                )
            }
            Self::InvalidKey(reason) => write!(f, "the key cannot be used: {reason}"),
            Self::DuplicateKeyId(kid) => {
                write!(
                    f,
                    "the ring has a key with the id {kid:?} already; give each its own"
                )
            }
            Self::MissingKeyId => {
                f.write_str("a key in a ring needs an id; set it with `.key_id(…)`")
            }
            Self::UnknownKeyId(kid) => {
                write!(f, "the ring has no key with the id {kid:?}; add it first")
            }
            Self::InvalidRealm => f.write_str(
                "the realm may have visible ASCII and blanks, without quotes and backslashes",
            ),
            Self::InvalidScope => {
                f.write_str("a scope is one word of visible ASCII without quotes and backslashes")
            }
            Self::InvalidPasswordParams(reason) => {
                write!(
                    f,
                    "the password hashing parameters cannot be used: {reason}"
                )
            }
            Self::File { path, .. } => {
                write!(
                    f,
                    "{} cannot be read or written; check the path and its rights",
                    path.display()
                )
            }
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
    }
}
