//! Store of the counts that instances share, and what is reported.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tower_warder::{BoxError, HmacSecret};
use tower_warder_accounts::InMemoryAccountStore;
use tower_warder_accounts::throttle::{Bucket, BucketKind, Throttle, ThrottleStore};

use super::super::server::{PASSWORD, Server, hasher, json_to, login};
use super::{BURST, JANE, from, guess, guess_until_throttled, limited, retry_after, server};

const ADDRESS: &str = "192.0.2.1";

/// Admits two attempts of each bucket.
#[derive(Clone, Default)]
struct Two(Arc<Mutex<Vec<Bucket>>>);

#[async_trait]
impl ThrottleStore for Two {
    async fn take(&self, buckets: &[Bucket]) -> Result<Option<Duration>, BoxError> {
        assert_ne!(buckets, []);
        let mut taken = self.0.lock().unwrap();
        let count = |bucket: &&Bucket| taken.iter().filter(|it| it == bucket).count();
        if buckets.iter().any(|bucket| count(&bucket) >= 2) {
            return Ok(Some(Duration::from_millis(6100)));
        }
        taken.extend(buckets);
        Ok(None)
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError> {
        let mut taken = self.0.lock().unwrap();
        for bucket in buckets {
            let index = taken.iter().position(|it| it == bucket).unwrap();
            taken.swap_remove(index);
        }
        Ok(())
    }
}

/// Fails, and then does not answer at all.
#[derive(Default)]
struct Away(AtomicUsize);

#[async_trait]
impl ThrottleStore for Away {
    async fn take(&self, _: &[Bucket]) -> Result<Option<Duration>, BoxError> {
        if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
            pending::<()>().await;
        }
        Err("connection refused".into())
    }

    async fn refund(&self, _: &[Bucket]) -> Result<(), BoxError> {
        panic!("nothing was taken")
    }
}

async fn node(store: &Two, secret: &HmacSecret) -> Server {
    let throttle = Throttle::new().store(store.clone());
    server(throttle.secret(secret.clone())).await
}

#[tokio::test]
async fn instances_count_together() {
    let (store, secret) = (Two::default(), HmacSecret::generate());
    let (one, other) = (node(&store, &secret).await, node(&store, &secret).await);
    assert_eq!(guess(&one, ADDRESS, JANE).await, 401);
    assert_eq!(guess(&other, ADDRESS, JANE).await, 401);
    for node in [one, other] {
        let answer = node.send(from(ADDRESS, login(JANE, PASSWORD))).await;
        assert_eq!(retry_after(&answer), 7);
    }
}

#[tokio::test]
async fn right_password_is_given_back_to_the_shared_store() {
    let store = Two::default();
    let node = node(&store, &HmacSecret::generate()).await;
    let answer = node.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(answer.status, 200);
    let kinds: Vec<_> = store.0.lock().unwrap().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [BucketKind::Address]);
}

#[tokio::test]
async fn attempt_without_buckets_is_not_sent_to_the_store() {
    let node = node(&Two::default(), &HmacSecret::generate()).await;
    let body = json!({"refresh_token": "unknown"});
    for _ in 0..3 {
        let answer = node.send(json_to("POST", "/refresh", &body)).await;
        assert_eq!(answer.status, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn instance_counts_by_itself_while_the_store_is_away() {
    // A database would not answer in the time that is skipped.
    let server = Server::over(InMemoryAccountStore::new());
    let throttle = Throttle::new().store(Away::default());
    let server = limited(server, throttle, hasher()).await;
    let right = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    assert_eq!(right.status, 200);
    assert_eq!(guess_until_throttled(&server, ADDRESS, JANE).await, BURST);
}

#[cfg(feature = "metrics")]
#[test]
fn throttled_attempts_are_counted_by_route() {
    let counts = crate::support::counted(async |_| {
        let server = server(Throttle::new()).await;
        guess_until_throttled(&server, ADDRESS, JANE).await;
        guess(&server, ADDRESS, JANE).await;
    });
    assert_eq!(counts.of("throttled_total"), "login 2");
    assert_eq!(
        counts.of("logins_total"),
        format!("throttled 2\nwrong_credentials {BURST}")
    );
}
