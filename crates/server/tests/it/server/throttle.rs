//! Limits of attempts, and the addresses that proxies tell.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::process::PATIENCE;
use super::{PASSWORD, Server, Start};
use crate::support::{OwnServer, Place, redis_url};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// Guesses a password, each time from the address that `forwarded_for` makes of its number, until one is throttled.
/// Returns how many were admitted: on a slow machine more than the burst, but never less.
async fn guess(server: &Server, email: &str, forwarded_for: impl Fn(usize) -> String) -> usize {
    for admitted in 0..200 {
        let answer = server
            .login_via(&forwarded_for(admitted), email, "wrong")
            .await;
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=360).contains(&seconds), "{seconds}");
            return admitted;
        }
        assert_eq!(answer.status, 401);
    }
    panic!("not throttled")
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_limited_apart() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.0/8 ::1");
    let server = start.server().await;
    server.register(ADA).await;
    // What the client has sent comes first.
    let admitted = guess(&server, ADA, |number| {
        format!("203.0.113.{number}, 192.0.2.1")
    })
    .await;
    assert!((10..20).contains(&admitted), "{admitted}");
    let other = server.login_via("192.0.2.2", ADA, PASSWORD).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn untrusted_header_is_ignored_and_named_in_the_log() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register(ADA).await;
    // By account only: the proxy on this machine is not one client.
    for _ in 0..12 {
        let answer = server.login_via("192.0.2.1", ADA, "wrong").await;
        assert_eq!(answer.status, 401);
    }
    server.wait_for_log("trusted_proxies", 1).await;
}

#[tokio::test]
async fn throttle_is_switched_off() {
    let place = Place::shared().await;
    let start = Start::at(&place).unthrottled();
    let server = start.with("TRUSTED_PROXIES", "127.0.0.1").server().await;
    server.register(ADA).await;
    for _ in 0..25 {
        let answer = server.login_via("192.0.2.1", ADA, "wrong").await;
        assert_eq!(answer.status, 401);
    }
    // Audit events have it all the same.
    server.wait_for_log("address=192.0.2.1", 1).await;
    assert_eq!(server.login(ADA, PASSWORD).await.header("set-cookie"), None);
}

#[tokio::test]
async fn known_device_stays_known_after_a_restart() {
    let place = Place::shared().await;
    let start = || Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.1");
    let server = start().server().await;
    server.register(ADA).await;
    let answer = server.login(ADA, PASSWORD).await;
    let line = answer.header("set-cookie").unwrap();
    assert!(line.starts_with("tower_warder_device="), "{line}");
    let device = line.split(';').next().unwrap().to_owned();
    server.stop().await;

    let server = start().server().await;
    let admitted = guess(&server, ADA, |number| format!("192.0.2.{number}")).await;
    assert!(admitted >= 20, "{admitted}");
    let known = server.login_with_cookie(&device, ADA, PASSWORD).await;
    assert_eq!(known.status, 200);
    // These log-ins came without the header.
    server.wait_for_log("sends no X-Forwarded-For", 1).await;
}

/// Node that counts attempts in this Redis. Its secret is that of this place only.
fn counting_in(redis: &str, place: &Place) -> Start {
    Start::at(place)
        .with("THROTTLE_URL", redis)
        .with("TRUSTED_PROXIES", "127.0.0.1")
}

#[tokio::test]
async fn nodes_count_together_in_redis() {
    let Some(redis) = redis_url() else { return };
    let place = Place::shared().await;
    // The counts of other runs are in the same Redis.
    let [a, b] = [0, 1].map(|number| RandomState::new().hash_one(number));
    let secret = format!("{a:016x}{b:016x}");
    let start = || counting_in(&redis, &place).with("JWT_SECRET", &secret);
    let (one, other) = (start().server().await, start().server().await);
    one.register(ADA).await;
    one.register(BOB).await;
    let admitted = guess(&one, ADA, |number| format!("192.0.2.{number}")).await;
    assert!(admitted >= 20, "{admitted}");
    let right = other.login_via("198.51.100.1", ADA, PASSWORD).await;
    assert_eq!(right.status, 429);
    let guess = other.login_via("198.51.100.1", BOB, "wrong").await;
    assert_eq!(guess.status, 401);
}

#[tokio::test]
async fn redis_of_the_channel_counts_attempts_too() {
    let Some(redis) = redis_url() else { return };
    let place = Place::shared().await;
    let server = Start::at(&place).with("INVALIDATION_URL", &redis);
    let log = server.server().await.stop().await;
    assert!(log.contains("counted in Redis"), "{log}");
    let server = Start::at(&place).with("INVALIDATION_URL", &redis);
    let log = server.unthrottled().server().await.stop().await;
    assert!(!log.contains("counted in Redis"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_counts_by_itself_while_redis_is_away() {
    if redis_url().is_none() {
        return;
    }
    let redis = block_in_place(|| OwnServer::of("redis"));
    let place = Place::shared().await;
    block_in_place(|| redis.kill());
    let server = counting_in(redis.url(), &place).server().await;
    server.register(ADA).await;
    server.register(BOB).await;
    let admitted = guess(&server, ADA, |number| format!("192.0.2.{number}")).await;
    assert!(admitted >= 20, "{admitted}");
    let log = server.log();
    assert_eq!(log.matches("counts by itself").count(), 1, "{log}");
    assert!(!log.contains("answers again"), "{log}");

    block_in_place(|| redis.start());
    // Redis has counted nothing.
    log_in_until_not_throttled(&server, ADA).await;
    let log = server.log();
    assert_eq!(log.matches("answers again").count(), 1, "{log}");

    block_in_place(|| redis.freeze());
    let admitted = guess(&server, BOB, |number| format!("192.0.2.{number}")).await;
    assert!(admitted >= 20, "{admitted}");
    block_in_place(|| redis.thaw());
    log_in_until_not_throttled(&server, BOB).await;
}

async fn log_in_until_not_throttled(server: &Server, email: &str) {
    let start = Instant::now();
    loop {
        let answer = server.login_via("198.51.100.1", email, PASSWORD).await;
        if answer.status != 429 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "still throttled");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn invalid_throttle_url_is_rejected_without_password() {
    for url in [
        "",
        "nonsense",
        "redis://",
        "rediss://:hidden-4dgQ@host",
        "postgres://host/name",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let start = Start::in_directory(directory.path()).with("THROTTLE_URL", url);
        let error = start.startup_error().await;
        super::configuration::assert_one_line(&error);
        assert!(error.starts_with("THROTTLE_URL: "), "{url}: {error}");
        assert!(!error.contains("hidden-4dgQ"), "{error}");
    }
}
