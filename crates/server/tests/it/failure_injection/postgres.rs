//! PostgreSQL, which is the channel as well.

use std::time::Duration;

use sqlx::Executor;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::report::Report;
use super::scene::{DISABLE, Expected, Scene};
use super::{AT_ONCE, judged};
use crate::support::OwnServer;

judged!(kill, super::killed);
judged!(freeze, super::frozen);
judged!(kill_beside_redis, super::killed_beside_redis);

/// Disabled before the nodes have found it again.
async fn killed() -> Report {
    let database = Scene::database();
    let name = "PostgreSQL killed and started again";
    let mut scene = Scene::start(name, &database, None, 10).await;
    scene.plays().await;
    scene.begins();
    block_in_place(|| database.kill());
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| database.start());
    scene.ends();
    scene.disable_by_sql().await;
    scene.report(AWAY).await
}

/// Disabled by a statement that is sent meanwhile, and comes through in the end.
async fn frozen() -> Report {
    let database = Scene::database();
    let mut scene = Scene::start("PostgreSQL frozen and thawed", &database, None, 10).await;
    scene.plays().await;
    let mut connection = scene.connect().await;
    scene.begins();
    block_in_place(|| database.freeze());
    let disable = tokio::spawn(async move { connection.execute(DISABLE).await });
    sleep(Duration::from_secs(6)).await;
    block_in_place(|| database.thaw());
    scene.ends();
    disable.await.unwrap().unwrap();
    scene.is_disabled();
    scene.report(AWAY).await
}

/// The channel goes on, and whoever is in memory is served.
async fn killed_beside_redis() -> Report {
    let redis = block_in_place(|| OwnServer::of("redis"));
    let database = Scene::database();
    let name = "PostgreSQL killed and started again, Redis is the channel";
    let mut scene = Scene::start(name, &database, Some(redis.url()), 10).await;
    scene.plays().await;
    scene.begins();
    block_in_place(|| database.kill());
    sleep(Duration::from_secs(2)).await;
    block_in_place(|| database.start());
    scene.ends();
    scene.disable_by_admin().await;
    let expected = Expected {
        channel_is_lost: false,
        ..AWAY
    };
    scene.report(expected).await
}

const AWAY: Expected = Expected {
    delay: AT_ONCE,
    store_is_away: true,
    channel_is_lost: true,
};
