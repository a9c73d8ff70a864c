//! HTTP route of requests for a mail with which a new password can be set.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::json;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::one_time_token::MailRequest;
use super::request::{JsonBody, locale};
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;

/// Returns the route with which users that cannot log in ask for a mail, to be merged with
/// [`password_reset_routes`](crate::password_reset_routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /forgot-password` | anyone: `{"email"}` | 202; 422; 429 |
///
/// Needs [`Accounts::mail`] and [`Accounts::one_time_tokens`]. The response is 202 for every address,
/// and takes equally long: whether there is an approved account is looked up afterwards. Its owner gets
/// a link, at most one in 5 minutes. Requests are limited by client address, as registrations are.
#[doc(alias = "recovery")]
#[doc(alias = "forgot-password")]
pub fn forgot_password_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new().route("/forgot-password", post(forgot_password::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn forgot_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MailRequest>,
) -> Result<Response, AccountError> {
    let request = request.client(client).locale(locale(&headers));
    accounts.forgot_password(request).await?;
    let message = json!({"message": "If there is an approved account, its owner gets a mail"});
    Ok(json_answer(StatusCode::ACCEPTED, &message))
}
