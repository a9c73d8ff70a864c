//! Nodes that start while the channel is away.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::redis::lost_for;
use super::report::Report;
use super::scene::Scene;
use super::{AT_ONCE, judged};
use crate::support::OwnServer;

judged!(without_redis, super::without_redis);

/// They ask the store about every request, and so even see what no node has changed.
async fn without_redis() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    block_in_place(|| redis.kill());
    let name = "nodes started while Redis is away";
    let mut scene = Scene::start(name, &Scene::database(), Some(redis.url()), 10).await;
    scene.begins();
    scene.everybody_asks().await;
    scene.disable_by_sql().await;
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| redis.start());
    scene.ends();
    scene.report(lost_for(AT_ONCE)).await
}
