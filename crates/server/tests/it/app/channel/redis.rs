//! Each node announces its own changes.

use std::env;
use std::time::Duration;

use tokio::task::block_in_place;
use tower_warder::cache::UserCache;
use tower_warder_accounts::User;

use super::Listener;
use crate::support::{OwnServer, TcpProxy, redis_url};
use tower_warder_server::user_cache;

#[tokio::test]
async fn invalidated_user_reaches_other_nodes() {
    let Some(url) = redis_url() else { return };
    let mut listener = Listener::at(&url).await;
    // Not used by other tests on the same server.
    cache(&url).invalidate("invalidated-user");
    listener.messages_until("invalidated-user").await;
}

#[tokio::test]
async fn invalidate_all_reaches_other_nodes() {
    let Some(url) = redis_url() else { return };
    let mut listener = Listener::at(&url).await;
    let cache = cache(&url);
    listener.messages_until("all").await;
    cache.invalidate_all();
    listener.messages_until("all").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsent_invalidations_become_invalidate_all() {
    let Some(redis) = own_redis() else { return };
    let mut listener = Listener::at(redis.url()).await;
    let address = redis.url().strip_prefix("redis://").unwrap();
    let proxy = TcpProxy::to(address).await;
    let cache = cache(&format!("redis://{}", proxy.address()));
    // Covers what the previous process could not announce.
    assert_eq!(listener.next_message().await, "all");
    cache.invalidate("7");
    assert_eq!(listener.next_message().await, "7");

    proxy.go_silent();
    cache.invalidate("8");
    cache.invalidate("9");
    proxy.wait_until_discarded("\r\n8\r\n").await;
    proxy.restore();
    assert_eq!(listener.next_message().await, "all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_redis_is_reported_and_reconnected() {
    let Some(redis) = own_redis() else { return };
    let mut listener = Listener::at(redis.url()).await;
    block_in_place(|| redis.kill());
    assert_eq!(listener.next_message().await, "disconnected");
    block_in_place(|| redis.start());
    let mut messages = listener.messages_until("connected").await;
    messages.pop();
    // Each failed attempt is reported; the log has one line.
    assert!(
        messages.iter().all(|message| message == "disconnected"),
        "{messages:?}"
    );
    cache(redis.url()).invalidate("7");
    assert_eq!(listener.next_message().await, "all");
    assert_eq!(listener.next_message().await, "7");
}

/// Server that the test may kill.
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
