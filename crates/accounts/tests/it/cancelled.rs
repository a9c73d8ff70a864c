//! Requests that are cancelled before their response.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt, stream};
use tower_warder_accounts::UserQuery;

use super::server::{PASSWORD, Server, hasher};
use super::staged::{Pause, Staged};
use crate::support::Place;

/// Polls a future at most `polls` times and drops it; returns the output if it completed.
pub async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        let polled = future.as_mut().poll(cx).map(Some);
        if polled.is_pending() && left == 0 {
            return std::task::Poll::Ready(None);
        }
        polled
    })
    .await
}

#[tokio::test]
async fn cancelled_registration_is_atomic() {
    let one_permit = hasher().max_concurrency(1);
    for place in Place::all().await {
        let hasher = one_permit.clone();
        let server = Server::at(Arc::new(place), |accounts| accounts.hasher(hasher)).await;
        for polls in 1..200 {
            let email = format!("jane{polls}@example.org");
            let output = poll_times(server.register(&email), polls).await;
            // The address is either free or belongs to a complete account.
            let again = server.register(&email).await;
            match &output {
                Some(answer) => {
                    assert_eq!((answer.status.as_u16(), again.status.as_u16()), (201, 409))
                }
                None => assert!(
                    [201, 409].contains(&again.status.as_u16()),
                    "{}",
                    again.body
                ),
            }
            if polls > 3 {
                assert_eq!(server.login(&email, PASSWORD).await.status, 403, "{polls}");
            }
            if output.is_some() {
                break;
            }
        }
        let users = server.store.list(&UserQuery::default()).await.unwrap();
        assert_eq!(
            users.iter().filter(|user| user.is_active_admin()).count(),
            1
        );
    }
}

#[tokio::test]
async fn cancelled_login_releases_its_permit() {
    let one_permit = hasher().max_concurrency(1).max_queue(1);
    let server = Server::configured(|accounts| accounts.hasher(one_permit)).await;
    server.jane().await;
    for polls in 1..20 {
        let output = poll_times(server.login("jane@example.org", PASSWORD), polls).await;
        assert_eq!(
            server.login("jane@example.org", PASSWORD).await.status,
            200,
            "{polls}"
        );
        if output.is_some() {
            return;
        }
    }
    panic!("the log-in is never ready");
}

#[tokio::test]
async fn registration_cancelled_before_insert_keeps_the_admin_grant() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    store.pause(Pause::BeforeInsert);
    let registration = Box::pin(server.register("jane@example.org"));
    match select(registration, pin!(store.arrival())).await {
        Either::Left(_) => panic!("the store does not pause"),
        Either::Right(((), registration)) => drop(registration),
    }
    assert_eq!(server.store.list(&UserQuery::default()).await.unwrap(), []);
    let again = server.register("root@example.org").await;
    assert_eq!(again.json()["is_admin"], true);
}

#[tokio::test]
async fn cancelled_logins_leave_the_hash_queue() {
    let server =
        Server::configured(|accounts| accounts.hasher(hasher().max_concurrency(1).max_queue(3)))
            .await;
    server.jane().await;
    for _ in 0..20 {
        // The first holds the permit, the others wait for it.
        let mut waiting = stream::iter(0..3)
            .map(|_| server.login("jane@example.org", PASSWORD))
            .buffer_unordered(3);
        assert!(waiting.next().now_or_never().is_none());
    }
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
}
