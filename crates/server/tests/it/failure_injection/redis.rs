//! Failures of Redis, which is only the channel.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::cluster::{Cluster, Expected};
use super::report::Report;
use super::{AT_ONCE, DETECTION, failure_tests};
use crate::support::OwnServer;

failure_tests!(kill, super::killed);
failure_tests!(freeze, super::frozen);

async fn killed() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "Redis killed and started again";
    let mut cluster = Cluster::start(name, &Cluster::database(), Some(redis.url()), 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    block_in_place(|| redis.kill());
    cluster.disable_by_admin().await;
    sleep(Duration::from_secs(3)).await;
    block_in_place(|| redis.start());
    cluster.mark_end();
    cluster.report(lost_for(AT_ONCE)).await
}

async fn frozen() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "Redis frozen and thawed";
    let mut cluster = Cluster::start(name, &Cluster::database(), Some(redis.url()), 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    block_in_place(|| redis.freeze());
    cluster.disable_by_admin().await;
    sleep(Duration::from_secs(6)).await;
    block_in_place(|| redis.thaw());
    cluster.mark_end();
    cluster.report(lost_for(DETECTION)).await
}

pub const fn lost_for(delay: Duration) -> Expected {
    Expected {
        delay,
        store_is_away: false,
        channel_is_lost: true,
    }
}
