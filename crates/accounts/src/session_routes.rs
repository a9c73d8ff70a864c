//! HTTP routes of sessions.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::StatusCode;
use http::request::Parts;
use tower_warder::{Claims, CurrentUser};

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::model::User;
use super::request::{JsonBody, id_in_path};
use super::service::Accounts;
use super::session::{PasswordChange, RefreshGrant, Session, SessionPublic};
use super::store::AccountStore;

/// Returns the routes of sessions, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /refresh` | with a refresh token: `{"refresh_token"}` | 200 new tokens; 401; 422 |
/// | `POST /logout` | with a refresh token: `{"refresh_token"}` | 204, and ends the session; 422 |
/// | `POST /logout-all` | approved users | 204, and revokes all their sessions and tokens |
/// | `GET /sessions` | approved users | 200 their sessions, most recently used first |
/// | `DELETE /sessions/{id}` | approved users | 204, and ends that session of theirs; 404 |
/// | `POST /password` | approved users: `{"current_password", "new_password"}` | 200 an access token; 204; 403; 422 |
///
/// Needs [`Accounts::sessions`], and the layer that `routes` needs.
///
/// `POST /refresh` responds 401 to every invalid token, without a reason. It accepts no access token,
/// and a refresh token is accepted nowhere else. `POST /logout` responds 204 to every token.
///
/// `POST /password` revokes all tokens and sessions of the account except the caller's session, which
/// gets a new access token and keeps its refresh token. The response is 204, without a token, if there
/// is no session to keep: the caller's access token has none (such as one in a cookie), or the session
/// store failed after the password was changed. A wrong current password is 403, because 401 means
/// an invalid token. Put a rate limiter in front of this route, as in front of `/login`.
///
/// [`cookie_routes`](crate::cookie_routes) open no session: a token in a cookie has the issuer's
/// lifetime, and `POST /logout-all` revokes it, too.
#[doc(alias = "rotation")]
#[doc(alias = "logout")]
pub fn session_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/refresh", post(refresh::<S>))
        .route("/logout", post(logout::<S>))
        .route("/logout-all", post(logout_all::<S>))
        .route("/sessions", get(list_sessions::<S>))
        .route("/sessions/{id}", delete(end_session::<S>))
        .route("/password", post(change_password::<S>));
    answer::finished(routes).with_state(accounts)
}

/// Handler of `POST /refresh`: issues new tokens of a session.
///
/// # Errors
///
/// 401 if the refresh token is invalid or the account is not approved; 503.
pub async fn refresh<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    let token = accounts.refresh(grant.refresh_token()).await?;
    Ok(json_answer(StatusCode::OK, &token))
}

/// Handler of `POST /logout`: ends the session of a refresh token, if there is one.
///
/// # Errors
///
/// 503.
pub async fn logout<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    accounts.logout(grant.refresh_token()).await?;
    Ok(no_content())
}

/// Handler of `POST /logout-all`: revokes all sessions and tokens of the caller.
///
/// # Errors
///
/// 401 if they were revoked meanwhile, 503.
pub async fn logout_all<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
) -> Result<Response, AccountError> {
    accounts.logout_all(&user).await?;
    Ok(no_content())
}

/// Handler of `GET /sessions`: returns the sessions of the caller.
///
/// # Errors
///
/// 503.
pub async fn list_sessions<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
) -> Result<Response, AccountError> {
    let sessions = accounts.list_sessions(&user).await?;
    let current = accounts.session_of(&claims);
    let public = sessions
        .into_iter()
        .map(|session| SessionPublic::new(session, current.as_deref()));
    Ok(json_answer(StatusCode::OK, &public.collect::<Vec<_>>()))
}

/// Handler of `DELETE /sessions/{id}`: ends a session of the caller.
///
/// # Errors
///
/// 404, also if the session belongs to another account; 503.
pub async fn end_session<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    SessionId(id): SessionId,
) -> Result<Response, AccountError> {
    accounts.end_session(&user, &id).await?;
    Ok(no_content())
}

/// Handler of `POST /password`: changes the password of the caller.
///
/// # Errors
///
/// 403 if the current password is wrong, 401 if the account's tokens were revoked meanwhile, 503.
pub async fn change_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<Response, AccountError> {
    let session = accounts.session_of(&claims);
    let changed = accounts.change_password(&user, change, session.as_deref());
    Ok(match changed.await? {
        Some(token) => json_answer(StatusCode::OK, &token),
        None => no_content(),
    })
}

/// Extractor of a session's id from the path parameter `{id}`.
///
/// Responds 404 to a text that cannot be the id of a session, without a query to the store:
/// PostgreSQL rejects texts with a NUL.
#[derive(Clone, Debug)]
pub struct SessionId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for SessionId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let id = id_in_path(parts, state).await;
        id.filter(|text| Session::is_id(text))
            .map(Self)
            .ok_or_else(|| AccountError::SessionNotFound.into_response())
    }
}

fn no_content() -> Response {
    answer::no_store(StatusCode::NO_CONTENT.into_response())
}
