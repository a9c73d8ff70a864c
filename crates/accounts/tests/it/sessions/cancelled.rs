//! Clients who go before they are answered.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tower_warder_accounts::{InMemoryAccountStore, SessionStore, Sessions};

use super::super::server::PASSWORD;
use super::client::{
    Tokens, assert_refused, changing, jane, log_in, over, refresh, refreshing, renewed, with,
};
use super::staged::{Pause, StagedSessions};
use crate::support::Place;

/// Polls a future so many times and drops it, and says whether it had come to its end.
async fn cut<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn refresh_that_is_dropped_after_its_write_is_asked_for_again() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let first = jane(&server).await;
    sessions.pause(Pause::AfterRotate);
    let asked = tokio::spawn({
        let (server, request) = (server.clone(), refreshing(&first.refresh));
        async move { server.send(request).await }
    });
    sessions.arrival().await;
    asked.abort();
    let second = renewed(&server, &first.refresh).await;
    assert_ne!(second.refresh, first.refresh);
    renewed(&server, &second.refresh).await;
}

#[tokio::test]
async fn wherever_a_refresh_is_dropped_the_client_goes_on() {
    let place = Place::sqlite();
    let store = place.open().await;
    let server = with(Arc::clone(&store), Sessions::new(store));
    let mut tokens = jane(&server).await;
    for polls in 1..200 {
        let ended = cut(refresh(&server, &tokens.refresh), polls).await;
        let again = renewed(&server, &tokens.refresh).await;
        let done = ended.is_some();
        if let Some(answer) = ended {
            assert_eq!(Tokens::of(&answer).refresh, again.refresh);
        }
        tokens = again;
        if done {
            return;
        }
    }
    panic!("a refresh has fewer awaits");
}

#[tokio::test]
async fn change_that_is_dropped_in_its_middle_fails_closed() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let tokens = jane(&server).await;
    let other = log_in(&server, "jane@example.org").await;
    sessions.pause(Pause::BeforeEndBefore);
    let asked = tokio::spawn({
        let request = changing(&tokens.access, PASSWORD, "another password");
        let server = server.clone();
        async move { server.send(request).await }
    });
    sessions.arrival().await;
    asked.abort();
    let _ = asked.await;
    for tokens in [&tokens, &other] {
        assert_refused(&refresh(&server, &tokens.refresh).await);
        assert_eq!(server.me(&tokens.access).await.status, 401);
    }
    let new = server.login("jane@example.org", "another password").await;
    assert_eq!(new.status, 200);
    // What was over went.
    assert_eq!(sessions.list(1).await.unwrap().len(), 1);
}
