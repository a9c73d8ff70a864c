//! Behavior of the session store that is specific to PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tower_warder_accounts::{Session, SessionStore};

use super::super::shared::{session, time};
use super::{Approved, Fixture, add, to};

const JANE: i64 = 7;
const PAUL: i64 = 8;

/// As when a node is frozen during a log-in.
#[tokio::test]
async fn stuck_login_does_not_block_others() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let ada = add(&*fixture.store, "ada").await;
    fixture.store.open(session(1, JANE), 1).await.unwrap();
    fixture
        .sql("BEGIN; UPDATE sessions SET device = 'held'")
        .await;
    let store = Arc::clone(&fixture.store);
    let stuck = tokio::spawn(async move { store.open(session(2, JANE), 1).await });
    fixture.store_waits().await;

    let others = async {
        fixture.store.open(session(3, PAUL), 1).await.unwrap();
        fixture.store.revoke_before(PAUL, 1, None).await.unwrap();
        fixture.store.change(&to(ada.id, Approved, true)).await
    };
    let others = timeout(Duration::from_secs(1), others).await;
    others.expect("they do not wait").unwrap();

    fixture.sql("COMMIT").await;
    stuck.await.unwrap().unwrap();
    assert_eq!(fixture.store.list(JANE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn login_does_not_wait_for_account_changes() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let ada = add(&*fixture.store, "ada").await;
    fixture.sql("BEGIN; UPDATE users SET is_admin = TRUE").await;
    let store = Arc::clone(&fixture.store);
    let change = tokio::spawn(async move { store.change(&to(ada.id, Approved, true)).await });
    fixture.store_waits().await;
    let log_in = fixture.store.open(session(1, JANE), 1);
    let log_in = timeout(Duration::from_secs(1), log_in).await;
    log_in.expect("it does not wait").unwrap();
    fixture.sql("COMMIT").await;
    change.await.unwrap().unwrap();
}

/// The session to evict was selected before it was renewed.
#[tokio::test]
async fn session_that_is_renewed_meanwhile_is_not_evicted() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let first = session(1, JANE);
    fixture.store.open(first.clone(), 1).await.unwrap();
    fixture
        .sql("BEGIN; UPDATE sessions SET last_used_at = last_used_at + INTERVAL '1 minute'")
        .await;
    let store = Arc::clone(&fixture.store);
    let log_in = tokio::spawn(async move { store.open(session(2, JANE), 1).await });
    fixture.store_waits().await;
    fixture.sql("COMMIT").await;
    log_in.await.unwrap().unwrap();
    assert!(fixture.store.find(&first.id).await.unwrap().is_some());
}

/// Locked rows are left for the next log-in.
#[tokio::test]
async fn login_does_not_wait_for_locked_expired_sessions() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    for (n, user_id) in [(1, PAUL), (2, PAUL + 1)] {
        fixture.store.open(session(n, user_id), 1).await.unwrap();
    }
    fixture
        .sql("BEGIN; UPDATE sessions SET device = 'held' WHERE user_id = 8")
        .await;
    let late = |n| Session {
        created_at: time(100),
        expires_at: time(200),
        ..session(n, JANE)
    };
    let log_in = timeout(Duration::from_secs(1), fixture.store.open(late(3), 9)).await;
    log_in.expect("it does not wait").unwrap();
    assert_eq!(fixture.store.list(PAUL).await.unwrap().len(), 1);
    assert_eq!(fixture.store.list(PAUL + 1).await.unwrap().len(), 0);
    fixture.sql("COMMIT").await;
    fixture.store.open(late(4), 9).await.unwrap();
    assert_eq!(fixture.store.list(PAUL).await.unwrap().len(), 0);
}
