//! HTTP routes of invitations.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use http::header::HeaderMap;
use serde_json::json;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::invitation::Invitation;
use super::model::UserPublic;
use super::one_time_token::OneTimePasswordReset;
use super::request::{JsonBody, locale};
use super::routes::ActingAdmin;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;
use super::throttle_service::ForRequest;

/// Returns the routes of invitations, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /invitations` | admins: `{"email", "is_admin"}` | 201 `{"user": …, "token": …, "expires_in": …}`, in seconds; 409; 422 |
/// | `POST /accept-invitation` | anyone: `{"token", "password"}` | 200 the account; 400; 422; 429 |
///
/// Needs [`Accounts::one_time_tokens`], and the layer that `routes` needs. `is_admin` may be absent, and
/// makes the account an admin. With [`Accounts::mail`] the link is sent by mail, in the first language
/// of the admin, and the response has no token; without it the admin hands the token over, as a link to
/// a page of the application with the token in its fragment: see
/// [`NewOneTimeToken`](crate::NewOneTimeToken).
///
/// Until the invitation is accepted, the account is pending, and has `"has_password": false`. It does
/// not count as waiting for approval, and `GET /users?status=not_activated` lists it. `PUT` cannot
/// approve it (409). Another invitation of the address makes the earlier link invalid. To revoke an
/// invitation, delete the account. An address whose account has a password, or is disabled, is not
/// invited (409).
///
/// `POST /accept-invitation` reads no credential, so that it does not matter which account the browser
/// is logged in to, and sets no cookie. A token that is unknown, has expired, was used or was revoked,
/// also because the admin that created it is no longer one, gets the same 400; those are
/// [limited](crate::throttle::Throttle) by client address. A password that is rejected (422) does not use
/// up the token.
#[doc(alias = "invite")]
pub fn invitation_routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/invitations", post(invite::<S>))
        .route("/accept-invitation", post(accept::<S>));
    answer::finished(routes).with_state(accounts)
}

async fn invite<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    ActingAdmin(admin): ActingAdmin,
    headers: HeaderMap,
    JsonBody(invitation): JsonBody<Invitation>,
) -> Result<Response, AccountError> {
    let invitation = invitation.locale(locale(&headers));
    let body = if accounts.has_mail() {
        let user = accounts.invite_by_mail(invitation, &*admin).await?;
        json!({"user": UserPublic::from(&user)})
    } else {
        let (user, created) = accounts.invite(invitation, &*admin).await?;
        json!({
            "user": UserPublic::from(&user),
            "token": *created.token,
            "expires_in": created.expires_in.as_secs(),
        })
    };
    Ok(json_answer(StatusCode::CREATED, &body))
}

async fn accept<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    JsonBody(password): JsonBody<OneTimePasswordReset>,
) -> Result<Response, AccountError> {
    let user = accounts.accept_invitation(password.client(client)).await?;
    Ok(json_answer(StatusCode::OK, &UserPublic::from(&user)))
}
