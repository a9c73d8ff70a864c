//! What is PostgreSQL's own about the sessions there.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tower_warder_accounts::{Session, SessionStore};

use super::super::shared::{session, time};
use super::{Approved, Scene, add, to};

const JANE: i64 = 7;
const PAUL: i64 = 8;

/// Such as a node that is frozen in the middle of a log-in.
#[tokio::test]
async fn a_log_in_that_is_stuck_holds_nobody_else() {
    let Some(mut scene) = Scene::new().await else {
        return;
    };
    let ada = add(&*scene.store, "ada").await;
    scene.store.open(session(1, JANE), 1).await.unwrap();
    scene
        .sql("BEGIN; UPDATE sessions SET device = 'held'")
        .await;
    let store = Arc::clone(&scene.store);
    let stuck = tokio::spawn(async move { store.open(session(2, JANE), 1).await });
    scene.store_waits().await;

    let others = async {
        scene.store.open(session(3, PAUL), 1).await.unwrap();
        scene.store.revoke_before(PAUL, 1, None).await.unwrap();
        scene.store.update(ada.id, to(Approved, true)).await
    };
    let others = timeout(Duration::from_secs(1), others).await;
    others.expect("nobody waits").unwrap();

    scene.sql("COMMIT").await;
    stuck.await.unwrap().unwrap();
    assert_eq!(scene.store.list(JANE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_in_does_not_wait_for_those_who_change_accounts() {
    let Some(mut scene) = Scene::new().await else {
        return;
    };
    let ada = add(&*scene.store, "ada").await;
    scene.sql("BEGIN; UPDATE users SET is_admin = TRUE").await;
    let store = Arc::clone(&scene.store);
    let change = tokio::spawn(async move { store.update(ada.id, to(Approved, true)).await });
    scene.store_waits().await;
    let log_in = scene.store.open(session(1, JANE), 1);
    let log_in = timeout(Duration::from_secs(1), log_in).await;
    log_in.expect("it does not wait").unwrap();
    scene.sql("COMMIT").await;
    change.await.unwrap().unwrap();
}

/// Whoever makes room has chosen it before.
#[tokio::test]
async fn a_session_that_is_renewed_meanwhile_makes_no_room() {
    let Some(mut scene) = Scene::new().await else {
        return;
    };
    let first = session(1, JANE);
    scene.store.open(first.clone(), 1).await.unwrap();
    scene
        .sql("BEGIN; UPDATE sessions SET last_used_at = last_used_at + INTERVAL '1 minute'")
        .await;
    let store = Arc::clone(&scene.store);
    let log_in = tokio::spawn(async move { store.open(session(2, JANE), 1).await });
    scene.store_waits().await;
    scene.sql("COMMIT").await;
    log_in.await.unwrap().unwrap();
    assert!(scene.store.find(&first.id).await.unwrap().is_some());
}

/// Rows that somebody else has in hand stay for the next one.
#[tokio::test]
async fn what_has_expired_is_waited_for_by_nobody_whose_it_is_not() {
    let Some(mut scene) = Scene::new().await else {
        return;
    };
    for (n, user_id) in [(1, PAUL), (2, PAUL + 1)] {
        scene.store.open(session(n, user_id), 1).await.unwrap();
    }
    scene
        .sql("BEGIN; UPDATE sessions SET device = 'held' WHERE user_id = 8")
        .await;
    let late = |n| Session {
        created_at: time(100),
        expires_at: time(200),
        ..session(n, JANE)
    };
    let log_in = timeout(Duration::from_secs(1), scene.store.open(late(3), 9)).await;
    log_in.expect("it does not wait").unwrap();
    assert_eq!(scene.store.list(PAUL).await.unwrap().len(), 1);
    assert_eq!(scene.store.list(PAUL + 1).await.unwrap().len(), 0);
    scene.sql("COMMIT").await;
    scene.store.open(late(4), 9).await.unwrap();
    assert_eq!(scene.store.list(PAUL).await.unwrap().len(), 0);
}
