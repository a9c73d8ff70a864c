//! Contract test of the stores of the throttle.

#![allow(clippy::panic, reason = "a store that breaks a rule fails its test")]

#[cfg(test)]
mod broken_stores;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tokio::time::sleep;

use crate::throttle::{Bucket, BucketKind, Limit, ThrottleStore};

/// Runs every rule of [`ThrottleStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and must return an *empty* store. Run it on a multi-threaded
/// runtime. It takes about a second, because the time of a store is not that of the test.
///
/// # Panics
///
/// If the store breaks a rule, with a message that names it.
pub async fn throttle_store_contract<S, F>(make: F)
where
    S: ThrottleStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture(Arc::new(make().await));

    burst_is_admitted_at_once(fresh().await).await;
    attempt_is_admitted_after_the_wait(fresh().await).await;
    buckets_are_taken_together_or_not_at_all(fresh().await).await;
    longest_wait_is_returned(fresh().await).await;
    refund_gives_one_attempt_back(fresh().await).await;
    refunds_give_no_more_than_the_burst(fresh().await).await;
    extreme_limits_are_accepted(fresh().await).await;
    concurrent_attempts_are_counted_one_by_one(fresh().await).await;
}

async fn burst_is_admitted_at_once<S: ThrottleStore>(store: Fixture<S>) {
    let [first, second] = [bucket(1, HOURLY.burst(3)), bucket(2, HOURLY.burst(3))];
    for bucket in [first, second] {
        for _ in 0..3 {
            store.admits(&[bucket], "an attempt of the burst").await;
        }
        let start = Instant::now();
        let wait = store.wait(&[bucket], "an attempt beyond the burst").await;
        let longest = HOURLY.interval();
        assert!(wait <= longest, "wait {wait:?}, not {longest:?} at most");
        // The attempts before took some time, too.
        let least = longest.saturating_sub(start.elapsed() + MAX_DELAY);
        assert!(wait >= least, "wait {wait:?}, not {least:?} at least");
    }
}

async fn attempt_is_admitted_after_the_wait<S: ThrottleStore>(store: Fixture<S>) {
    let bucket = bucket(1, Limit::per_second(1));
    store.admits(&[bucket], "the first attempt").await;
    let wait = store.wait(&[bucket], "the second attempt").await;
    sleep(wait).await;
    store.admits(&[bucket], "an attempt after the wait").await;
    store.wait(&[bucket], "one more than that").await;
}

async fn buckets_are_taken_together_or_not_at_all<S: ThrottleStore>(store: Fixture<S>) {
    let [small, large] = [bucket(1, HOURLY), bucket(2, HOURLY.burst(3))];
    store.admits(&[small, large], "the first of both").await;
    for both in [[small, large], [large, small]] {
        store.wait(&both, "one bucket is empty").await;
    }
    for _ in 0..2 {
        let rule = "a rejected attempt is taken from no bucket";
        store.admits(&[large], rule).await;
    }
    let rule = "an admitted attempt is taken from every bucket";
    store.wait(&[large], rule).await;
}

async fn longest_wait_is_returned<S: ThrottleStore>(store: Fixture<S>) {
    let [short, long] = [bucket(1, Limit::per_minute(1)), bucket(2, HOURLY)];
    for both in [[short, long], [long, short]] {
        let _ = store.take(&both).await;
        let wait = store.wait(&both, "both buckets are empty").await;
        assert!(wait > Duration::from_secs(60), "not the longest: {wait:?}");
    }
}

async fn refund_gives_one_attempt_back<S: ThrottleStore>(store: Fixture<S>) {
    let both = [bucket(1, HOURLY.burst(2)), bucket(2, HOURLY.burst(2))];
    for _ in 0..2 {
        store.admits(&both, "an attempt of the burst").await;
    }
    store.refund(&both).await;
    for bucket in both {
        store.admits(&[bucket], "an attempt after its refund").await;
        let rule = "a refund gives one attempt back to each bucket";
        store.wait(&[bucket], rule).await;
    }
}

async fn refunds_give_no_more_than_the_burst<S: ThrottleStore>(store: Fixture<S>) {
    let [unknown, used] = [bucket(1, HOURLY.burst(2)), bucket(2, HOURLY.burst(2))];
    store.admits(&[used], "an attempt of the burst").await;
    for bucket in [unknown, used] {
        for _ in 0..3 {
            store.refund(&[bucket]).await;
        }
        for _ in 0..2 {
            store.admits(&[bucket], "an attempt of the burst").await;
        }
        let rule = "refunds give no more attempts than the burst";
        store.wait(&[bucket], rule).await;
    }
}

async fn extreme_limits_are_accepted<S: ThrottleStore>(store: Fixture<S>) {
    let most = Limit::per_second(u32::MAX).burst(u32::MAX);
    let limits = [most, Limit::per_second(1_000_000), HOURLY.burst(u32::MAX)];
    for (number, limit) in (1..).zip(limits) {
        let bucket = bucket(number, limit);
        for _ in 0..3 {
            store.admits(&[bucket], "an attempt of many").await;
        }
        store.refund(&[bucket]).await;
    }
}

async fn concurrent_attempts_are_counted_one_by_one<S: ThrottleStore>(store: Fixture<S>) {
    let both = [bucket(1, HOURLY.burst(10)), bucket(2, HOURLY.burst(20))];
    let start = Arc::new(Barrier::new(64));
    let attempts = (0..64).map(|_| {
        let (store, start) = (Arc::clone(&store.0), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            store.take(&both).await
        })
    });
    let attempts: Vec<_> = attempts.collect();
    let answers = join_all(attempts).await.into_iter();
    let answers = answers.map(|answer| answer.expect("no panic").expect("an answer"));
    let admitted = answers.filter(Option::is_none).count();
    assert_eq!(admitted, 10, "concurrent attempts of a burst of 10");
    let [_, large] = both;
    for _ in 0..10 {
        let rule = "concurrent rejected attempts are taken from no bucket";
        store.admits(&[large], rule).await;
    }
    let rule = "concurrent attempts are taken from every bucket";
    store.wait(&[large], rule).await;
}

struct Fixture<S>(Arc<S>);

impl<S: ThrottleStore> Fixture<S> {
    async fn take(&self, buckets: &[Bucket]) -> Option<Duration> {
        self.0.take(buckets).await.expect("an answer")
    }

    async fn admits(&self, buckets: &[Bucket], rule: &str) {
        let wait = self.take(buckets).await;
        assert!(wait.is_none(), "not admitted: {rule}: {wait:?}");
    }

    async fn wait(&self, buckets: &[Bucket], rule: &str) -> Duration {
        let Some(wait) = self.take(buckets).await else {
            panic!("admitted: {rule}");
        };
        assert!(!wait.is_zero(), "no wait: {rule}");
        wait
    }

    async fn refund(&self, buckets: &[Bucket]) {
        self.0.refund(buckets).await.expect("an answer");
    }
}

fn bucket(number: u128, limit: Limit) -> Bucket {
    // Spread over all bytes, as digests are.
    let key = (number << 64 | number).to_be_bytes();
    Bucket::new(key, limit, BucketKind::Account)
}

/// An hour is longer than any test.
const HOURLY: Limit = Limit::per_hour(1);

const MAX_DELAY: Duration = Duration::from_secs(60);
