//! No connection to the accounts is free.

use std::time::Duration;

use sqlx::Executor;
use tokio::time::sleep;

use super::report::Report;
use super::scene::{DISABLE, Expected, Scene};
use super::{AT_ONCE, judged};

judged!(full, super::full);

/// Two sessions lock the table, one after the other, and every connection of the nodes waits for
/// them. The first one disables somebody, and the second one keeps the nodes from reading that.
async fn full() -> Report {
    let database = Scene::database();
    let name = "the pool full of connections that wait for a lock";
    let mut scene = Scene::start(name, &database, None, 2).await;
    scene.plays().await;
    let mut first = scene.connect().await;
    let mut second = scene.connect().await;
    first
        .execute(sqlx::raw_sql("BEGIN; LOCK TABLE users"))
        .await
        .unwrap();
    scene.begins();
    let second = tokio::spawn(async move {
        let lock = sqlx::raw_sql("BEGIN; LOCK TABLE users");
        second.execute(lock).await.unwrap();
        second
    });
    // The second one is next, before the nodes.
    sleep(Duration::from_millis(200)).await;
    scene.strangers_ask();
    sleep(Duration::from_secs(3)).await;
    first.execute(DISABLE).await.unwrap();
    first.execute("COMMIT").await.unwrap();
    scene.is_disabled();
    let mut second = second.await.unwrap();
    sleep(Duration::from_secs(3)).await;
    second.execute("ROLLBACK").await.unwrap();
    scene.ends();
    let expected = Expected {
        delay: AT_ONCE,
        store_is_away: true,
        channel_is_lost: false,
    };
    scene.report(expected).await
}
