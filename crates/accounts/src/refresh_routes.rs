//! HTTP routes of refresh tokens.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;

use super::answer::{self, json_answer, no_content};
use super::error::AccountError;
use super::request::JsonBody;
use super::service::Accounts;
use super::session::RefreshGrant;
use super::store::AccountStore;
use super::throttle::Client;
use super::throttle_service::ForRequest;

/// Returns the routes of refresh tokens, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /refresh` | with a refresh token: `{"refresh_token"}` | 200 new tokens; 401; 422; 429 |
/// | `POST /logout` | with a refresh token: `{"refresh_token"}` | 204, and ends the session; 422 |
///
/// Needs [`Accounts::sessions`].
///
/// `POST /refresh` responds 401 to every invalid token, without a reason. It accepts no access token
/// and no token of a cookie, and a refresh token is accepted nowhere else. `POST /logout` responds 204
/// to every token.
#[doc(alias = "rotation")]
#[doc(alias = "logout")]
pub fn refresh_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/refresh", post(refresh::<S>))
        .route("/logout", post(logout::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn refresh<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    let accounts = accounts.for_client(&client);
    let attempt = accounts.begin_refresh(&client).await?;
    let result = accounts.refresh(&grant.refresh_token).await;
    let token = Accounts::<S>::settle(attempt, result).await?;
    Ok(json_answer(StatusCode::OK, &token))
}

async fn logout<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    JsonBody(grant): JsonBody<RefreshGrant>,
) -> Result<Response, AccountError> {
    accounts.logout(&grant.refresh_token).await?;
    Ok(no_content())
}
