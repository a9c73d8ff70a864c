//! Counts of attempts, in Redis and without it.

use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};
use tower_warder_accounts::testing::throttle_store_contract;
use tower_warder_accounts::throttle::{Bucket, BucketKind, Limit, ThrottleStore};
use tower_warder_redis::{RedisThrottleStore, redis};
use tower_warder_test_support::{TcpProxy, redis_url};

use crate::{PATIENCE, client, own_redis, silent_server};

const HOURLY: Limit = Limit::per_hour(1);

/// Store that waits for a busy machine.
fn store(url: &str, prefix: &str) -> RedisThrottleStore {
    impatient_store(url, prefix).timeout(PATIENCE)
}

fn impatient_store(url: &str, prefix: &str) -> RedisThrottleStore {
    RedisThrottleStore::new(client(url)).prefix(prefix)
}

fn unique_prefix() -> String {
    format!("test-{:x}:", RandomState::new().hash_one(0))
}

fn bucket(number: u8, limit: Limit) -> Bucket {
    Bucket::new([number; 16], limit, BucketKind::Account)
}

async fn connection(url: &str) -> MultiplexedConnection {
    let connection = client(url).get_multiplexed_async_connection().await;
    connection.unwrap()
}

async fn milliseconds_left(redis: &mut MultiplexedConnection, key: &str) -> i64 {
    redis.pttl(key).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_passes_the_contract() {
    let Some(url) = redis_url() else { return };
    throttle_store_contract(async || store(&url, &unique_prefix())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_together_admit_exactly_the_burst() {
    let Some(url) = redis_url() else { return };
    let prefix = unique_prefix();
    let both = [bucket(1, HOURLY.burst(10)), bucket(2, HOURLY.burst(20))];
    let instances = [(); 2].map(|()| Arc::new(store(&url, &prefix)));
    let attempts = (0..64).map(|number| {
        let store = Arc::clone(&instances[number % 2]);
        tokio::spawn(async move { store.take(&both).await })
    });
    let answers = join_all(attempts.collect::<Vec<_>>()).await.into_iter();
    let admitted = answers.filter(|it| matches!(it, Ok(Ok(None)))).count();
    assert_eq!(admitted, 10);
    let [small, large] = both;
    let [one, other] = instances;
    assert!(one.take(&[small]).await.unwrap().is_some());
    for _ in 0..5 {
        assert_eq!(one.take(&[large]).await.unwrap(), None);
        assert_eq!(other.take(&[large]).await.unwrap(), None);
    }
    assert!(other.take(&[large]).await.unwrap().is_some());
}

#[tokio::test]
async fn key_lives_until_its_limit_is_free_again() {
    let Some(url) = redis_url() else { return };
    let prefix = unique_prefix();
    let store = store(&url, &prefix);
    let [hourly, short] = [bucket(1, HOURLY.burst(5)), bucket(2, Limit::per_second(20))];
    let keys = [1, 2].map(|number: u8| format!("{prefix}1:{}", format!("{number:02x}").repeat(16)));
    let mut redis = connection(&url).await;
    for count in 1..=2 {
        assert_eq!(store.take(&[hourly, short]).await.unwrap(), None);
        let left = milliseconds_left(&mut redis, &keys[0]).await;
        let hours = count * 3_600_000;
        assert!((hours - 60_000..=hours).contains(&left), "{left}");
    }
    store.refund(&[hourly]).await.unwrap();
    let left = milliseconds_left(&mut redis, &keys[0]).await;
    assert!((3_540_000..=3_600_000).contains(&left), "{left}");
    store.refund(&[hourly]).await.unwrap();
    assert!(!redis.exists::<_, bool>(&keys[0]).await.unwrap());

    assert_eq!(store.take(&[short]).await.unwrap(), None);
    sleep(Duration::from_millis(150)).await;
    assert!(!redis.exists::<_, bool>(&keys[1]).await.unwrap());
}

#[tokio::test]
async fn odd_values_neither_fail_nor_lock_out() {
    let Some(url) = redis_url() else { return };
    let prefix = unique_prefix();
    let store = store(&url, &prefix);
    let limit = Limit::per_minute(5).burst(3);
    let key = format!("{prefix}1:{}", "07".repeat(16));
    let mut redis = connection(&url).await;
    for (value, is_admitted) in [
        ("", true),
        ("text", true),
        ("nan", true),
        ("-inf", true),
        ("-1", true),
        ("0x10", true),
        ("1.5", true),
        // Of a clock that was set back, or of a longer limit: as if the burst was used up.
        ("inf", false),
        ("1e300", false),
        ("9007199254740993", false),
    ] {
        let () = redis.set(&key, value).await.unwrap();
        let wait = store.take(&[bucket(7, limit)]).await.unwrap();
        assert_eq!(wait.is_none(), is_admitted, "{value}");
        assert!(
            wait.unwrap_or_default() <= limit.interval(),
            "{value}: {wait:?}"
        );
        let () = redis.set(&key, value).await.unwrap();
        store.refund(&[bucket(7, limit)]).await.unwrap();
        assert_eq!(
            store.take(&[bucket(7, limit)]).await.unwrap(),
            None,
            "{value}"
        );
    }
    // Of another application.
    let () = redis.del(&key).await.unwrap();
    let () = redis.rpush(&key, "text").await.unwrap();
    assert!(store.take(&[bucket(7, limit)]).await.is_err());
    assert!(store.refund(&[bucket(7, limit)]).await.is_err());
    let () = redis.del(&key).await.unwrap();
    assert_eq!(store.take(&[bucket(7, limit)]).await.unwrap(), None);
}

#[tokio::test]
async fn odd_answers_are_errors_or_waits_within_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let buckets = [bucket(1, HOURLY), bucket(2, Limit::per_second(1))];
    for (answer, longest_wait) in [
        (":9223372036854775807\r\n", Some(HOURLY.interval())),
        (":1000000\r\n", Some(Duration::from_secs(1))),
        ("$1\r\n7\r\n", Some(Duration::from_micros(7))),
        (":-1\r\n", None),
        (":99999999999999999999\r\n", None),
        ("+OK\r\n", None),
        ("$-1\r\n", None),
        ("*0\r\n", None),
        ("-NOPERM no permission\r\n", None),
        ("nonsense\r\n", None),
        ("", None),
    ] {
        let store = store(&url, "test:");
        let taken = tokio::select! {
            taken = store.take(&buckets) => taken,
            () = answer_by(&listener, answer) => unreachable!(),
        };
        match longest_wait {
            Some(wait) => assert_eq!(taken.unwrap(), Some(wait), "{answer}"),
            None => assert!(taken.is_err(), "{answer}: {taken:?}"),
        }
    }
}

/// Accepts a connection, answers its script, and closes it.
async fn answer_by(listener: &TcpListener, answer: &str) {
    let (mut stream, _) = listener.accept().await.unwrap();
    loop {
        let request = read_some(&mut stream).await;
        if request.contains("EVAL") {
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream);
            return pending().await;
        }
        let commands = request.lines().filter(|line| line.starts_with('*')).count();
        let greeting = "+OK\r\n".repeat(commands);
        stream.write_all(greeting.as_bytes()).await.unwrap();
    }
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 16 * 1024];
    let count = stream.read(&mut bytes).await.unwrap();
    assert_ne!(count, 0, "closed");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[tokio::test(start_paused = true)]
async fn silent_server_delays_an_attempt_by_100_milliseconds() {
    let (_silent, url) = silent_server().await;
    let store = impatient_store(&url, "test:");
    let start = Instant::now();
    for count in 1..=3 {
        assert!(store.take(&[bucket(1, HOURLY)]).await.is_err());
        let elapsed = start.elapsed();
        let expected = Duration::from_millis(100 * count);
        assert!(
            (expected..expected + Duration::from_millis(10)).contains(&elapsed),
            "{elapsed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_survive_a_freeze_and_an_interruption() {
    let Some(redis) = own_redis() else { return };
    let proxy = TcpProxy::to(redis.url().strip_prefix("redis://").unwrap()).await;
    let store = impatient_store(&format!("redis://{}", proxy.address()), "test:");
    let limit = HOURLY.burst(1000);
    let taken = bucket(1, HOURLY);
    assert_eq!(until_answered(&store, taken).await, None);

    block_in_place(|| redis.freeze());
    is_away(&store).await;
    block_in_place(|| redis.thaw());
    assert_ne!(until_answered(&store, taken).await, None);

    // Neither end is notified.
    proxy.go_silent();
    is_away(&store).await;
    proxy.restore();
    assert_ne!(until_answered(&store, taken).await, None);

    proxy.close();
    is_away(&store).await;
    proxy.restore();
    assert_ne!(until_answered(&store, taken).await, None);
    assert_eq!(until_answered(&store, bucket(2, limit)).await, None);
}

async fn is_away(store: &RedisThrottleStore) {
    for _ in 0..3 {
        let start = Instant::now();
        assert!(store.take(&[bucket(3, HOURLY)]).await.is_err());
        let elapsed = start.elapsed();
        println!("away: {elapsed:?}");
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    }
}

/// Takes until there is an answer: a busy machine may need more than the timeout.
async fn until_answered(store: &RedisThrottleStore, bucket: Bucket) -> Option<Duration> {
    let start = Instant::now();
    loop {
        match store.take(&[bucket]).await {
            Ok(answer) => return answer,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}
