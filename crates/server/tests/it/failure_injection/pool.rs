//! The connection pool of the store is exhausted.

use std::time::Duration;

use sqlx::Executor;
use tokio::time::sleep;

use super::cluster::{Cluster, DISABLE, Expected};
use super::report::Report;
use super::{AT_ONCE, failure_tests};

failure_tests!(full, super::full);

/// Two sessions lock the table, one after another, and every connection of the nodes waits for them.
/// The first one disables a user, and the second one prevents the nodes from reading that.
async fn full() -> Report {
    let database = Cluster::database();
    let name = "the pool full of connections that wait for a lock";
    let mut cluster = Cluster::start(name, &database, None, 2).await;
    cluster.start_load_once_cached().await;
    let mut first = cluster.connect().await;
    let mut second = cluster.connect().await;
    first
        .execute(sqlx::raw_sql("BEGIN; LOCK TABLE users"))
        .await
        .unwrap();
    cluster.mark_start();
    let second = tokio::spawn(async move {
        let lock = sqlx::raw_sql("BEGIN; LOCK TABLE users");
        second.execute(lock).await.unwrap();
        second
    });
    // The second one is next, before the nodes.
    sleep(Duration::from_millis(200)).await;
    cluster.start_load_of_uncached_users();
    sleep(Duration::from_secs(3)).await;
    first.execute(DISABLE).await.unwrap();
    first.execute("COMMIT").await.unwrap();
    cluster.mark_disabled();
    let mut second = second.await.unwrap();
    sleep(Duration::from_secs(3)).await;
    second.execute("ROLLBACK").await.unwrap();
    cluster.mark_end();
    let expected = Expected {
        delay: AT_ONCE,
        store_is_away: true,
        channel_is_lost: false,
    };
    cluster.report(expected).await
}
