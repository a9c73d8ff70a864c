//! Each node tells of its own changes.

use std::env;
use std::time::Duration;

use tokio::task::block_in_place;
use tower_warder::cache::UserCache;
use tower_warder_accounts::User;

use super::Listener;
use crate::support::{OwnServer, Wire, redis_url};
use tower_warder_server::user_cache;

#[tokio::test]
async fn whom_one_node_forgets_another_hears_of() {
    let Some(url) = redis_url() else { return };
    let mut listener = Listener::at(&url).await;
    // Of nobody else who uses the same server.
    cache(&url).invalidate("whom-one-node-forgets");
    listener.hears_until("whom-one-node-forgets").await;
}

#[tokio::test]
async fn when_one_node_forgets_everybody_another_hears_of_it() {
    let Some(url) = redis_url() else { return };
    let mut listener = Listener::at(&url).await;
    let cache = cache(&url);
    listener.hears_until("everybody").await;
    cache.invalidate_all();
    listener.hears_until("everybody").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_cannot_tell_is_everybody_once_it_can() {
    let Some(redis) = own_redis() else { return };
    let mut listener = Listener::at(redis.url()).await;
    let address = redis.url().strip_prefix("redis://").unwrap();
    let wire = Wire::to(address).await;
    let cache = cache(&format!("redis://{}", wire.address()));
    // What the process before this one could not tell.
    assert_eq!(listener.hears().await, "everybody");
    cache.invalidate("7");
    assert_eq!(listener.hears().await, "7");

    wire.fall_silent();
    cache.invalidate("8");
    cache.invalidate("9");
    wire.swallows("\r\n8\r\n").await;
    wire.restore();
    assert_eq!(listener.hears().await, "everybody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_goes_is_told_and_joined_again_when_it_is_back() {
    let Some(redis) = own_redis() else { return };
    let mut listener = Listener::at(redis.url()).await;
    block_in_place(|| redis.kill());
    assert_eq!(listener.hears().await, "disconnected");
    block_in_place(|| redis.start());
    let mut words = listener.hears_until("connected").await;
    words.pop();
    // Each attempt in vain says so; the log does not.
    assert!(words.iter().all(|word| word == "disconnected"), "{words:?}");
    cache(redis.url()).invalidate("7");
    assert_eq!(listener.hears().await, "everybody");
    assert_eq!(listener.hears().await, "7");
}

/// To do something to.
fn own_redis() -> Option<OwnServer> {
    if env::var_os("SERVICES").is_none() {
        println!("skipped: SERVICES names no script");
        return None;
    }
    Some(block_in_place(|| OwnServer::of("redis")))
}

fn cache(url: &str) -> UserCache<User> {
    user_cache(Duration::from_secs(60), Some(url.parse().unwrap()))
}
