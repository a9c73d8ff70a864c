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

async fn refresh<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    let token = accounts.refresh(&grant.refresh_token).await?;
    Ok(json_answer(StatusCode::OK, &token))
}

async fn logout<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    accounts.logout(&grant.refresh_token).await?;
    Ok(no_content())
}

async fn logout_all<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
) -> Result<Response, AccountError> {
    accounts.logout_all(&user).await?;
    Ok(no_content())
}

async fn list_sessions<S: AccountStore>(
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

async fn end_session<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    SessionId(id): SessionId,
) -> Result<Response, AccountError> {
    accounts.end_session(&user, &id).await?;
    Ok(no_content())
}

async fn change_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<Response, AccountError> {
    let session = accounts.session_of(&claims);
    let changed = accounts.change_password(&user, change, session.as_deref());
    match changed.await {
        Ok(Some(token)) => Ok(json_answer(StatusCode::OK, &token)),
        Ok(None) => Ok(no_content()),
        Err(AccountError::RejectedPassword(message)) => {
            Ok(answer::rejected_password("new_password", message))
        }
        Err(error) => Err(error),
    }
}

/// Extractor of a session's id from the path parameter `{id}`.
///
/// Responds 404 to a text that cannot be the id of a session, without a query to the store:
/// PostgreSQL rejects texts with a NUL.
struct SessionId(String);

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
