//! HTTP route of the end of a registration by mail.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::model::UserPublic;
use super::one_time_token::OneTimePasswordReset;
use super::request::JsonBody;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;

/// Returns the route of the end of a [registration by mail](crate::Registration::ByMail), to be merged
/// with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /complete-registration` | anyone: `{"token", "password"}` | 200 the account; 400; 422; 429 |
///
/// The token is in the fragment of the link that was sent. The account then waits for approval, unless
/// it is the first admin. The rest is as for `POST /accept-invitation` of
/// [`invitation_routes`](crate::invitation_routes).
pub fn registration_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new().route("/complete-registration", post(complete::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn complete<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(password): JsonBody<OneTimePasswordReset>,
) -> Result<Response, AccountError> {
    let password = password.client(client);
    let user = accounts.complete_registration(password).await?;
    Ok(json_answer(StatusCode::OK, &UserPublic::from(&user)))
}
