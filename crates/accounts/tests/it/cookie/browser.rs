//! A server with cookie routes, and the requests of a browser.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::COOKIE;
use tower_warder::AuthLayer;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::testing;
use tower_warder_accounts as accounts;

use super::super::server::{AnyAccounts, FORM, Server, accounts_over, body};
use crate::support::Answer;

pub async fn server(source: CredentialSource) -> Server {
    server_with(source, LIFETIME).await
}

/// A server with the cookie routes, and a layer that reads `source`.
pub async fn server_with(source: CredentialSource, lifetime: Duration) -> Server {
    let server = Server::new().await;
    let accounts = accounts_of(&server, lifetime);
    let routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie()));
    let verifier = testing::verifier().clock(server.clock.clock());
    let app = Router::new()
        .nest("/api/auth", routes)
        .layer(AuthLayer::new(verifier, accounts).credentials(source));
    Server { app, ..server }
}

pub fn accounts_of(server: &Server, lifetime: Duration) -> AnyAccounts {
    let issuer = testing::issuer().lifetime(lifetime);
    accounts_over(&server.store, issuer, &server.clock)
}

pub fn cookie() -> AuthCookie {
    let cookie = AuthCookie::new("id").unwrap();
    cookie.trusted_origin("https://app.example").unwrap()
}

pub fn both() -> CredentialSource {
    CredentialSource::header().with_cookie(cookie())
}

pub async fn log_in(server: &Server, username: &str, password: &str) -> Answer {
    server
        .send(form_to("/cookie/login", username, password))
        .await
}

pub fn form_to(path: &str, username: &str, password: &str) -> Request<Body> {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields
        .append_pair("username", username)
        .append_pair("password", password);
    body("POST", path, FORM, fields.finish())
}

pub fn token_in(answer: &Answer) -> String {
    let line = answer.header("set-cookie").unwrap();
    let pair = line.split(';').next().unwrap();
    pair.strip_prefix("__Host-id=").unwrap().to_owned()
}

pub fn with_cookie(token: &str, mut request: Request<Body>) -> Request<Body> {
    let pair = format!("__Host-id={token}").parse().unwrap();
    request.headers_mut().insert(COOKIE, pair);
    request
}

pub fn from(site: &str, mut request: Request<Body>) -> Request<Body> {
    request
        .headers_mut()
        .insert("sec-fetch-site", site.parse().unwrap());
    request
}

pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
