//! The HTTP routes of accounts.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post, put};
use http::StatusCode;
use http::header::{HeaderMap, USER_AGENT};
use serde_json::json;
use tower_warder::{AdminUser, CurrentUser};

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
use super::model::{User, UserPublic};
use super::request::{AccountId, Form, JsonBody};
use super::service::Accounts;
use super::store::{AccountStore, Page};

/// All routes, to be nested under a prefix such as `/api/auth`.
///
/// | route | who | answer |
/// |---|---|---|
/// | `POST /register` | anyone | 201 the account; 409; 422 |
/// | `POST /login` | anyone, by form (RFC 6749, section 4.3.2) | 200 a token; 401; 403; 422 |
/// | `GET /me` | approved users | 200 the account |
/// | `GET /users?limit=&after=` | admins | 200 accounts, the newest first |
/// | `GET /users/pending/count` | admins | 200 `{"count": …}` |
/// | `PUT /users/{id}` | admins | 200 the account; 400; 404; 409; 422 |
/// | `DELETE /users/{id}` | admins | 204; 400; 404 |
/// | `POST /users/{id}/reset-password` | admins | 200; 404; 422 |
///
/// Needs an [`AuthLayer`](tower_warder::AuthLayer) outside of it that loads [`User`]s, such as
/// `AuthLayer::new(verifier, accounts)`. Each handler is public and can be mounted by itself; those
/// of one account take its id from the parameter `{id}` of the path.
///
/// Log-ins by cookie, tickets for streams and sessions are routes of their own, to be merged with
/// these: [`cookie_routes`](crate::cookie_routes),
/// [`ticket_routes`](crate::ticket_routes) and
/// [`session_routes`](crate::session_routes).
///
/// Every error is JSON with a `detail`; nothing is to be cached. Bodies have at most 8 KiB and 10
/// seconds: see [`JsonBody`].
/// Put a limiter before `/login` and
/// `/register`: hashing is bounded, guessing is not.
pub fn routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let routes = Router::new()
        .route("/register", post(register::<S>))
        .route("/login", post(login::<S>))
        .route("/me", get(me))
        .route("/users", get(users::<S>))
        .route("/users/pending/count", get(count_pending::<S>))
        .route("/users/{id}", put(update::<S>).delete(delete::<S>))
        .route("/users/{id}/reset-password", post(reset_password::<S>))
        .fallback(async || answer::not_found());
    answer::finished(routes).with_state(accounts)
}

/// Adds an account.
///
/// # Errors
///
/// 409 if the address is taken, 403 if a bootstrap secret is wrong, 503.
pub async fn register<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    JsonBody(new): JsonBody<UserCreate>,
) -> Result<Response, AccountError> {
    let user = accounts.register(new).await?;
    Ok(json_answer(StatusCode::CREATED, &UserPublic::from(&user)))
}

/// Makes a token, and opens a session where there are some.
///
/// # Errors
///
/// 401 if address and password do not match; if they do, 403 unless the account is approved; 503.
pub async fn login<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    headers: HeaderMap,
    Form(login): Form<UserLogin>,
) -> Result<Response, AccountError> {
    let device = headers.get(USER_AGENT).map_or(&[][..], |it| it.as_bytes());
    let login = login.device(String::from_utf8_lossy(device));
    let token = accounts.login(login).await?;
    Ok(json_answer(StatusCode::OK, &token))
}

/// The account of who asks.
pub async fn me(CurrentUser(user): CurrentUser<User>) -> Response {
    json_answer(StatusCode::OK, &UserPublic::from(&*user))
}

/// The accounts, the newest first.
///
/// # Errors
///
/// 503.
pub async fn users<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
    page: Page,
) -> Result<Response, AccountError> {
    let users = accounts.list(page).await?;
    let users: Vec<_> = users.iter().map(UserPublic::from).collect();
    Ok(json_answer(StatusCode::OK, &users))
}

/// How many accounts wait for approval.
///
/// # Errors
///
/// 503.
pub async fn count_pending<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
) -> Result<Response, AccountError> {
    let count = accounts.count_pending().await?;
    Ok(json_answer(StatusCode::OK, &json!({"count": count})))
}

/// Changes an account.
///
/// # Errors
///
/// 403 if the admin is none any more, 404, 400 if nobody would be left who is admin and approved,
/// 409 if the address is taken, 503.
pub async fn update<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    AdminUser(admin): AdminUser<User>,
    AccountId(id): AccountId,
    JsonBody(update): JsonBody<UserUpdate>,
) -> Result<Response, AccountError> {
    let user = accounts.update(id, update, &*admin).await?;
    Ok(json_answer(StatusCode::OK, &UserPublic::from(&user)))
}

/// Deletes an account.
///
/// # Errors
///
/// 403 if the admin is none any more, 404, 400 if nobody would be left who is admin and approved,
/// 503.
pub async fn delete<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    AdminUser(admin): AdminUser<User>,
    AccountId(id): AccountId,
) -> Result<StatusCode, AccountError> {
    accounts.delete(id, &*admin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets another password.
///
/// # Errors
///
/// 403 if the admin is none any more, 404, 503.
pub async fn reset_password<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    AdminUser(admin): AdminUser<User>,
    AccountId(id): AccountId,
    JsonBody(reset): JsonBody<PasswordReset>,
) -> Result<Response, AccountError> {
    accounts.reset_password(id, reset, &*admin).await?;
    let message = json!({"message": "Password reset successfully"});
    Ok(json_answer(StatusCode::OK, &message))
}
