//! HTTP routes for log-in by cookie.

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::SET_COOKIE;
use tower_warder::AuthError;
use tower_warder::credentials::AuthCookie;
use tower_warder::error::AuthErrorKind;
use tower_warder::private::CookieIdentity;

use super::answer::{self, json_answer};
use super::error::AccountError;
use super::model::UserPublic;
use super::request::{LoginForm, device};
use super::service::Accounts;
use super::store::AccountStore;

/// Returns the routes for log-in by cookie, to be merged with [`routes`](crate::routes).
///
/// | route | access | response |
/// |---|---|---|
/// | `POST /cookie/login` | anyone, with the form of `/login` | 200 the account, and sets the cookie; 401; 403; 422; 429 |
/// | `POST /cookie/logout` | anyone | 204, and clears the cookie |
///
/// With [`Accounts::sessions`] a log-in opens a session, which
/// [`session_routes`](crate::session_routes) lists and ends, and a log-out ends it: a copy of the
/// cookie is rejected from then on. A log-in ends the session of the cookie that was sent with it. If
/// the session store cannot answer, both respond 503 and leave the cookie. If the cookie was sent
/// several times, because a sibling domain has set another, each of their sessions ends; a log-out
/// with more than eight responds 400 and leaves them all.
///
/// A cookie from before sessions were configured has none: it stays valid until it expires, and a
/// log-out only clears it. Revoke the tokens of all accounts once after the change.
///
/// Without sessions the token has the issuer's lifetime and a log-out only clears the cookie: a copy
/// of the token stays valid until it expires, or until a password reset or `POST /logout-all` revokes
/// it.
///
/// A log-in that needs [another step](crate::LoginChallenge) sets no cookie and ends no session.
///
/// Scripts of the page cannot read the token. Both routes reject requests from pages of other
/// origins with 403, by [`AuthCookie::check_csrf`], so that another site can log no one in or out.
/// The cookie expires with its token.
///
/// The layer has to read the same cookie:
///
/// ```
/// use axum::Router;
/// use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore, InMemorySessionStore, Sessions};
/// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
/// use tower_warder::credentials::{AuthCookie, CredentialSource};
///
/// let secret = HmacSecret::generate();
/// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
///     .sessions(Sessions::new(InMemorySessionStore::new()));
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
#[doc(alias = "session")]
pub fn cookie_routes<S: AccountStore>(accounts: Accounts<S>, cookie: AuthCookie) -> Router {
    let routes = Router::new()
        .route("/cookie/login", post(cookie_login::<S>))
        .route("/cookie/logout", post(cookie_logout::<S>));
    answer::finished(routes).with_state((accounts, cookie))
}

async fn cookie_login<S: AccountStore>(
    State((accounts, cookie)): State<(Accounts<S>, AuthCookie)>,
    mut request: Request,
) -> Result<Response, Response> {
    cookie
        .check_csrf(&request)
        .map_err(AuthError::into_response)?;
    // Cookies beyond the limit, which others may have planted, do not prevent a log-in.
    let sent = sent_cookies(&accounts, &cookie, &mut request, MAX_COOKIES)
        .map_err(AuthError::into_response)?;
    let device = device(request.headers());
    let (mut parts, body) = request.into_parts();
    let client = accounts.client(&mut parts).await;
    let accounts = accounts.for_client(&client);
    let request = Request::from_parts(parts, body);
    let LoginForm(login) = LoginForm::from_request(request, &()).await?;
    let user = accounts.authenticate(login.client(client.clone())).await;
    let user = user.map_err(AccountError::into_response)?;
    // Before the new session is opened: a browser has one, whatever was planted in its cookie.
    end_sessions_of(&accounts, sent).await?;
    let token = match accounts.has_sessions() {
        true => accounts.open_cookie_session(&user, &device).await,
        false => accounts.token(&user).await,
    };
    let response = json_answer(StatusCode::OK, &UserPublic::from(&user));
    let response = token.and_then(|token| answer::with_cookie(response, &cookie, &token));
    let mut response = response.map_err(AccountError::into_response)?;
    accounts.remember_device(&mut response, &user, &client);
    Ok(response)
}

async fn cookie_logout<S: AccountStore>(
    State((accounts, cookie)): State<(Accounts<S>, AuthCookie)>,
    mut request: Request,
) -> Result<Response, Response> {
    cookie
        .check_csrf(&request)
        .map_err(AuthError::into_response)?;
    let sent = sent_cookies(&accounts, &cookie, &mut request, MAX_COOKIES + 1)
        .map_err(AuthError::into_response)?;
    if sent.len() > MAX_COOKIES {
        // With 204 a session could stay open that the user believes ended.
        return Err(AuthError::new(AuthErrorKind::InvalidRequest).into_response());
    }
    let accounts = accounts.for_request(request.extensions(), request.headers());
    end_sessions_of(&accounts, sent).await?;
    let mut response = answer::no_content();
    response.headers_mut().insert(SET_COOKIE, cookie.clear());
    Ok(response)
}

/// Returns what is in the cookie, at most `limit` times, if its session can be ended.
fn sent_cookies<S: AccountStore>(
    accounts: &Accounts<S>,
    cookie: &AuthCookie,
    request: &mut Request,
    limit: usize,
) -> Result<Vec<CookieIdentity>, AuthError> {
    match accounts.has_sessions() {
        true => CookieIdentity::find(cookie, request, limit),
        false => Ok(Vec::new()),
    }
}

/// Ends the sessions of cookies. One that is rejected has none.
async fn end_sessions_of<S: AccountStore>(
    accounts: &Accounts<S>,
    sent: Vec<CookieIdentity>,
) -> Result<(), Response> {
    for cookie in sent {
        let claims = cookie.claims().await.map_err(AuthError::into_response)?;
        if let Some(claims) = claims {
            let ended = accounts.end_session_of(&claims).await;
            ended.map_err(AccountError::into_response)?;
        }
    }
    Ok(())
}

/// Limits the look-ups that one request causes.
const MAX_COOKIES: usize = 8;
