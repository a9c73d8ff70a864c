//! Limits of attempts.

mod addresses;
mod devices;
mod hasher;
mod login;
mod normal_use;
mod routes;
mod shared;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use tower_warder::AuthLayer;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::password::PasswordHasher;
use tower_warder::testing;
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    self as accounts, Accounts, InMemoryOneTimeTokenStore, InMemorySessionStore, OneTimeTokens,
    Sessions,
};

use super::server::{AnyAccounts, Server, hasher, login};
use crate::support::Answer;

const JANE: &str = "jane@example.org";

/// Attempts at once from an address at an account.
const BURST: usize = 15;

/// A server with all routes and these limits, and Jane.
async fn server(throttle: Throttle) -> Server {
    server_with(throttle, hasher()).await
}

async fn server_with(throttle: Throttle, hasher: PasswordHasher) -> Server {
    limited(Server::new().await, throttle, hasher).await
}

async fn limited(server: Server, throttle: Throttle, hasher: PasswordHasher) -> Server {
    mounted(server, hasher, |accounts| accounts.throttle(throttle)).await
}

/// The server with all routes, over accounts with these settings, and Jane.
async fn mounted(
    server: Server,
    hasher: PasswordHasher,
    settings: impl FnOnce(AnyAccounts) -> AnyAccounts,
) -> Server {
    server.jane().await;
    let clock = server.clock.clock();
    let issuer = testing::issuer().clock(clock.clone());
    let accounts = Accounts::new(Arc::clone(&server.store), issuer)
        .hasher(hasher)
        .clock(clock.clone())
        .sessions(Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    let accounts = settings(accounts);
    let cookie = AuthCookie::new("id").unwrap();
    let routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie.clone()))
        .merge(accounts::session_routes(accounts.clone()))
        .merge(accounts::refresh_routes(accounts.clone()))
        .merge(accounts::password_reset_routes(accounts.clone()));
    let layer = AuthLayer::new(testing::verifier().clock(clock), accounts)
        .credentials(CredentialSource::header().with_cookie(cookie));
    let app = Router::new().nest("/api/auth", routes).layer(layer);
    Server { app, ..server }
}

/// A request from this address.
pub fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let address: IpAddr = address.parse().unwrap();
    let peer = SocketAddr::new(address, 4711);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// Status of a log-in with a wrong password.
async fn guess(server: &Server, address: &str, account: &str) -> u16 {
    let request = from(address, login(account, "wrong password"));
    server.send(request).await.status.as_u16()
}

/// Guesses until it is throttled, and returns how many attempts were admitted.
async fn guess_until_throttled(server: &Server, address: &str, account: &str) -> usize {
    for admitted in 0..1000 {
        match guess(server, address, account).await {
            401 => {}
            429 => return admitted,
            other => panic!("{other}"),
        }
    }
    panic!("not throttled")
}

#[track_caller]
fn retry_after(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.json()["code"], "too_many_requests");
    answer.header("retry-after").unwrap().parse().unwrap()
}
