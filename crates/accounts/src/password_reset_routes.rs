//! HTTP routes of password resets by a one-time token.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde_json::json;

use super::answer::{self, json_answer, reset_message};
use super::error::AccountError;
use super::one_time_token::OneTimePasswordReset;
use super::request::{AccountId, JsonBody};
use super::routes::ActingAdmin;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;
use super::throttle_service::ForRequest;

/// Returns the routes of password resets by a one-time token, to be merged with
/// [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /users/{id}/password-reset-token` | admins | 201 `{"token": …, "expires_in": …}`, in seconds; 404; 409 |
/// | `POST /reset-password` | anyone: `{"token", "password"}` | 200; 400; 422; 429 |
///
/// Needs [`Accounts::one_time_tokens`], and the layer that `routes` needs. An admin hands the token over
/// to the owner of the account, as a link to a page of the application with the token in its fragment:
/// see [`NewOneTimeToken`](crate::NewOneTimeToken). The account has to be approved (409).
///
/// `POST /reset-password` also accepts the token of a log-in with a temporary password, which an admin
/// has set: see [`routes`](crate::routes()). The new password has to be another one (422).
///
/// `POST /reset-password` reads no credential, so that it does not matter which account the browser is
/// logged in to, and sets no cookie. It revokes all tokens and sessions of the account. A token that is
/// unknown, has expired, was used or was revoked gets the same 400; those are
/// [limited](crate::throttle::Throttle) by client address. A password that is rejected (422) does not use
/// up the token.
#[doc(alias = "forgot-password")]
pub fn password_reset_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/users/{id}/password-reset-token", post(create_token::<S>))
        .route("/reset-password", post(reset_password::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn create_token<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    ActingAdmin(admin): ActingAdmin,
    AccountId(id): AccountId,
) -> Result<Response, AccountError> {
    let created = accounts.create_password_reset_token(id, &*admin).await?;
    let body = json!({
        "token": *created.token,
        "expires_in": created.expires_in.as_secs(),
    });
    Ok(json_answer(StatusCode::CREATED, &body))
}

async fn reset_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(reset): JsonBody<OneTimePasswordReset>,
) -> Result<Response, AccountError> {
    accounts
        .reset_password_by_token(reset.client(client))
        .await?;
    Ok(reset_message())
}
