//! HTTP routes of the change of the own e-mail address.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::json;
use tower_warder::CurrentUser;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::model::User;
use super::one_time_token::{EmailChange, EmailConfirmation};
use super::request::{JsonBody, locale};
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;

/// Returns the routes by which users change their address, to be merged with
/// [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /me/email` | approved users: `{"email", "password"}` | 202; 403; 422; 429 |
/// | `POST /change-email` | anyone: `{"token"}` | 200; 400; 422; 429 |
///
/// Needs [`Accounts::mail`] and [`Accounts::one_time_tokens`], and the layer that `routes` needs.
///
/// `POST /me/email` has a link sent to the new address, and a notice to the present one. The response is
/// the same whether another account has the address or not: its owner gets no link then. A wrong
/// password is 403, and [limited](crate::throttle::Throttle) as those of `POST /password` are. Requests
/// are limited by client address, as registrations are; an address gets at most one link in 5 minutes.
///
/// The link leads to the page `change-email` of the application, with the token in its fragment. The
/// page sends the token when the user presses a button. `POST /change-email` reads no credential, and
/// sets no cookie. It gives the account the address, which is verified then, revokes all its tokens and
/// sessions, and has a notice sent to the address before. A token is valid for an hour, once, until the
/// user asks for another one, and while the account has the address that it had. Every other one gets
/// the same 400, also if another account took the address; those are limited by client address.
pub fn email_change_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/me/email", post(request_change::<S>))
        .route("/change-email", post(change_email::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn request_change<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    CurrentUser(user): CurrentUser<User>,
    client: Client,
    headers: HeaderMap,
    JsonBody(change): JsonBody<EmailChange>,
) -> Result<Response, AccountError> {
    let change = change.client(client).locale(locale(&headers));
    accounts.request_email_change(&user, change).await?;
    let message = "If no other account has the address, it gets a mail";
    Ok(json_answer(
        StatusCode::ACCEPTED,
        &json!({"message": message}),
    ))
}

async fn change_email<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(confirmation): JsonBody<EmailConfirmation>,
) -> Result<Response, AccountError> {
    let confirmation = confirmation.client(client);
    accounts.change_email_by_token(confirmation).await?;
    let message = json!({"message": "E-mail address changed"});
    Ok(json_answer(StatusCode::OK, &message))
}
