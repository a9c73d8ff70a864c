//! Expiry of sessions.

use std::time::Duration;

use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, SessionStore, Sessions};

use super::client::{
    DAY, MINUTE, SECOND, assert_invalid_grant, jane, log_in, refresh, renewed, server, sessions,
    with,
};
use crate::server::{bare, by};

#[tokio::test]
async fn session_expires_after_a_week_without_use() {
    let server = server();
    let mut tokens = jane(&server).await;
    for _ in 0..3 {
        server.clock.advance(7 * DAY - SECOND);
        tokens = renewed(&server, &tokens.refresh).await;
    }
    server.clock.advance(7 * DAY);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn session_in_daily_use_expires_after_a_month() {
    let server = server();
    let mut tokens = jane(&server).await;
    for _ in 0..29 {
        server.clock.advance(DAY);
        tokens = renewed(&server, &tokens.refresh).await;
    }
    server.clock.advance(DAY - 10 * MINUTE);
    let last = refresh(&server, &tokens.refresh).await.json();
    // The access token does not outlive the session.
    assert_eq!(
        (&last["refresh_expires_in"], &last["expires_in"]),
        (&600.into(), &600.into())
    );
    server.clock.advance(10 * MINUTE - SECOND);
    let access = last["access_token"].as_str().unwrap();
    assert_eq!(server.me(access).await.status, 200);
    server.clock.advance(SECOND);
    assert_invalid_grant(&refresh(&server, last["refresh_token"].as_str().unwrap()).await);
    assert_eq!(server.me(access).await.status, 401);
}

#[tokio::test]
async fn configured_lifetimes_apply() {
    let sessions = Sessions::new(InMemorySessionStore::new())
        .access_lifetime(MINUTE)
        .idle_lifetime(10 * MINUTE)
        .lifetime(15 * MINUTE);
    let server = with(InMemoryAccountStore::new(), sessions);
    let tokens = jane(&server).await;
    server.clock.advance(9 * MINUTE);
    let answer = refresh(&server, &tokens.refresh).await.json();
    assert_eq!(answer["expires_in"], 60);
    assert_eq!(answer["refresh_expires_in"], 360);
    server.clock.advance(6 * MINUTE);
    assert_invalid_grant(&refresh(&server, answer["refresh_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn lifetimes_are_limited_to_ten_years() {
    let sessions = Sessions::new(InMemorySessionStore::new())
        .idle_lifetime(Duration::MAX)
        .lifetime(Duration::MAX);
    let server = with(InMemoryAccountStore::new(), sessions);
    let tokens = jane(&server).await;
    server.clock.advance(3652 * DAY);
    let tokens = renewed(&server, &tokens.refresh).await;
    server.clock.advance(DAY);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn shorter_lifetimes_apply_to_existing_sessions() {
    let store = InMemorySessionStore::new();
    let server = with(InMemoryAccountStore::new(), Sessions::new(store.clone()));
    let tokens = jane(&server).await;
    server.clock.advance(DAY);
    let shorter = Sessions::new(store).lifetime(DAY);
    let accounts = super::client::accounts_of(&server, shorter);
    assert!(accounts.refresh(&tokens.refresh).await.is_err());
}

#[tokio::test]
async fn expired_session_is_hidden_and_removed_at_the_next_login() {
    let store = InMemorySessionStore::new();
    let server = with(InMemoryAccountStore::new(), Sessions::new(store.clone()));
    let first = jane(&server).await;
    let id = sessions(&server, &first.access).await[0]["id"].clone();
    server.clock.advance(8 * DAY);
    // A token without session, issued now.
    let access = server.token(&server.stored(1).await);
    assert!(sessions(&server, &access).await.is_empty());
    let id = id.as_str().unwrap();
    assert!(store.find(id).await.unwrap().is_some());
    let second = log_in(&server, "jane@example.org").await;
    assert!(store.find(id).await.unwrap().is_none());
    assert_eq!(sessions(&server, &second.access).await.len(), 1);
    let gone = bare("DELETE", &format!("/sessions/{id}"));
    assert_eq!(server.send(by(&second.access, gone)).await.status, 404);
}
