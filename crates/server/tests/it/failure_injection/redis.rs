//! Redis, which is the channel and nothing else.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::report::Report;
use super::scene::{Expected, Scene};
use super::{AT_ONCE, FOUND_OUT, judged};
use crate::support::OwnServer;

judged!(kill, super::killed);
judged!(freeze, super::frozen);

async fn killed() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "Redis killed and started again";
    let mut scene = Scene::start(name, &Scene::database(), Some(redis.url()), 10).await;
    scene.plays().await;
    scene.begins();
    block_in_place(|| redis.kill());
    scene.disable_by_admin().await;
    sleep(Duration::from_secs(3)).await;
    block_in_place(|| redis.start());
    scene.ends();
    scene.report(lost_for(AT_ONCE)).await
}

async fn frozen() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "Redis frozen and thawed";
    let mut scene = Scene::start(name, &Scene::database(), Some(redis.url()), 10).await;
    scene.plays().await;
    scene.begins();
    block_in_place(|| redis.freeze());
    scene.disable_by_admin().await;
    sleep(Duration::from_secs(6)).await;
    block_in_place(|| redis.thaw());
    scene.ends();
    scene.report(lost_for(FOUND_OUT)).await
}

pub const fn lost_for(delay: Duration) -> Expected {
    Expected {
        delay,
        store_is_away: false,
        channel_is_lost: true,
    }
}
