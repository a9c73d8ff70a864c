//! HTTP routes for the owner of an account.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, HeaderValue, SET_COOKIE};
use tower_warder::private::used_cookie;
use tower_warder::{Claims, CurrentUser, Identity};

use super::answer::{self, LAST_ADMIN_LEAVES, json_answer, no_content, problem};
use super::error::AccountError;
use super::model::{User, UserPublic};
use super::own_account_input::{NewDisplayName, OwnPassword};
use super::request::JsonBody;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle_service::ForRequest;

/// Returns the routes for the owner of an account, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `PUT /me/display-name` | approved users: `{"display_name"}`, a text or `null` | 200 the account; 422; 429 |
/// | `POST /me/delete` | approved users: `{"password"}` | 204, and deletes the account; 403; 409; 422; 429 |
/// | `POST /me/export` | approved users: `{"password"}` | 200 what is stored about it, as a file; 403; 422; 429 |
///
/// Needs the layer that `routes` needs, and accepts a bearer token and, where the layer reads it, the
/// [cookie](crate::cookie_routes). Deletion and export require the password, so that a stolen token or cookie is
/// not enough; wrong ones are [limited](crate::throttle::Throttle) as those of a password change are.
/// They are no `DELETE` and no `GET`, whose bodies clients and proxies drop (RFC 9110, section 9.3.5).
///
/// A display name is for people: see [`DisplayName`](crate::DisplayName) for what it may contain. Changes
/// of it are [limited](crate::throttle::Throttle) by user.
///
/// A deletion ends all sessions and streams of the account, makes its one-time tokens invalid and clears
/// the cookie. The last admin gets 409. The address can be registered again at once.
///
/// An export is `{"account", "sessions", "events"}`: the account as `GET /me`, its sessions as
/// `GET /sessions`, and its audit events; what is not stored is absent. See
/// [`Accounts::export_own`] for its limits.
#[doc(alias = "GDPR")]
pub fn own_account_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/me/display-name", put(set_display_name::<S>))
        .route("/me/delete", post(delete_own::<S>))
        .route("/me/export", post(export_own::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn set_display_name<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    CurrentUser(user): CurrentUser<User>,
    JsonBody(NewDisplayName(name)): JsonBody<NewDisplayName>,
) -> Result<Response, AccountError> {
    let user = accounts.set_display_name(&user, name).await?;
    Ok(json_answer(StatusCode::OK, &UserPublic::from(&user)))
}

async fn delete_own<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    CurrentUser(user): CurrentUser<User>,
    identity: Identity<User>,
    JsonBody(confirmed): JsonBody<OwnPassword>,
) -> Response {
    match accounts.delete_own(&user, &confirmed.password).await {
        Ok(()) => {}
        // Not the 400 of an admin's request: the account itself is in the way.
        Err(AccountError::LastAdmin(_)) => return problem(LAST_ADMIN_LEAVES),
        Err(error) => return error.into_response(),
    }
    let mut response = no_content();
    if let Some(cookie) = used_cookie(&identity) {
        response.headers_mut().insert(SET_COOKIE, cookie.clear());
    }
    response
}

async fn export_own<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    CurrentUser(user): CurrentUser<User>,
    claims: Claims,
    JsonBody(confirmed): JsonBody<OwnPassword>,
) -> Result<Response, AccountError> {
    let session = accounts.session_of(&claims);
    let export = accounts.export_own(&user, &confirmed.password, session.as_deref());
    let mut response = json_answer(StatusCode::OK, &export.await?);
    let file = HeaderValue::from_static("attachment; filename=\"account.json\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, file);
    Ok(response)
}
