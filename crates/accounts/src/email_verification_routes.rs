//! HTTP routes of the verification of e-mail addresses.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::json;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::one_time_token::{EmailConfirmation, MailRequest};
use super::request::{JsonBody, locale};
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;

/// Returns the routes by which addresses are verified, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /verify-email` | anyone: `{"token"}` | 200 `{"message": …, "status": …}` with the status of the account; 400; 422; 429 |
/// | `POST /verify-email/request` | anyone: `{"email"}` | 202; 422; 429 |
///
/// Needs [`Accounts::mail`] and [`Accounts::one_time_tokens`];
/// [`Accounts::email_verification`] has a mail sent at each registration. The link leads to the page
/// `verify-email` of the application, with the token in its fragment. The page sends the token when the
/// user presses a button, and not when it is opened: mail servers open links to scan them.
///
/// `POST /verify-email` reads no credential, so that it does not matter which account the browser is
/// logged in to, and sets no cookie. A token is valid for 24 hours, once, for an account that is pending
/// or approved and still has the address. Every other one gets the same 400; those are
/// [limited](crate::throttle::Throttle) by client address. Verification gives no access: a pending
/// account still waits for approval.
///
/// `POST /verify-email/request` is for users who lost the mail, whether they are logged in or pending.
/// The response is 202 for every address, and takes equally long: whether there is an account whose
/// address is not verified is looked up afterwards. An address gets at most one mail in 5 minutes.
/// Requests are limited by client address, as registrations are.
#[doc(alias = "email verification")]
#[doc(alias = "confirm")]
pub fn email_verification_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/verify-email", post(verify_email::<S>))
        .route("/verify-email/request", post(request_mail::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn verify_email<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(confirmation): JsonBody<EmailConfirmation>,
) -> Result<Response, AccountError> {
    let user = accounts.verify_email(confirmation.client(client)).await?;
    let body = json!({
        "message": "E-mail address verified",
        "status": user.status.as_str(),
    });
    Ok(json_answer(StatusCode::OK, &body))
}

async fn request_mail<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    JsonBody(request): JsonBody<MailRequest>,
) -> Result<Response, AccountError> {
    let request = request.client(client).locale(locale(&headers));
    accounts.request_email_verification(request).await?;
    let message = "If there is an account whose address is not verified, its owner gets a mail";
    Ok(json_answer(
        StatusCode::ACCEPTED,
        &json!({"message": message}),
    ))
}
