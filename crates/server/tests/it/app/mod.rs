//! The server as a router, without a port.

mod channel;
mod health;
mod keys;
mod many_accounts;
mod origin;
mod pages;
mod postgres;
mod shared;
mod streams;

use std::sync::Mutex;

use tower::ServiceExt;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::testing::account_store_contract;
use tower_warder_accounts::{Accounts, InMemoryAccountStore, InMemorySessionStore, Sessions};
use tower_warder_server::store::Store;

use crate::support::{Place, get, open, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_store_meets_the_contract() {
    assert_contract(async || Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_store_meets_the_contract() {
    if Place::postgres().await.is_some() {
        assert_contract(async || Place::postgres().await.unwrap()).await;
    }
}

async fn assert_contract(empty: impl AsyncFn() -> Place) {
    let places = Mutex::new(Vec::new());
    account_store_contract(async || {
        let place = empty().await;
        let store = place.open().await;
        places.lock().unwrap().push(place);
        store
    })
    .await;
}

#[tokio::test]
async fn api_page_loads_only_from_the_server() {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
    let cookie = tower_warder_server::origin::cookie(None).unwrap();
    let app = tower_warder_server::app(accounts, JwtVerifier::hs256(&secret), cookie, None);

    let document = send(&app, get("/api/openapi.json")).await.json();
    assert!(document["paths"]["/api/auth/me"]["get"].is_object());

    assert_eq!(
        send(&app, get("/api/docs")).await.header("location"),
        Some("/api/docs/")
    );
    let page = send(&app, get("/api/docs/")).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));

    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for link in page.body.split(attribute).skip(1) {
            let file = link.split('"').next().unwrap();
            let file = file.trim_start_matches("./");
            let answer = app.clone().oneshot(get(&format!("/api/docs/{file}"))).await;
            assert_eq!(answer.unwrap().status(), 200, "{file}");
            loaded += 1;
        }
    }
    assert_eq!(loaded, 7);
    let initializer = send(&app, get("/api/docs/swagger-initializer.js"))
        .await
        .body;
    assert!(!initializer.contains("http"), "{initializer}");
    assert_eq!(send(&app, get("/api/docs/nothing.js")).await.status, 404);
}

#[tokio::test]
async fn session_routes_exist_and_are_documented_if_enabled() {
    let secret = HmacSecret::generate();
    let cookie = || tower_warder_server::origin::cookie(None).unwrap();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
    let without = tower_warder_server::app(
        accounts.clone(),
        JwtVerifier::hs256(&secret),
        cookie(),
        None,
    );
    let accounts = accounts.sessions(Sessions::new(InMemorySessionStore::new()));
    let with = tower_warder_server::app(accounts, JwtVerifier::hs256(&secret), cookie(), None);
    for (app, expected) in [(without, [404, 404]), (with, [401, 405])] {
        let described = expected[0] == 401;
        let document = send(&app, get("/api/openapi.json")).await.json();
        for path in ["/api/auth/sessions", "/api/auth/sessions/{id}"] {
            assert_eq!(document["paths"][path].is_object(), described, "{path}");
        }
        assert!(document["paths"]["/api/auth/me"]["get"].is_object());
        for (path, status) in ["/api/auth/sessions", "/api/auth/refresh"]
            .iter()
            .zip(expected)
        {
            assert_eq!(send(&app, get(path)).await.status, status, "{path}");
        }
    }
}
