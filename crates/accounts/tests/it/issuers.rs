//! Accounts accept only tokens of their own issuer, even if the verifier accepts others.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::COOKIE;
use serde_json::json;
use tower_warder::cache::UserCache;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder::jwt::{MultiIssuerVerifier, Verifier};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing;
use tower_warder::{AuthError, AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{
    self as accounts, InMemoryAccountStore, InMemorySessionStore, Sessions,
};

use super::server::{PASSWORD, Server, bare, by, hasher, json_to};
use crate::support::Answer;

const OURS: &str = "https://login.example";
const PARTNER: &str = "https://partner.example";

/// A server whose tokens have the issuer `issuer`, with this verifier.
fn server(
    issuer: Option<&str>,
    verifier: impl Verifier,
    cache: Option<UserCache<accounts::User>>,
) -> Server {
    let server = Server::over(InMemoryAccountStore::new());
    let mut tokens = testing::issuer().clock(server.clock.clock());
    if let Some(issuer) = issuer {
        tokens = tokens.issuer(issuer);
    }
    let mut accounts = accounts::Accounts::new(Arc::clone(&server.store), tokens)
        .hasher(hasher())
        .clock(server.clock.clock())
        .sessions(Sessions::new(InMemorySessionStore::new()));
    let cookie = AuthCookie::new("id").unwrap();
    let source = CredentialSource::header().with_cookie(cookie.clone());
    let tickets = StreamTickets::new(64).clock(server.clock.clock());
    let mut layer = AuthLayer::new(verifier, accounts.clone())
        .credentials(source)
        .stream_tickets(tickets);
    if let Some(cache) = cache {
        accounts = accounts.user_cache(cache.clone());
        layer = layer.user_cache(cache);
    }
    let routes = accounts::routes(accounts.clone())
        .merge(accounts::cookie_routes(accounts.clone(), cookie))
        .merge(accounts::ticket_routes())
        .merge(accounts::session_routes(accounts.clone()))
        .merge(accounts::refresh_routes(accounts));
    let app = Router::new().nest("/api/auth", routes).layer(layer);
    Server { app, ..server }
}

/// Accepts our tokens and those of a partner with another key.
fn two_issuers(server_clock: &testing::FixedClock, partner: &HmacSecret) -> MultiIssuerVerifier {
    let clock = server_clock.clock();
    MultiIssuerVerifier::new()
        .add(OURS, testing::verifier().clock(clock.clone()))
        .unwrap()
        .add(
            PARTNER,
            JwtVerifier::hs256(partner).audience("orders").clock(clock),
        )
        .unwrap()
}

fn caches() -> [Option<UserCache<accounts::User>>; 3] {
    let cache = || UserCache::new(64);
    let caches_unknown = cache().negative_ttl(Duration::from_secs(60));
    [None, Some(cache()), Some(caches_unknown)]
}

/// Requests to all guarded routes, with the token as bearer and as cookie.
fn requests(token: &str) -> Vec<Request<Body>> {
    let requests = || {
        [
            bare("GET", "/me"),
            bare("GET", "/users"),
            json_to("PUT", "/users/1", &json!({"email": "mine@example.org"})),
            json_to(
                "POST",
                "/users/1/reset-password",
                &json!({"password": "another one"}),
            ),
            bare("DELETE", "/users/1"),
            bare("POST", "/stream-ticket"),
            bare("GET", "/sessions"),
            bare("POST", "/logout-all"),
            json_to(
                "POST",
                "/password",
                &json!({"current_password": PASSWORD, "new_password": "another one"}),
            ),
        ]
    };
    let cookie = format!("__Host-id={token}");
    let by_cookie = requests().map(|mut request| {
        let headers = request.headers_mut();
        headers.insert(COOKIE, cookie.parse().unwrap());
        headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
        request
    });
    requests()
        .map(|request| by(token, request))
        .into_iter()
        .chain(by_cookie)
        .collect()
}

fn reason(answer: &Answer) -> &'static str {
    answer.extensions.get::<AuthError>().unwrap().reason()
}

#[tokio::test]
async fn token_of_another_issuer_is_rejected() {
    for cache in caches() {
        let partner = HmacSecret::generate();
        let clock = testing::FixedClock::new();
        let server = server(Some(OURS), two_issuers(&clock, &partner), cache);
        let (root, _) = server.admin().await;
        assert_eq!(root.id, 1);
        let theirs = JwtIssuer::hs256(&partner)
            .issuer(PARTNER)
            .audience("orders");
        let theirs = theirs.clock(clock.clock()).issue("1").unwrap();
        // Before and after the account is cached.
        for _ in 0..2 {
            for request in requests(&theirs) {
                let path = request.uri().path().to_owned();
                let answer = server.send(request).await;
                assert_eq!(answer.status, 401, "{path}");
                assert_eq!(reason(&answer), "foreign_issuer", "{path}");
            }
            assert_eq!(server.stored(1).await, root);
            let ours = server.token_of("root@example.org", PASSWORD).await;
            assert_eq!(server.me(&ours).await.status, 200);
            assert_eq!(server.me(&ours).await.status, 200);
        }
    }
}

#[tokio::test]
async fn issuer_must_match_exactly() {
    // One key signs for all issuers, and the verifier requires none, as with a key set alone.
    for (written, named, status) in [
        (Some(OURS), Some(OURS), 200),
        (Some(OURS), Some(PARTNER), 401),
        (Some(OURS), Some("https://login.example/"), 401),
        (Some(OURS), Some("https://LOGIN.example"), 401),
        (Some(OURS), Some(""), 401),
        (Some(OURS), None, 401),
        (None, None, 200),
        (None, Some(OURS), 401),
        (None, Some(""), 401),
    ] {
        for cache in caches() {
            let clock = testing::FixedClock::new();
            let server = server(written, testing::verifier().clock(clock.clock()), cache);
            server.admin().await;
            let mut tokens = testing::issuer().clock(clock.clock());
            if let Some(issuer) = named {
                tokens = tokens.issuer(issuer);
            }
            let answer = server.me(&tokens.issue("1").unwrap()).await;
            assert_eq!(answer.status, status, "{written:?} {named:?}");
            if status == 401 {
                assert_eq!(reason(&answer), "foreign_issuer", "{written:?} {named:?}");
            }
        }
    }
}
