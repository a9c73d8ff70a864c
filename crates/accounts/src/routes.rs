//! HTTP routes of accounts.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use http::request::Parts;
use serde_json::json;
use tower_warder::{AdminUser, AuthError, CurrentUser, Identity};

use super::answer::{self, json_answer, reset_message};
use super::error::AccountError;
use super::input::{MUST_CHANGE, PasswordReset, UserCreate, UserUpdate};
use super::model::{User, UserPublic};
use super::registration::{MailRegistration, Registration};
use super::request::{AccountId, JsonBody, LoginForm, device, locale};
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::Client;
use super::throttle_service::ForRequest;
use super::user_query::UserQuery;
use super::validation_error::{Location, ValidationError, ValidationErrorKind};

/// Returns the routes of accounts, to be nested under a prefix such as `/api/auth`.
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /register` | anyone | 201 the account; 202 if [registration](#registration) is by mail; 403; 409; 422; 429 |
/// | `POST /login` | anyone, with a form (RFC 6749, section 4.3.2) | 200 a token; 401; 403; 422; 429 |
/// | `GET /me` | approved users | 200 the account |
/// | `GET /users` | admins | 200 [accounts](#list-of-accounts), newest first; 422 |
/// | `GET /users/pending/count` | admins | 200 `{"count": …}` |
/// | `PUT /users/{id}` | admins | 200 the account; 400; 404; 409; 422 |
/// | `DELETE /users/{id}` | admins | 204; 400; 404 |
/// | `POST /users/{id}/reset-password` | admins | 200; 404; 422 |
///
/// Needs an [`AuthLayer`](tower_warder::AuthLayer) around it that loads [`User`]s, such as
/// `AuthLayer::new(verifier, accounts)`.
///
/// Further routes can be merged with these: [`cookie_routes`](crate::cookie_routes) for log-in by
/// cookie, [`ticket_routes`](crate::ticket_routes) for streams,
/// [`session_routes`](crate::session_routes) and [`refresh_routes`](crate::refresh_routes) for
/// sessions, [`password_reset_routes`](crate::password_reset_routes) for links with which users set a new
/// password, [`forgot_password_routes`](crate::forgot_password_routes) for such links by mail,
/// [`email_verification_routes`](crate::email_verification_routes) and
/// [`email_change_routes`](crate::email_change_routes) for links by which they verify and change their
/// address, [`invitation_routes`](crate::invitation_routes),
/// [`registration_routes`](crate::registration_routes) for the end of a registration by mail,
/// [`own_account_routes`](crate::own_account_routes) for the owner's display name, deletion and export,
/// and [`audit_routes`](crate::audit_routes()) for stored audit events.
///
/// [Hooks](crate::AccountHooks) of the application can reject registrations, log-ins, approvals, new
/// passwords and deletions with 403.
///
/// Every error is JSON with a `detail`, and no response may be cached. All validation errors of a
/// request are reported together, with 422.
///
/// A body may have at most 8 KiB (413), has to arrive within 10 seconds (408) and has to have the
/// right media type (415). No JSON object and no form may have two members of the same name (422).
/// A process waits for at most 1024 incomplete bodies: one more evicts the oldest, which is answered
/// 408. The timeout needs tokio's timer, which `#[tokio::main]` enables.
///
/// Attempts to log in and to register are limited: too many are answered 429 with `Retry-After`, and
/// a log-in sets a cookie by which the device is known. See [`Throttle`](crate::throttle::Throttle);
/// serve the router with `into_make_service_with_connect_info::<SocketAddr>()`, so that it knows the
/// addresses of clients.
///
/// A password that an admin sets with `"must_change": true` is a temporary one, which needs
/// [one-time tokens](Accounts::one_time_tokens). A log-in with it gets no token and no cookie, but 403
/// with the code `password_change_required` and the members `token` and `expires_in`, in seconds. With
/// the token the owner sets another password by
/// [`POST /reset-password`](crate::password_reset_routes), and logs in with that.
///
/// With [`EmailVerification::BeforeApproval`](crate::EmailVerification::BeforeApproval), new accounts whose
/// address is not verified are neither listed nor counted, and `PUT /users/{id}` is 409 if it approves
/// one.
///
/// Actions of admins can require a recent log-in: see [`Accounts::admin_login_age`].
///
/// # Registration
///
/// Who registers is set by [`Accounts::registration`]. By mail, the body of `POST /register` needs no
/// password, and one that is sent is not used: the owner of the address sets it by the link. The
/// response is 202 for every address, the same and equally fast. If registration is closed, the response
/// is 403 with the code `registration_closed`, except for the first admin. With
/// [`Accounts::max_pending`] it can be 403 with the code `too_many_pending`, but not by mail, where no
/// mail is sent then.
///
/// # List of accounts
///
/// `GET /users` returns all accounts, or those that its query selects:
///
/// | parameter | value | default |
/// |---|---|---|
/// | `search` | beginning of the address in any letter case, 1 to 254 characters, without wildcards | any address |
/// | `status` | `pending`, `approved`, `disabled`, or `not_activated`: pending accounts whose owner has not set a password yet, which the others do not list | any status |
/// | `sort` | `-created_at` (newest first), `created_at`, `email` (byte by byte) or `-email` | `-created_at` |
/// | `limit` | maximum number of accounts; with 0 the response has only their number | all |
/// | `after` | the position to start after: the id of an account, or an address if sorted by `email` | the start |
///
/// The body is an array in every case. `X-Total-Count` is the number of accounts on all pages. If
/// there is another page, `Link` has its URL (RFC 8288), relative to that of the request:
///
/// ```text
/// GET /api/auth/users?status=pending&limit=50
///
/// X-Total-Count: 131
/// Link: <?status=pending&limit=50&after=1027>; rel="next"
/// ```
///
/// The position stays valid if its account is changed or deleted. The other parameters stay those of
/// the first page. A page of another origin can read the two headers only if your CORS layer exposes
/// them: `Access-Control-Expose-Headers: Link, X-Total-Count`.
#[doc(alias = "signup")]
#[doc(alias = "signin")]
pub fn routes<S: AccountStore>(accounts: Accounts<S>) -> Router {
    let register = match accounts.registration_mode() {
        Registration::ByMail => post(register_by_mail::<S>),
        Registration::Open | Registration::Closed => post(register::<S>),
    };
    let routes = Router::new()
        .route("/register", register)
        .route("/login", post(login::<S>))
        .route("/me", get(me))
        .route("/users", get(users::<S>))
        .route("/users/pending/count", get(count_pending::<S>))
        .route("/users/{id}", put(update::<S>).delete(delete::<S>))
        .route("/users/{id}/reset-password", post(reset_password::<S>))
        .fallback(async || answer::not_found());
    answer::finished(routes).with_state(accounts)
}

async fn register<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    JsonBody(new): JsonBody<UserCreate>,
) -> Result<Response, AccountError> {
    let new = new.client(client).locale(locale(&headers));
    let user = accounts.register(new).await?;
    Ok(json_answer(StatusCode::CREATED, &UserPublic::from(&user)))
}

async fn register_by_mail<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    JsonBody(new): JsonBody<MailRegistration>,
) -> Result<Response, AccountError> {
    let new = new.client(client).locale(locale(&headers));
    accounts.register_by_mail(new).await?;
    let message = json!({"message": "See your mail: a link in it completes the registration"});
    Ok(json_answer(StatusCode::ACCEPTED, &message))
}

async fn login<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    client: Client,
    headers: HeaderMap,
    LoginForm(login): LoginForm,
) -> Result<Response, AccountError> {
    let accounts = accounts.for_client(&client);
    let user = accounts.authenticate(login.client(client.clone())).await?;
    let token = accounts.bearer_token(&user, &device(&headers)).await?;
    let mut response = json_answer(StatusCode::OK, &token);
    accounts.remember_device(&mut response, &user, &client);
    Ok(response)
}

async fn me(CurrentUser(user): CurrentUser<User>) -> Response {
    json_answer(StatusCode::OK, &UserPublic::from(&*user))
}

/// Lists accounts; their number and the URL of the next page are in the header.
async fn users<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
    query: UserQuery,
) -> Result<Response, AccountError> {
    let page = accounts.list(&query).await?;
    let users: Vec<_> = page.users.iter().map(UserPublic::from).collect();
    let mut response = json_answer(StatusCode::OK, &users);
    let headers = response.headers_mut();
    headers.insert(TOTAL_COUNT, page.total.into());
    if let Some(next) = page.next {
        // RFC 8288, section 3. A query alone replaces that of the request (RFC 3986, section 5.2.2),
        // under whatever prefix the routes are.
        let link = format!("<?{}>; rel=\"next\"", next.to_url());
        let link = HeaderValue::try_from(link).map_err(AccountError::unavailable)?;
        headers.insert(LINK, link);
    }
    Ok(response)
}

async fn count_pending<S: AccountStore>(
    State(accounts): State<Accounts<S>>,
    _: AdminUser<User>,
) -> Result<Response, AccountError> {
    let count = accounts.count_pending().await?;
    Ok(json_answer(StatusCode::OK, &json!({"count": count})))
}

async fn update<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    ActingAdmin(admin): ActingAdmin,
    AccountId(id): AccountId,
    JsonBody(update): JsonBody<UserUpdate>,
) -> Result<Response, AccountError> {
    let user = accounts.update(id, update, &*admin).await?;
    Ok(json_answer(StatusCode::OK, &UserPublic::from(&user)))
}

async fn delete<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    ActingAdmin(admin): ActingAdmin,
    AccountId(id): AccountId,
) -> Result<StatusCode, AccountError> {
    accounts.delete(id, &*admin).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reset_password<S: AccountStore>(
    ForRequest(accounts): ForRequest<S>,
    ActingAdmin(admin): ActingAdmin,
    AccountId(id): AccountId,
    JsonBody(reset): JsonBody<PasswordReset>,
) -> Result<Response, AccountError> {
    match accounts.reset_password(id, reset, &*admin).await {
        Ok(()) => Ok(reset_message()),
        Err(AccountError::NoOneTimeTokens) => Ok(answer::invalid(&[ValidationError::new(
            ValidationErrorKind::ValueError,
            Location::Body,
            MUST_CHANGE,
            "One-time tokens are not configured, by which the owner would set another password",
        )])),
        Err(error) => Err(error),
    }
}

/// Extractor of an admin who changes accounts. The log-in has to be recent if
/// [`Accounts::admin_login_age`] is set.
pub(super) struct ActingAdmin(pub(super) Arc<User>);

impl<S: AccountStore> FromRequestParts<Accounts<S>> for ActingAdmin {
    type Rejection = AuthError;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Accounts<S>,
    ) -> Result<Self, AuthError> {
        let AdminUser(admin) = AdminUser::from_request_parts(parts, accounts).await?;
        if let Some(recent) = accounts.recent_admin_login() {
            let identity = Identity::<User>::from_request_parts(parts, accounts).await?;
            identity.require(&recent).await?;
        }
        Ok(Self(admin))
    }
}

/// Number of accounts on all pages.
pub(super) const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
