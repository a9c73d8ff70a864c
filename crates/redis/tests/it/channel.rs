//! Each instance announces its own changes.

use std::time::Duration;

use redis::AsyncCommands;
use tokio::task::block_in_place;
use tokio::time::{interval, timeout};
use tower_warder::cache::{Invalidation, UserCache};
use tower_warder::testing::TestUser;
use tower_warder_redis::{RedisChannel, redis};
use tower_warder_test_support::{Listener, TcpProxy, redis_url};

use crate::{PATIENCE, client, own_redis, silent_server};

#[tokio::test]
async fn invalidated_user_reaches_other_instances() {
    let Some(channel) = own_channel("user") else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let cache = cache(&channel);
    // Covers what the previous process could not announce.
    assert_eq!(listener.next_message().await, "all");
    cache.invalidate("7");
    cache.invalidate("8");
    assert_eq!(listener.next_message().await, "7");
    assert_eq!(listener.next_message().await, "8");
}

#[tokio::test]
async fn invalidate_all_reaches_other_instances() {
    let Some(channel) = own_channel("all") else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let cache = cache(&channel);
    assert_eq!(listener.next_message().await, "all");
    cache.invalidate_all();
    assert_eq!(listener.next_message().await, "all");
}

#[tokio::test]
async fn burst_of_changes_becomes_invalidate_all() {
    let Some(channel) = own_channel("burst") else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let cache = cache(&channel);
    assert_eq!(listener.next_message().await, "all");
    // The task that publishes runs on this thread, too: it finds them all.
    for id in 0..1000 {
        cache.invalidate(&id.to_string());
    }
    assert_eq!(listener.next_message().await, "all");
    cache.invalidate("7");
    assert_eq!(listener.next_message().await, "7");
}

#[tokio::test]
async fn invalidation_is_published_before_the_return() {
    let Some(channel) = own_channel("at-once") else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let one = Invalidation::Key("7".to_owned());
    channel.publish(one).await.unwrap();
    channel.publish(Invalidation::All).await.unwrap();
    assert_eq!(listener.messages_until("all").await, ["7", "all"]);

    let (closed, url) = silent_server().await;
    drop(closed);
    let unreachable = RedisChannel::new(client(&url));
    let published = unreachable.publish(Invalidation::All).await;
    assert!(published.is_err());
}

#[tokio::test]
async fn channels_of_different_names_are_separate() {
    let [Some(channel), Some(other)] = ["this", "other"].map(own_channel) else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let (cache, others) = (cache(&channel), cache(&other));
    assert_eq!(listener.next_message().await, "all");
    others.invalidate("8");
    Listener::connected(other.listen()).await;
    cache.invalidate("7");
    assert_eq!(listener.next_message().await, "7");
}

#[tokio::test]
async fn payload_that_is_no_text_invalidates_all() {
    let Some(channel) = own_channel("bytes") else {
        return;
    };
    let mut listener = Listener::connected(channel.listen()).await;
    let url = redis_url().unwrap();
    let mut redis = connection(&url).await;
    let _: u64 = redis.publish(name("bytes"), &[0xff]).await.unwrap();
    assert_eq!(listener.next_message().await, "all");
    let _: u64 = redis.publish(name("bytes"), "7").await.unwrap();
    assert_eq!(listener.next_message().await, "7");
}

#[tokio::test]
async fn dropped_listener_leaves_the_channel() {
    let Some(channel) = own_channel("dropped") else {
        return;
    };
    let url = redis_url().unwrap();
    let mut redis = connection(&url).await;
    let listener = Listener::connected(channel.listen()).await;
    assert_eq!(subscribers(&mut redis, "dropped").await, 1);
    drop(listener);
    let left = async {
        let mut attempts = interval(Duration::from_millis(10));
        while subscribers(&mut redis, "dropped").await > 0 {
            attempts.tick().await;
        }
    };
    timeout(PATIENCE, left).await.expect("the task ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsent_invalidations_become_invalidate_all() {
    let Some(redis) = own_redis() else { return };
    let mut listener = Listener::connected(RedisChannel::new(client(redis.url())).listen()).await;
    let address = redis.url().strip_prefix("redis://").unwrap();
    let proxy = TcpProxy::to(address).await;
    let channel = RedisChannel::new(client(&format!("redis://{}", proxy.address())));
    let cache = cache(&channel);
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
    let channel = RedisChannel::new(client(redis.url()));
    let mut listener = Listener::connected(channel.listen()).await;
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
    cache(&channel).invalidate("7");
    assert_eq!(listener.next_message().await, "all");
    assert_eq!(listener.next_message().await, "7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_redis_is_reported() {
    let Some(redis) = own_redis() else { return };
    let channel = RedisChannel::new(client(redis.url()));
    let mut listener = Listener::connected(channel.listen()).await;
    block_in_place(|| redis.freeze());
    assert_eq!(listener.next_message().await, "disconnected");
    block_in_place(|| redis.thaw());
    listener.messages_until("connected").await;
}

/// Channel that no other test uses, on the server that all tests share.
fn own_channel(test: &str) -> Option<RedisChannel> {
    Some(RedisChannel::new(client(&redis_url()?)).name(name(test)))
}

fn name(test: &str) -> String {
    format!("tower-warder-redis-test-{test}")
}

fn cache(channel: &RedisChannel) -> UserCache<TestUser> {
    UserCache::new(8).on_invalidate(channel.publisher())
}

async fn connection(url: &str) -> redis::aio::MultiplexedConnection {
    let connected = client(url).get_multiplexed_async_connection().await;
    connected.unwrap()
}

async fn subscribers(redis: &mut redis::aio::MultiplexedConnection, test: &str) -> u64 {
    let mut command = redis::cmd("PUBSUB");
    command.arg("NUMSUB").arg(name(test));
    let (_, count): (String, u64) = command.query_async(redis).await.unwrap();
    count
}
