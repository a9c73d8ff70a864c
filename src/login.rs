//! Errors of a log-in route, as responses.
//!
//! [`LoginError`] is for log-in handlers over an application's own table of users.

use std::error::Error;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};

use crate::credentials::InvalidCookieValue;
use crate::error::{AuthError, AuthErrorKind, BoxError};
use crate::jwt::IssueError;
use crate::password::PasswordError;
use crate::response;
use crate::user::UserStatus;
use crate::util::log_limit::{LogLimit, log_limited};

/// Error of a log-in handler over an application's own table of users. The responses are the same as
/// those of the routes of `tower-warder-accounts`.
///
/// | error | status | `detail` | `code` |
/// |---|---|---|---|
/// | [`WrongCredentials`](Self::WrongCredentials) | 401, `WWW-Authenticate: Bearer` | Incorrect email or password | `invalid_credentials` |
/// | [`Pending`](Self::Pending) | 403 | Account pending approval | `account_pending` |
/// | [`Disabled`](Self::Disabled) | 403 | Account disabled | `account_disabled` |
/// | [`Rejected`](Self::Rejected) | that of the [`AuthError`] | | |
/// | [`Unavailable`](Self::Unavailable) | 503, `Retry-After` | Authentication is temporarily unavailable | `unavailable` |
///
/// Each response is a problem document (RFC 9457) with `Cache-Control: no-store`. The errors of
/// [`PasswordHasher`], [`JwtIssuer`] and [`AuthCookie`] convert to `LoginError` with `?`, and so does a
/// [`BoxError`], which the application's own database code may return.
///
/// The order matters: verify the password first, for unknown users too, and check the status
/// afterwards. So an unknown user takes as long as a wrong password, and the status is disclosed only
/// with the correct one.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use axum::extract::{Form, State};
/// use axum::http::header::CACHE_CONTROL;
/// use axum::response::IntoResponse;
/// use axum::routing::post;
/// use axum::{Json, Router};
/// use tower_warder::login::LoginError;
/// use tower_warder::password::PasswordHasher;
/// use tower_warder::{AuthUser, BoxError, HmacSecret, JwtIssuer, UserStatus};
///
/// #[derive(Clone)]
/// struct Member {
///     id: String,
///     hashed_password: String,
///     status: UserStatus,
/// }
///
/// impl AuthUser for Member {
///     fn status(&self) -> UserStatus {
///         self.status
///     }
/// }
///
/// struct App {
///     members: HashMap<String, Member>, // your table
///     hasher: PasswordHasher,
///     issuer: JwtIssuer,
/// }
///
/// impl App {
///     async fn find(&self, username: &str) -> Result<Option<Member>, BoxError> {
///         Ok(self.members.get(username).cloned()) // any error of the database, with `?`
///     }
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Credentials {
///     username: String,
///     password: String,
/// }
///
/// async fn login(
///     State(app): State<Arc<App>>,
///     Form(credentials): Form<Credentials>,
/// ) -> Result<impl IntoResponse, LoginError> {
///     let member = app.find(&credentials.username).await?;
///     let stored = member.as_ref().map(|member| member.hashed_password.as_str());
///     let verification = app.hasher.verify_or_dummy(&credentials.password, stored).await?;
///     let member = member.filter(|_| verification.matches);
///     let member = member.ok_or(LoginError::WrongCredentials)?;
///     LoginError::check_status(member.status())?;
///     // If `verification.rehash` has a new hash, store it here.
///     let token = app.issuer.issue(&member.id)?;
///     let expires_in = app.issuer.expires_in().as_secs();
///     let body = serde_json::json!({
///         "access_token": token,
///         "token_type": "bearer",
///         "expires_in": expires_in,
///     });
///     Ok(([(CACHE_CONTROL, "no-store")], Json(body)))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// # use axum::http::{Request, header::CONTENT_TYPE};
/// # use tower::ServiceExt;
/// let hasher = PasswordHasher::new();
/// let member = |id: &str, hashed_password: String, status| Member {
///     id: id.to_owned(),
///     hashed_password,
///     status,
/// };
/// let hash = hasher.hash("correct horse battery staple").await?;
/// let app = App {
///     members: HashMap::from([
///         ("jane".to_owned(), member("1", hash.clone(), UserStatus::Approved)),
///         ("paul".to_owned(), member("2", hash, UserStatus::Pending)),
///     ]),
///     hasher,
///     issuer: JwtIssuer::hs256(&HmacSecret::generate()),
/// };
/// let app: Router = Router::new().route("/login", post(login)).with_state(Arc::new(app));
/// for (username, password, status) in [
///     ("jane", "correct+horse+battery+staple", 200),
///     ("jane", "wrong", 401),
///     ("nobody", "wrong", 401),
///     ("paul", "wrong", 401),
///     ("paul", "correct+horse+battery+staple", 403),
/// ] {
///     // The form `username=…&password=…`.
/// #   let form = format!("username={username}&password={password}");
/// #   let request = Request::post("/login")
/// #       .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
/// #       .body(axum::body::Body::from(form))?;
/// #   let answer = app.clone().oneshot(request).await?;
///     assert_eq!(answer.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`PasswordHasher`]: crate::password::PasswordHasher
/// [`JwtIssuer`]: crate::JwtIssuer
/// [`AuthCookie`]: crate::credentials::AuthCookie
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError {
    /// The user is unknown or the password is wrong. The response does not tell which.
    WrongCredentials,
    /// The password is correct, but the account waits for approval.
    Pending,
    /// The password is correct, but the account is disabled.
    Disabled,
    /// The request is rejected for another reason, such as a cross-origin request.
    Rejected(AuthError),
    /// The database or the hasher is unavailable, or no token could be issued. The source is logged
    /// as an error, at most once a minute, because anyone can cause it.
    Unavailable(BoxError),
}

impl LoginError {
    /// Checks the status of an account, after its password was verified.
    ///
    /// # Errors
    ///
    /// [`Pending`](Self::Pending) or [`Disabled`](Self::Disabled).
    pub const fn check_status(status: UserStatus) -> Result<(), Self> {
        match status {
            UserStatus::Approved => Ok(()),
            UserStatus::Pending => Err(Self::Pending),
            UserStatus::Disabled => Err(Self::Disabled),
        }
    }
}

/// An unreadable hash is a wrong password to the client, and is logged as an error.
impl From<PasswordError> for LoginError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooLong => Self::WrongCredentials,
            PasswordError::UnreadableHash => {
                static LIMIT: LogLimit = LogLimit::new();

                log_limited!(
                    LIMIT,
                    error,
                    "the stored password hash of a user cannot be read"
                );
                Self::WrongCredentials
            }
            PasswordError::Busy | PasswordError::Failed => Self::Unavailable(error.into()),
        }
    }
}

impl From<IssueError> for LoginError {
    fn from(error: IssueError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// A token that does not fit into a cookie.
impl From<InvalidCookieValue> for LoginError {
    fn from(error: InvalidCookieValue) -> Self {
        Self::Unavailable(error.into())
    }
}

/// The status of an account is disclosed, unless an [`AuthLayer`](crate::AuthLayer) without
/// [`disclose_account_status`](crate::AuthLayer::disclose_account_status) rejected it: no password was
/// verified there.
impl From<AuthError> for LoginError {
    fn from(error: AuthError) -> Self {
        match error.kind() {
            _ if error.hides_status() => Self::Rejected(error),
            AuthErrorKind::AccountPending => Self::Pending,
            AuthErrorKind::AccountDisabled => Self::Disabled,
            _ => Self::Rejected(error),
        }
    }
}

/// Errors of the application's database. Errors of this crate keep their meaning.
impl From<BoxError> for LoginError {
    fn from(error: BoxError) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        let error = match error.downcast::<PasswordError>() {
            Ok(error) => return (*error).into(),
            Err(error) => error,
        };
        match error.downcast::<AuthError>() {
            Ok(error) => (*error).into(),
            Err(error) => Self::Unavailable(error),
        }
    }
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::WrongCredentials => {
                let mut response = problem(WRONG_CREDENTIALS);
                let bearer = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
                response
            }
            Self::Pending => problem(PENDING),
            Self::Disabled => problem(DISABLED),
            Self::Rejected(error) => error.into_response(),
            Self::Unavailable(source) => {
                log_outage(&source, "a log-in cannot be answered");
                AuthError::unavailable(source).into_response()
            }
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

impl_display! { LoginError:
    Self::WrongCredentials => "user and password do not match";
    Self::Pending => "the account waits for approval";
    Self::Disabled => "the account is disabled";
    Self::Rejected(_) => "the request is rejected";
    Self::Unavailable(_) => "the log-in is temporarily unavailable";
}

impl Error for LoginError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(error) => Some(error),
            Self::Unavailable(source) => Some(&**source),
            _ => None,
        }
    }
}

/// Logs at most one line a minute above DEBUG, because anyone may try to log in.
pub(crate) fn log_outage(source: &BoxError, message: &str) {
    static LIMIT: LogLimit = LogLimit::new();

    // The hasher has logged its own errors.
    if source.is::<PasswordError>() {
        tracing::debug!(%source, "{message}");
        return;
    }
    log_limited!(LIMIT, error, %source, "{message}");
}

fn problem(row: Row) -> Response {
    let (status, detail, code) = row;
    response::problem(status, detail, code).map(Body::from)
}

/// Status, `detail` and `code` of a problem.
pub(crate) type Row = (StatusCode, &'static str, &'static str);

/// Response to an unknown address or a wrong password.
pub(crate) const WRONG_CREDENTIALS: Row = (
    StatusCode::UNAUTHORIZED,
    "Incorrect email or password",
    "invalid_credentials",
);
/// Response to the correct password of a pending account.
pub(crate) const PENDING: Row = (
    StatusCode::FORBIDDEN,
    "Account pending approval",
    "account_pending",
);
/// Response to the correct password of a disabled account.
pub(crate) const DISABLED: Row = (
    StatusCode::FORBIDDEN,
    "Account disabled",
    "account_disabled",
);
