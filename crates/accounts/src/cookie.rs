//! HTTP routes for log-in by cookie.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::SET_COOKIE;
use tower_warder::AuthError;
use tower_warder::credentials::AuthCookie;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::input::UserLogin;
use super::model::UserPublic;
use super::request::LoginForm;
use super::service::Accounts;
use super::store::AccountStore;

/// Returns the routes for log-in by cookie, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /cookie/login` | anyone, with the form of `/login` | 200 the account, and sets the cookie; 401; 403; 422 |
/// | `POST /cookie/logout` | anyone | 204, and clears the cookie |
///
/// Scripts of the page cannot read the token. Both routes reject requests from pages of other
/// origins with 403, by [`AuthCookie::check_csrf`], so that another site can log no one in or out.
/// The cookie expires with its token. After the log-out the token itself stays valid until it
/// expires; a password reset, or `POST /logout-all`, revokes it.
///
/// The layer has to read the same cookie:
///
/// ```
/// use axum::Router;
/// use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore};
/// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
/// use tower_warder::credentials::{AuthCookie, CredentialSource};
///
/// let secret = HmacSecret::generate();
/// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
/// let cookie = AuthCookie::new("session")?;
/// let routes = accounts::routes(accounts.clone())
///     .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()));
/// let auth = AuthLayer::new(JwtVerifier::hs256(&secret), accounts)
///     .credentials(CredentialSource::header().with_cookie(cookie));
/// let app: Router = Router::new().nest("/api/auth", routes).layer(auth);
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
#[doc(alias = "csrf")]
#[doc(alias = "logout")]
pub fn cookie_routes<S: AccountStore>(accounts: Accounts<S>, cookie: AuthCookie) -> Router {
    let logout = post(cookie_logout).with_state(cookie.clone());
    let login = post(cookie_login::<S>).with_state((accounts, cookie));
    let routes = Router::new()
        .route("/cookie/login", login)
        .route("/cookie/logout", logout);
    answer::finished(routes)
}

async fn cookie_login<S: AccountStore>(
    State((accounts, cookie)): State<(Accounts<S>, AuthCookie)>,
    request: Request,
) -> Result<Response, Response> {
    cookie
        .check_csrf(&request)
        .map_err(AuthError::into_response)?;
    let LoginForm(login) = LoginForm::from_request(request, &()).await?;
    log_in(&accounts, &cookie, login)
        .await
        .map_err(AccountError::into_response)
}

async fn cookie_logout(
    State(cookie): State<AuthCookie>,
    request: Request,
) -> Result<Response, AuthError> {
    cookie.check_csrf(&request)?;
    let cleared = [(SET_COOKIE, cookie.clear())];
    let response = (StatusCode::NO_CONTENT, cleared).into_response();
    Ok(answer::no_store(response))
}

async fn log_in<S: AccountStore>(
    accounts: &Accounts<S>,
    cookie: &AuthCookie,
    login: UserLogin,
) -> Result<Response, AccountError> {
    let user = accounts.authenticate(login).await?;
    let token = accounts.token(&user)?;
    let lifetime = Duration::from_secs(token.expires_in);
    let set_cookie = cookie
        .set(&token.access_token, lifetime)
        .map_err(AccountError::unavailable)?;
    let mut response = json_answer(StatusCode::OK, &UserPublic::from(&user));
    response.headers_mut().append(SET_COOKIE, set_cookie);
    Ok(response)
}
