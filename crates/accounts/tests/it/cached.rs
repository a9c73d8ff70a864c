//! Accounts with a user cache: changes by the routes take effect at once, changes by others within the
//! time to live.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tower_warder_accounts::{SubjectClaim, UserUpdate};

use super::server::{Disabled, PASSWORD, Server};
use super::staged::{Pause, Staged};

async fn server() -> Server {
    Server::cached(|accounts| accounts).await
}

#[tokio::test]
async fn change_by_an_admin_takes_effect_at_once() {
    let server = server().await;
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.me(&token).await.status, 200);

    server
        .put(&admin, jane.id, json!({"status": "disabled"}))
        .await;
    assert_eq!(server.me(&token).await.status, 401);
    server
        .put(&admin, jane.id, json!({"status": "approved"}))
        .await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 200);

    server
        .put(&admin, jane.id, json!({"email": "jo@example.org"}))
        .await;
    assert_eq!(server.me(&token).await.json()["email"], "jo@example.org");

    server.put(&admin, jane.id, json!({"is_admin": true})).await;
    assert_eq!(server.put(&token, jane.id, json!({})).await.status, 200);
    server
        .put(&admin, jane.id, json!({"is_admin": false}))
        .await;
    assert_eq!(server.put(&token, jane.id, json!({})).await.status, 403);

    server.reset(&admin, jane.id, PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 401);
    let token = server.token_of("jo@example.org", PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 200);

    assert_eq!(server.delete(&admin, jane.id).await.status, 204);
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn change_in_the_store_takes_effect_within_the_ttl() {
    let server = server().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.me(&token).await.status, 200);
    let disabling = UserUpdate {
        email: None,
        is_admin: None,
        status: Some(Disabled),
    };
    server.change(jane.id, disabling).await;
    server.clock.advance(Duration::from_millis(4999));
    assert_eq!(server.me(&token).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn cancelled_change_takes_effect() {
    let store = Arc::new(Staged::new().await);
    let server = Server::cached_over(Arc::clone(&store) as _, |accounts| accounts);
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.me(&token).await.status, 200);

    store.pause(Pause::AfterUpdate);
    let change = server.put(&admin, jane.id, json!({"status": "disabled"}));
    tokio::select! {
        answer = change => panic!("the store does not pause: {answer:?}"),
        () = store.arrival() => {}
    }
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn email_subject_is_not_cached() {
    let server = Server::cached(|accounts| accounts.subject(SubjectClaim::Email)).await;
    let (jane, _) = server.jane().await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    assert_eq!(server.me(&token).await.status, 200);
    let disabling = UserUpdate {
        email: None,
        is_admin: None,
        status: Some(Disabled),
    };
    server.change(jane.id, disabling).await;
    assert_eq!(server.me(&token).await.status, 401);
}
