//! The way to the channel is cut, and that to the accounts is not.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::redis::lost_for;
use super::report::Report;
use super::scene::Scene;
use super::{AT_ONCE, FOUND_OUT, judged};
use crate::support::{OwnServer, Wire};

judged!(postgres_hangs_up, super::postgres_hangs_up);
judged!(postgres_falls_silent, super::postgres_falls_silent);
judged!(redis_hangs_up, super::redis_hangs_up);
judged!(redis_falls_silent, super::redis_falls_silent);

async fn postgres_hangs_up() -> Report {
    let database = Scene::database();
    let name = "`LISTEN` cut, with a word";
    cut(name, &database, database.url(), Wire::hang_up, AT_ONCE).await
}

async fn postgres_falls_silent() -> Report {
    let database = Scene::database();
    let name = "`LISTEN` cut, without a word";
    cut(
        name,
        &database,
        database.url(),
        Wire::fall_silent,
        FOUND_OUT,
    )
    .await
}

async fn redis_hangs_up() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "the way to Redis cut, with a word";
    let database = Scene::database();
    cut(name, &database, redis.url(), Wire::hang_up, AT_ONCE).await
}

async fn redis_falls_silent() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let name = "the way to Redis cut, without a word";
    let database = Scene::database();
    cut(name, &database, redis.url(), Wire::fall_silent, FOUND_OUT).await
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
    let mut scene = Scene::start(name, database, Some(&channel), 10).await;
    scene.plays().await;
    scene.begins();
    cut(&wire);
    scene.disable_by_admin().await;
    sleep(Duration::from_secs(5)).await;
    wire.restore();
    scene.ends();
    scene.report(lost_for(delay)).await
}
