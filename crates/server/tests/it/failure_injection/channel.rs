//! The connection to the channel is cut, and the one to the accounts is not.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::redis::lost_for;
use super::report::Report;
use super::{AT_ONCE, DETECTION, failure_tests};
use crate::support::{OwnServer, TcpProxy};

failure_tests!(postgres_closes, super::postgres_closes);
failure_tests!(postgres_goes_silent, super::postgres_goes_silent);
failure_tests!(redis_closes, super::redis_closes);
failure_tests!(redis_goes_silent, super::redis_goes_silent);

async fn postgres_closes() -> Report {
    let database = Cluster::database();
    let name = "`LISTEN` closed";
    cut(name, &database, database.url(), TcpProxy::close, AT_ONCE).await
}

async fn postgres_goes_silent() -> Report {
    let database = Cluster::database();
    let name = "`LISTEN` cut silently";
    cut(
        name,
        &database,
        database.url(),
        TcpProxy::go_silent,
        DETECTION,
    )
    .await
}

async fn redis_closes() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "connection to Redis closed";
    let database = Cluster::database();
    cut(name, &database, redis.url(), TcpProxy::close, AT_ONCE).await
}

async fn redis_goes_silent() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "connection to Redis cut silently";
    let database = Cluster::database();
    cut(name, &database, redis.url(), TcpProxy::go_silent, DETECTION).await
}

async fn cut(
    name: &'static str,
    database: &std::sync::Arc<OwnServer>,
    channel: &str,
    cut: fn(&TcpProxy),
    delay: Duration,
) -> Report {
    let url: reqwest::Url = channel.parse().unwrap();
    let address = format!("127.0.0.1:{}", url.port().unwrap());
    let proxy = TcpProxy::to(&address).await;
    let channel = channel.replace(&address, proxy.address());
    let mut cluster = Cluster::start(name, database, Some(&channel), 10).await;
    cluster.start_load_once_cached().await;
    cluster.mark_start();
    cut(&proxy);
    cluster.disable_by_admin().await;
    sleep(Duration::from_secs(5)).await;
    proxy.restore();
    cluster.mark_end();
    cluster.report(lost_for(delay)).await
}
