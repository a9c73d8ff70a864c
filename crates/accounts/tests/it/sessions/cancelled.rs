//! Requests that are cancelled before their response.

use std::sync::Arc;

use tower_warder_accounts::{InMemoryAccountStore, SessionStore, Sessions};

use super::super::cancelled::poll_times;
use super::super::server::PASSWORD;
use super::client::{
    Tokens, assert_invalid_grant, changing, jane, log_in, over, refresh, refreshing, renewed, with,
};
use super::staged::{Pause, StagedSessions};
use crate::support::Place;

#[tokio::test]
async fn refresh_cancelled_after_its_write_can_be_repeated() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let first = jane(&server).await;
    sessions.pause(Pause::AfterRotate);
    let task = tokio::spawn({
        let (server, request) = (server.clone(), refreshing(&first.refresh));
        async move { server.send(request).await }
    });
    sessions.arrival().await;
    task.abort();
    let second = renewed(&server, &first.refresh).await;
    assert_ne!(second.refresh, first.refresh);
    renewed(&server, &second.refresh).await;
}

#[tokio::test]
async fn refresh_cancelled_at_any_point_can_be_repeated() {
    let place = Place::sqlite();
    let store = place.open().await;
    let server = with(Arc::clone(&store), Sessions::new(store));
    let mut tokens = jane(&server).await;
    for polls in 1..200 {
        let output = poll_times(refresh(&server, &tokens.refresh), polls).await;
        let again = renewed(&server, &tokens.refresh).await;
        let done = output.is_some();
        if let Some(answer) = output {
            assert_eq!(Tokens::of(&answer).refresh, again.refresh);
        }
        tokens = again;
        if done {
            return;
        }
    }
    panic!("the refresh is never ready");
}

#[tokio::test]
async fn cancelled_password_change_fails_closed() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let tokens = jane(&server).await;
    let other = log_in(&server, "jane@example.org").await;
    sessions.pause(Pause::BeforeEndBefore);
    let task = tokio::spawn({
        let request = changing(&tokens.access, PASSWORD, "another password");
        let server = server.clone();
        async move { server.send(request).await }
    });
    sessions.arrival().await;
    task.abort();
    let _ = task.await;
    for tokens in [&tokens, &other] {
        assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
        assert_eq!(server.me(&tokens.access).await.status, 401);
    }
    let new = server.login("jane@example.org", "another password").await;
    assert_eq!(new.status, 200);
    // The revoked sessions were removed.
    assert_eq!(sessions.list(1).await.unwrap().len(), 1);
}
