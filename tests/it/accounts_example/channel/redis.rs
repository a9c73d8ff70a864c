//! Each node tells of its own changes.

use std::env;
use std::time::Duration;

use tokio::task::block_in_place;
use tower_warder::UserCache;
use tower_warder::accounts::User;

use super::Listener;
use crate::accounts_example::example::user_cache;
use crate::deny_list_example::redis_url;
use crate::support::OwnServer;

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
    cache(&url).invalidate_all();
    listener.hears_until("everybody").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_redis_is_away_is_everybody_when_it_is_back() {
    if env::var_os("SERVICES").is_none() {
        println!("skipped: SERVICES names no script");
        return;
    }
    let redis = block_in_place(|| OwnServer::of("redis"));
    let mut listener = Listener::at(redis.url()).await;
    let cache = cache(redis.url());
    cache.invalidate("7");
    assert_eq!(listener.hears().await, "7");

    block_in_place(|| redis.kill());
    assert_eq!(listener.hears().await, "disconnected");
    cache.invalidate("8");
    cache.invalidate("9");
    block_in_place(|| redis.start());
    let words = listener.hears_until("connected").await;
    assert!(
        words.iter().all(|word| word.ends_with("connected")),
        "{words:?}"
    );
    // Whoever was connected first: the word comes now, or came before anybody was known.
    tokio::time::sleep(Duration::from_secs(2)).await;
    cache.invalidate("10");
    let words = listener.hears_until("10").await;
    assert!(
        !words.iter().any(|word| ["8", "9"].contains(&&**word)),
        "{words:?}"
    );
}

fn cache(url: &str) -> UserCache<User> {
    user_cache(Duration::from_secs(60), Some(url.parse().unwrap()))
}
