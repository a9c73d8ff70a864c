//! Nodes that are started while the channel is down.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::redis::lost_for;
use super::report::Report;
use super::{AT_ONCE, failure_tests};
use crate::support::OwnServer;

failure_tests!(without_redis, super::without_redis);

/// They load the user for every request, and so see manual changes as well.
async fn without_redis() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    block_in_place(|| redis.kill());
    let name = "nodes started while Redis is away";
    let mut cluster = Cluster::start(name, &Cluster::database(), Some(redis.url()), 10).await;
    cluster.mark_start();
    cluster.start_load().await;
    cluster.disable_by_sql().await;
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| redis.start());
    cluster.mark_end();
    cluster.report(lost_for(AT_ONCE)).await
}
