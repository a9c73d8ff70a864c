//! HTTP routes of sessions.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::StatusCode;
use http::request::Parts;
use tower_warder::private::used_cookie;
use tower_warder::{Claims, CurrentUser, Identity};

use super::answer::{self, json_answer, no_content};
use super::error::AccountError;
use super::model::User;
use super::request::{JsonBody, id_in_path};
use super::service::Accounts;
use super::session::{PasswordChange, Session, SessionPublic};
use super::store::AccountStore;
use super::throttle::Client;
use super::throttle_service::ForRequest;

/// Returns the routes of sessions, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `GET /sessions` | approved users | 200 their sessions, most recently used first |
/// | `DELETE /sessions/{id}` | approved users | 204, and ends that session of theirs; 404 |
/// | `POST /sessions/end-others` | approved users | 204, and ends their sessions except the caller's |
/// | `POST /logout-all` | approved users | 204, and revokes all their sessions and tokens |
/// | `POST /password` | approved users: `{"current_password", "new_password"}` | 200 an access token; 204; 403; 422; 429 |
///
/// Needs [`Accounts::sessions`], and the layer that `routes` needs. All of them accept a bearer token
/// and, where the layer reads it, the [cookie](crate::cookie_routes).
///
/// A session of a cookie ends at once. Access tokens that came with a refresh token stay valid until
/// they expire, after [`Sessions::access_lifetime`](crate::Sessions::access_lifetime) at the latest;
/// `POST /logout-all` revokes them at once.
///
/// `POST /password` revokes all tokens and sessions of the account except the caller's session, which
/// goes on with a new token. It is returned where the old one was sent: as an access token with 200,
/// while the refresh token stays valid; or as a cookie with 204. The response is 204 without a token
/// or a cookie if there is no session to keep: the caller's token belongs to none, or the session
/// store failed after the password was changed. A wrong current password is 403, because 401 means
/// an invalid token. Wrong passwords are [limited](crate::throttle::Throttle) as those of `/login`
/// are; a change, and `POST /logout-all`, make all other devices of the account unknown to the throttle.
#[doc(alias = "logout")]
pub fn session_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/sessions", get(list_sessions::<S>))
        .route("/sessions/{id}", delete(end_session::<S>))
        .route("/sessions/end-others", post(end_other_sessions::<S>))
        .route("/logout-all", post(logout_all::<S>))
        .route("/password", post(change_password::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn logout_all<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    client: Client,
) -> Result<Response, AccountError> {
    let accounts = accounts.for_client(&client);
    accounts.logout_all(&user).await?;
    let mut response = no_content();
    accounts.keep_device(&mut response, &user, &client);
    Ok(response)
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
    ForRequest(accounts): ForRequest<S>,
    CurrentUser(user): CurrentUser<User>,
    SessionId(id): SessionId,
) -> Result<Response, AccountError> {
    accounts.end_session(&user, &id).await?;
    Ok(no_content())
}

async fn end_other_sessions<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
) -> Result<Response, AccountError> {
    let current = accounts.session_of(&claims);
    let ended = accounts.end_other_sessions(&user, current.as_deref());
    ended.await?;
    Ok(no_content())
}

async fn change_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
    identity: Identity<User>,
    client: Client,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<Response, AccountError> {
    let accounts = accounts.for_client(&client);
    let session = accounts.session_of(&claims);
    let changed = accounts.change_password(&user, change, session.as_deref());
    let token = match changed.await {
        Ok(token) => token,
        Err(AccountError::RejectedPassword(message)) => {
            return Ok(answer::rejected_password("new_password", message));
        }
        Err(error) => return Err(error),
    };
    let mut response = match (token, used_cookie(&identity)) {
        (None, _) => no_content(),
        // A page that sends the cookie never sees a token.
        (Some(token), Some(cookie)) => answer::with_cookie(no_content(), cookie, &token)?,
        (Some(token), None) => json_answer(StatusCode::OK, &token),
    };
    // Other devices are no longer known.
    let user = User {
        token_generation: user.token_generation + 1,
        ..User::clone(&user)
    };
    accounts.remember_device(&mut response, &user, &client);
    Ok(response)
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
