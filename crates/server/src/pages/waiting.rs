//! Page of users that wait for approval, and the cookie by which it knows whose status to show.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{HeaderMap, SET_COOKIE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::error::AuthErrorKind;
use tower_warder::{
    AuthError, AuthLayer, AuthUser, Identity, JwtIssuer, JwtVerifier, UserLoader, UserStatus,
};
use tower_warder_accounts::{AccountStore, Accounts, Email, SubjectClaim};

use super::{Pages, in_time};

/// Issuer of the cookie that identifies an account that waits for approval. It is given to a client
/// that registered the address, or that knows its password, and tells only the status.
///
/// Its token is signed with the keys of access tokens, and has an audience: guards reject it, because
/// they reject every token with an audience that they do not expect.
#[derive(Clone)]
pub(crate) struct WaitingCookie {
    issuer: JwtIssuer,
    cookie: AuthCookie,
}

impl WaitingCookie {
    pub(crate) fn new(issuer: JwtIssuer, cookie: AuthCookie) -> Self {
        Self {
            issuer: issuer.audience(AUDIENCE).lifetime(LIFETIME),
            cookie,
        }
    }

    /// Adds the cookie for this address, as it was entered. Without it the page works, and shows no
    /// status.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, email: &str) {
        let line = Email::new(email.trim()).ok().and_then(|email| {
            let token = self.issuer.issue(email.as_str()).ok()?;
            self.cookie.set(&token, LIFETIME).ok()
        });
        if let Some(line) = line {
            headers.append(SET_COOKIE, line);
        }
    }

    /// Adds the line that removes the cookie.
    pub(super) fn remove_from(&self, headers: &mut HeaderMap) {
        headers.append(SET_COOKIE, self.cookie.clear());
    }
}

/// Routes `GET /waiting`, and `GET /waiting/status` for its script.
pub(super) fn routes<S: AccountStore>(
    pages: Arc<Pages>,
    accounts: Accounts<S>,
    verifier: JwtVerifier,
    WaitingCookie { cookie, .. }: WaitingCookie,
) -> Router {
    let accounts = Arc::new(accounts.subject(SubjectClaim::Email));
    let find = move |claims| {
        let accounts = Arc::clone(&accounts);
        async move {
            let user = accounts.load_user(&claims).await?;
            Ok(user.map(|user| Applicant(user.status)))
        }
    };
    let auth = AuthLayer::new(verifier.audience(AUDIENCE), find)
        .credentials(CredentialSource::cookie(cookie))
        .timeout(Duration::from_secs(5));
    Router::new()
        .route("/waiting", get(page))
        .route("/waiting/status", get(status))
        .with_state(pages)
        .layer(auth)
}

/// Leads to the log-in once the account is approved.
async fn page(State(pages): State<Arc<Pages>>, identity: Identity<Applicant>) -> Response {
    match in_time(Status::of(&identity)).await {
        Some(Ok(Status::Approved)) => Redirect::to("/login").into_response(),
        Some(Ok(Status::Rejected)) => Html(pages.waiting(true)).into_response(),
        _ => Html(pages.waiting(false)).into_response(),
    }
}

async fn status(identity: Identity<Applicant>) -> Result<Json<serde_json::Value>, AuthError> {
    let status = match Status::of(&identity).await? {
        Status::Pending => "pending",
        Status::Approved => "approved",
        Status::Rejected => "rejected",
        Status::Unknown => "unknown",
    };
    Ok(Json(json!({"status": status})))
}

enum Status {
    Pending,
    Approved,
    Rejected,
    /// No cookie, or one that has expired.
    Unknown,
}

impl Status {
    /// # Errors
    ///
    /// The store cannot answer.
    async fn of(identity: &Identity<Applicant>) -> Result<Self, AuthError> {
        if identity.claims().await.is_err() {
            return Ok(Self::Unknown);
        }
        match identity.user().await {
            Ok(user) => Ok(match user.0 {
                UserStatus::Pending => Self::Pending,
                UserStatus::Approved => Self::Approved,
                _ => Self::Rejected,
            }),
            Err(error) if error.kind() == AuthErrorKind::Unavailable => Err(error),
            // Deleted.
            Err(_) => Ok(Self::Rejected),
        }
    }
}

/// Account of which only the status is known.
struct Applicant(UserStatus);

impl AuthUser for Applicant {
    fn status(&self) -> UserStatus {
        self.0
    }
}

const AUDIENCE: &str = "waiting";

/// Seven days.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
