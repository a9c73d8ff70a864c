//! Failures of PostgreSQL, which is also the channel.

use std::time::Duration;

use sqlx::Executor;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::cluster::{Cluster, DISABLE, Expected};
use super::report::Report;
use super::{AT_ONCE, failure_tests};
use crate::support::OwnServer;

failure_tests!(kill, super::killed);
failure_tests!(freeze, super::frozen);
failure_tests!(kill_beside_redis, super::killed_beside_redis);

/// The user is disabled before the nodes have reconnected.
async fn killed() -> Report {
    let database = Cluster::database();
    let name = "PostgreSQL killed and started again";
    let mut cluster = Cluster::start(name, &database, None, 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    block_in_place(|| database.kill());
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| database.start());
    cluster.mark_end();
    cluster.disable_by_sql().await;
    cluster.report(AWAY).await
}

/// The user is disabled by a statement that is sent meanwhile, and executed in the end.
async fn frozen() -> Report {
    let database = Cluster::database();
    let mut cluster = Cluster::start("PostgreSQL frozen and thawed", &database, None, 10).await;
    cluster.start_load_once_cached().await;
    let mut connection = cluster.connect().await;
    cluster.mark_start();
    block_in_place(|| database.freeze());
    let disable = tokio::spawn(async move { connection.execute(DISABLE).await });
    sleep(Duration::from_secs(6)).await;
    block_in_place(|| database.thaw());
    cluster.mark_end();
    disable.await.unwrap().unwrap();
    cluster.mark_disabled();
    cluster.report(AWAY).await
}

/// The channel works, and cached users are served.
async fn killed_beside_redis() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let database = Cluster::database();
    let name = "PostgreSQL killed and started again, Redis is the channel";
    let mut cluster = Cluster::start(name, &database, Some(redis.url()), 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    block_in_place(|| database.kill());
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| database.start());
    cluster.mark_end();
    cluster.disable_by_admin().await;
    let expected = Expected {
        channel_is_lost: false,
        ..AWAY
    };
    cluster.report(expected).await
}

const AWAY: Expected = Expected {
    delay: AT_ONCE,
    store_is_away: true,
    channel_is_lost: true,
};
