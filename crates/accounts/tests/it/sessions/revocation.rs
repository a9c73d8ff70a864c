//! Sessions that end by a change of the account.

use std::sync::Arc;

use serde_json::json;
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, SessionStore};

use super::super::server::{Approved, PASSWORD, Server};
use super::client::{
    SECOND, assert_invalid_grant, cached, cached_over, jane, log_in, node, over, refresh, renewed,
    server, sessions,
};
use super::staged::{Pause, StagedSessions};

async fn put(server: &Server, status: &str) {
    let root = server.stored(1).await;
    let token = server.token(&root);
    let answer = server.put(&token, 2, json!({"status": status})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// With an admin, whose id is 1.
async fn with_admin(server: &Server) -> String {
    server.admin().await.1
}

#[tokio::test]
async fn unapproved_account_loses_its_sessions_permanently() {
    for server in [server(), cached()] {
        with_admin(&server).await;
        let mut tokens = jane(&server).await;
        for status in ["disabled", "pending"] {
            let desk = log_in(&server, "jane@example.org").await;
            assert_eq!(server.me(&tokens.access).await.status, 200);
            for status in [status, "approved"] {
                put(&server, status).await;
                for tokens in [&tokens, &desk] {
                    // Does not disclose the status, which the log-in does.
                    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
                    assert_eq!(server.me(&tokens.access).await.status, 401, "{status}");
                }
            }
            tokens = log_in(&server, "jane@example.org").await;
            assert_eq!(sessions(&server, &tokens.access).await.len(), 1);
            tokens = renewed(&server, &tokens.refresh).await;
        }
    }
}

#[tokio::test]
async fn password_reset_ends_every_session() {
    for server in [server(), cached()] {
        let admin = with_admin(&server).await;
        let phone = jane(&server).await;
        let desk = log_in(&server, "jane@example.org").await;
        let mine = log_in(&server, "root@example.org").await;
        assert_eq!(server.reset(&admin, 2, PASSWORD).await.status, 200);
        let without = server.token(&server.stored(2).await);
        assert!(sessions(&server, &without).await.is_empty());
        for tokens in [&phone, &desk] {
            assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
            assert_eq!(server.me(&tokens.access).await.status, 401);
        }
        let new = log_in(&server, "jane@example.org").await;
        assert_eq!(sessions(&server, &new.access).await.len(), 1);
        renewed(&server, &new.refresh).await;
        renewed(&server, &mine.refresh).await;
    }
}

#[tokio::test]
async fn deletion_ends_every_session_even_if_the_email_is_reused() {
    let store = InMemorySessionStore::new();
    let server = over(InMemoryAccountStore::new(), store.clone());
    let admin = with_admin(&server).await;
    let tokens = jane(&server).await;
    assert_eq!(store.list(2).await.unwrap().len(), 1);
    assert_eq!(server.delete(&admin, 2).await.status, 204);
    assert_eq!(store.list(2).await.unwrap(), []);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    server.add("jane@example.org", false, Approved).await;
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    assert_eq!(server.me(&tokens.access).await.status, 401);
}

#[tokio::test]
async fn deleted_account_is_rejected_during_session_removal() {
    let store = Arc::new(StagedSessions::new());
    let server = cached_over(Arc::clone(&store));
    let admin = with_admin(&server).await;
    let tokens = jane(&server).await;
    assert_eq!(server.me(&tokens.access).await.status, 200);
    store.pause(Pause::BeforeEndBefore);
    let deletion = tokio::spawn({
        let server = server.clone();
        async move { server.delete(&admin, 2).await.status }
    });
    store.arrival().await;
    assert_eq!(server.me(&tokens.access).await.status, 401);
    store.go_on();
    assert_eq!(deletion.await.unwrap(), 204);
}

#[tokio::test]
async fn session_older_than_the_account_is_rejected() {
    let sessions_kept = InMemorySessionStore::new();
    let old = over(InMemoryAccountStore::new(), sessions_kept.clone());
    let tokens = jane(&old).await;
    old.clock.advance(SECOND);
    let empty = Server {
        store: Arc::new(InMemoryAccountStore::new()),
        ..old.clone()
    };
    let server = node(&empty, sessions_kept);
    let new = jane(&server).await;
    assert_eq!(server.stored(1).await.email, old.stored(1).await.email);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    assert_eq!(server.me(&tokens.access).await.status, 401);
    assert_eq!(sessions(&server, &new.access).await.len(), 1);
    renewed(&server, &new.refresh).await;
}

#[tokio::test]
async fn session_survives_a_change_of_email() {
    let server = server();
    let admin = with_admin(&server).await;
    let tokens = jane(&server).await;
    server
        .put(
            &admin,
            2,
            json!({"email": "jo@example.org", "is_admin": true}),
        )
        .await;
    let tokens = renewed(&server, &tokens.refresh).await;
    assert_eq!(
        server.me(&tokens.access).await.json()["email"],
        "jo@example.org"
    );
}
