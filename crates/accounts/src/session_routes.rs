//! The HTTP routes of sessions.

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

/// The routes of sessions, to be merged with [`routes`](crate::routes).
///
/// | route | who | answer |
/// |---|---|---|
/// | `POST /refresh` | who has a refresh token: `{"refresh_token"}` | 200 the next tokens; 401; 422 |
/// | `POST /logout` | who has a refresh token: `{"refresh_token"}` | 204, and the session is over; 422 |
/// | `POST /logout-all` | approved users | 204, and all their sessions and tokens are over |
/// | `GET /sessions` | approved users | 200 their sessions, the one that was used last first |
/// | `DELETE /sessions/{id}` | approved users | 204, and that session of theirs is over; 404 |
/// | `POST /password` | approved users: `{"current_password", "new_password"}` | 200 an access token; 204; 403; 422 |
///
/// Needs [`Accounts::sessions`], and the layer that `routes` needs.
///
/// `POST /refresh` answers 401 to whatever is not good, without saying why; it takes no access
/// token, and a refresh token opens no door. `POST /logout` says 204 to every token.
///
/// A new password ends all tokens and sessions of the account but the session of who asks, which
/// gets an access token, and keeps its refresh token. An access token without a session, such as
/// one in a cookie, ends with the others, and so does the session of who asks where the store of
/// sessions does not answer once the password is changed: then the answer is 204. A wrong present password is 403,
/// because 401 is for tokens that are no good. Put a limiter before it, as before `/login`.
///
/// [`cookie_routes`](crate::cookie_routes) open no session: what stands in a cookie lives
/// as long as the issuer says, and `POST /logout-all` ends it, too.
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

/// Makes the next tokens of a session.
///
/// # Errors
///
/// 401 if the refresh token is not good, or the account may not come in; 503.
pub async fn refresh<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    let token = accounts.refresh(grant.refresh_token()).await?;
    Ok(json_answer(StatusCode::OK, &token))
}

/// Ends the session of a refresh token, if there is one.
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

/// Ends all sessions and tokens of who asks.
///
/// # Errors
///
/// 401 if they have ended meanwhile, 503.
pub async fn logout_all<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
) -> Result<Response, AccountError> {
    accounts.logout_all(&user).await?;
    Ok(no_content())
}

/// The sessions of who asks.
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
    let shown = sessions
        .into_iter()
        .map(|session| SessionPublic::new(session, current.as_deref()));
    Ok(json_answer(StatusCode::OK, &shown.collect::<Vec<_>>()))
}

/// Ends a session of who asks.
///
/// # Errors
///
/// 404, also if it is somebody else's; 503.
pub async fn end_session<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    SessionId(id): SessionId,
) -> Result<Response, AccountError> {
    accounts.end_session(&user, &id).await?;
    Ok(no_content())
}

/// Sets another password of who asks.
///
/// # Errors
///
/// 403 if the present password is wrong, 401 if the account's tokens have ended meanwhile, 503.
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

/// The session's id, from the parameter `{id}` of the path. What has not the form of one is the id
/// of no session, and no store is asked for it: PostgreSQL refuses texts with a NUL.
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
