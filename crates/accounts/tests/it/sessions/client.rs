//! A server with sessions, and the requests of its clients.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::testing;
use tower_warder::{AuthLayer, BoxError, async_trait};
use tower_warder_accounts::{
    self as accounts, AccountStore, InMemoryAccountStore, InMemoryOneTimeTokenStore,
    InMemorySessionStore, Mail, MailQueue, Mailer, OneTimeTokens, SessionStore, Sessions,
};

use super::super::cookie::browser::{form_to, token_in, with_cookie};
use super::super::server::{
    AnyAccounts, PASSWORD, Server, accounts_over, bare, by, json_to, login,
};
use crate::support::Answer;

/// The tokens that a client stores.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// With in-memory stores.
pub fn server() -> Server {
    over(InMemoryAccountStore::new(), InMemorySessionStore::new())
}

pub fn over(store: impl AccountStore, sessions: impl SessionStore) -> Server {
    with(store, Sessions::new(sessions))
}

pub fn with(store: impl AccountStore, sessions: Sessions) -> Server {
    built(Server::over(store), sessions, None)
}

/// With a user cache of the default time to live.
pub fn cached() -> Server {
    cached_over(InMemorySessionStore::new())
}

pub fn cached_over(sessions: impl SessionStore) -> Server {
    let server = Server::over(InMemoryAccountStore::new());
    let cache = UserCache::new(64).clock(server.clock.clock());
    built(server, Sessions::new(sessions), Some(cache))
}

/// Another node over the stores of this server.
pub fn node(server: &Server, sessions: impl SessionStore) -> Server {
    node_with(server, Sessions::new(sessions))
}

pub fn node_with(server: &Server, sessions: Sessions) -> Server {
    built(server.clone(), sessions, None)
}

fn built(server: Server, sessions: Sessions, cache: Option<UserCache<accounts::User>>) -> Server {
    let accounts = accounts_of(&server, sessions);
    mounted(server, accounts, cache)
}

/// Sends nothing.
struct NoMail;

#[async_trait]
impl Mailer for NoMail {
    async fn send(&self, _: &Mail) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A server with the routes of these accounts.
pub fn mounted(
    server: Server,
    accounts: AnyAccounts,
    cache: Option<UserCache<accounts::User>>,
) -> Server {
    let accounts = match &cache {
        Some(cache) => accounts.user_cache(cache.clone()),
        None => accounts,
    };
    let accounts = match accounts.has_one_time_tokens() {
        true => accounts,
        false => accounts.one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new())),
    };
    let accounts = match accounts.has_mail() {
        true => accounts,
        false => accounts.mail(MailQueue::new(NoMail, "https://example.org")),
    };
    routed(server, accounts, cache)
}

/// A server with the routes of these accounts, which may have no mail.
pub fn routed(
    server: Server,
    accounts: AnyAccounts,
    cache: Option<UserCache<accounts::User>>,
) -> Server {
    let cookie = AuthCookie::new("id").unwrap();
    let mut routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()))
        .merge(accounts::ticket_routes())
        .merge(accounts::session_routes(accounts.clone()))
        .merge(accounts::refresh_routes(accounts.clone()))
        .merge(accounts::password_reset_routes(accounts.clone()))
        .merge(accounts::forgot_password_routes(accounts.clone()))
        .merge(accounts::email_verification_routes(accounts.clone()))
        .merge(accounts::email_change_routes(accounts.clone()))
        .merge(accounts::own_account_routes(accounts.clone()))
        .merge(accounts::invitation_routes(accounts.clone()))
        .merge(accounts::registration_routes(accounts.clone()));
    if accounts.has_audit_store() {
        routes = routes.merge(accounts::audit_routes(accounts.clone()));
    }
    let verifier = testing::verifier().clock(server.clock.clock());
    let source = CredentialSource::header().with_cookie(cookie);
    let source = source.with_query_token("/api/auth/me").unwrap();
    let mut layer = AuthLayer::new(verifier, accounts)
        .credentials(source)
        .stream_tickets(
            tower_warder::stream_ticket::StreamTickets::new(64).clock(server.clock.clock()),
        );
    if let Some(cache) = cache {
        layer = layer.user_cache(cache);
    }
    let app = Router::new().nest("/api/auth", routes).layer(layer);
    Server { app, ..server }
}

pub fn accounts_of(server: &Server, sessions: Sessions) -> AnyAccounts {
    accounts_over(&server.store, testing::issuer(), &server.clock).sessions(sessions)
}

pub async fn log_in(server: &Server, email: &str) -> Tokens {
    Tokens::of(&server.login(email, PASSWORD).await)
}

/// Adds the account of Jane and logs in.
pub async fn jane(server: &Server) -> Tokens {
    server.jane().await;
    log_in(server, "jane@example.org").await
}

/// A log-in with this `User-Agent`.
pub fn login_from(device: &str, email: &str) -> Request<Body> {
    let mut request = login(email, PASSWORD);
    request
        .headers_mut()
        .insert("user-agent", device.parse().unwrap());
    request
}

pub fn refreshing(token: &str) -> Request<Body> {
    json_to("POST", "/refresh", &json!({"refresh_token": token}))
}

pub async fn refresh(server: &Server, token: &str) -> Answer {
    server.send(refreshing(token)).await
}

pub async fn renewed(server: &Server, token: &str) -> Tokens {
    Tokens::of(&refresh(server, token).await)
}

pub fn logging_out(token: &str) -> Request<Body> {
    json_to("POST", "/logout", &json!({"refresh_token": token}))
}

pub fn changing(access: &str, current: &str, new: &str) -> Request<Body> {
    let body = json!({"current_password": current, "new_password": new});
    by(access, json_to("POST", "/password", &body))
}

/// The list of sessions, as its user gets it.
pub async fn sessions(server: &Server, access: &str) -> Vec<Value> {
    let answer = server.send(by(access, bare("GET", "/sessions"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

#[track_caller]
pub fn assert_invalid_grant(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(
        answer.json(),
        json!({
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "Could not validate credentials",
            "code": "invalid_grant",
        })
    );
}

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// Default time during which a rotated token gets the same successor again.
pub const GRACE: Duration = Duration::from_secs(30);

/// Logs a browser in, and returns what it keeps.
pub async fn log_in_by_cookie(server: &Server, email: &str) -> String {
    let answer = server.send(form_to("/cookie/login", email, PASSWORD)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    token_in(&answer)
}

/// Status of a request with the cookie.
pub async fn status_with(server: &Server, cookie: &str) -> u16 {
    let answer = server.send(with_cookie(cookie, bare("GET", "/me"))).await;
    background_tasks().await;
    let cleared = answer.header("set-cookie").is_some();
    assert_eq!(cleared, answer.status == 401, "{answer:?}");
    answer.status.as_u16()
}

/// The list that the owner of a cookie sees.
pub async fn sessions_with(server: &Server, cookie: &str) -> Vec<Value> {
    let request = with_cookie(cookie, bare("GET", "/sessions"));
    let answer = server.send(request).await;
    background_tasks().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

/// Lets spawned tasks run until they wait: the use of a session is recorded by one. On the runtime
/// of a test, which has one thread, all that can run do so before the test goes on.
pub async fn background_tasks() {
    tokio::task::yield_now().await;
}
