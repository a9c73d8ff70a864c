//! The HTTP routes that keep a browser logged in.

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
use super::request::Form;
use super::service::Accounts;
use super::store::AccountStore;

/// The routes of a log-in by cookie, to be merged with [`routes`](crate::routes).
///
/// | route | who | answer |
/// |---|---|---|
/// | `POST /cookie/login` | anyone, by the form of `/login` | 200 the account, and the cookie; 401; 403; 422 |
/// | `POST /cookie/logout` | anyone | 204, and no cookie any more |
///
/// The script of the page never sees the token. Both refuse the pages of other origins with 403,
/// by [`AuthCookie::check_csrf`]: nobody is logged in or out by a page that they only visit.
///
/// The cookie opens nothing unless the layer reads it:
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
pub fn cookie_routes<S: AccountStore>(accounts: Accounts<S>, cookie: AuthCookie) -> Router {
    let logout = post(cookie_logout).with_state(cookie.clone());
    let login = post(cookie_login::<S>).with_state((accounts, cookie));
    let routes = Router::new()
        .route("/cookie/login", login)
        .route("/cookie/logout", logout);
    answer::finished(routes)
}

/// Makes a token, and puts it into the cookie for as long as it lives.
///
/// # Errors
///
/// 403 to a page of another origin; else as [`login`](crate::login).
pub async fn cookie_login<S: AccountStore>(
    State((accounts, cookie)): State<(Accounts<S>, AuthCookie)>,
    request: Request,
) -> Result<Response, Response> {
    cookie
        .check_csrf(&request)
        .map_err(AuthError::into_response)?;
    let Form(login) = Form::from_request(request, &()).await?;
    log_in(&accounts, &cookie, login)
        .await
        .map_err(AccountError::into_response)
}

/// Takes the cookie away, whatever is in it. The token itself lives on until it expires; a reset
/// of the password ends it.
///
/// # Errors
///
/// 403 to a page of another origin.
pub async fn cookie_logout(
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
    let kept = cookie
        .set(&token.access_token, lifetime)
        .map_err(AccountError::unavailable)?;
    let mut response = json_answer(StatusCode::OK, &UserPublic::from(&user));
    response.headers_mut().append(SET_COOKIE, kept);
    Ok(response)
}
