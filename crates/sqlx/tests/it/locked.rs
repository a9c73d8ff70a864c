//! Requests while another process holds the write lock of SQLite.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{AuthError, Claims, HmacSecret, JwtIssuer, JwtVerifier, UserLoader};
use tower_warder_accounts::{AccountStore, Accounts, AdminGrant, Sessions};
use tower_warder_sqlx::SqliteStore;

use crate::place::{Place, new};

async fn verified(verifier: &dyn Verifier, token: &str) -> Result<Claims, AuthError> {
    match verifier.verify(token) {
        Verification::Ready(claims) => claims,
        Verification::Pending(claims) => claims.await,
        _ => panic!("the session of a cookie is looked up"),
    }
}

/// The use of the sessions is due to be recorded, which has to wait for the lock.
#[tokio::test]
async fn locked_database_delays_no_request_with_a_cookie() {
    let place = Place::sqlite();
    drop(place.open(None).await);
    let store = SqliteStore::connect_with(place.sqlite_options());
    let store = store.await.unwrap();
    let jane = store.insert(new("jane", AdminGrant::Never)).await.unwrap();
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(store.clone(), JwtIssuer::hs256(&secret))
        .sessions(Sessions::new(store.clone()));
    let verifier = accounts.wrap_verifier(Arc::new(JwtVerifier::hs256(&secret)));
    let mut cookies = Vec::new();
    for _ in 0..30 {
        let cookie = accounts.open_cookie_session(&jane, "").await.unwrap();
        cookies.push(cookie.access_token);
    }
    let mut other = place.connect().await;
    other
        .run("UPDATE sessions SET last_used_at = '2020-01-01T00:00:00.000000Z'")
        .await;
    other.run("BEGIN IMMEDIATE").await;
    let requests = cookies.iter().map(|cookie| verified(&*verifier, cookie));
    // Less than the time that a write waits for the lock.
    let all = tokio::time::timeout(Duration::from_secs(4), async {
        try_join_all(requests).await.unwrap();
        store.find(jane.id).await.unwrap()
    });
    assert!(all.await.unwrap().is_some());

    other.run("ROLLBACK").await;
    tokio::time::timeout(Duration::from_secs(20), async {
        let recorded = "SELECT count(*) FROM sessions WHERE last_used_at > '2021'";
        while other.number(recorded).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            verified(&*verifier, &cookies[0]).await.unwrap();
        }
    })
    .await
    .unwrap();
}
