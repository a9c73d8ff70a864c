//! The connection to the channel is cut, and the one to the accounts is not.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::redis::lost_for;
use super::report::Report;
use super::{AT_ONCE, DETECTION, failure_tests};
use crate::support::{OwnServer, Wire};

failure_tests!(postgres_hangs_up, super::postgres_hangs_up);
failure_tests!(postgres_falls_silent, super::postgres_falls_silent);
failure_tests!(redis_hangs_up, super::redis_hangs_up);
failure_tests!(redis_falls_silent, super::redis_falls_silent);

async fn postgres_hangs_up() -> Report {
    let database = Cluster::database();
    let name = "`LISTEN` closed";
    cut(name, &database, database.url(), Wire::hang_up, AT_ONCE).await
}

async fn postgres_falls_silent() -> Report {
    let database = Cluster::database();
    let name = "`LISTEN` cut silently";
    cut(
        name,
        &database,
        database.url(),
        Wire::fall_silent,
        DETECTION,
    )
    .await
}

async fn redis_hangs_up() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "connection to Redis closed";
    let database = Cluster::database();
    cut(name, &database, redis.url(), Wire::hang_up, AT_ONCE).await
}

async fn redis_falls_silent() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "connection to Redis cut silently";
    let database = Cluster::database();
    cut(name, &database, redis.url(), Wire::fall_silent, DETECTION).await
}

async fn cut(
    name: &'static str,
    database: &std::sync::Arc<OwnServer>,
    channel: &str,
    cut: fn(&Wire),
    delay: Duration,
) -> Report {
    let url: reqwest::Url = channel.parse().unwrap();
    let address = format!("127.0.0.1:{}", url.port().unwrap());
    let wire = Wire::to(&address).await;
    let channel = channel.replace(&address, wire.address());
    let mut cluster = Cluster::start(name, database, Some(&channel), 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    cut(&wire);
    cluster.disable_by_admin().await;
    sleep(Duration::from_secs(5)).await;
    wire.restore();
    cluster.mark_end();
    cluster.report(lost_for(delay)).await
}
