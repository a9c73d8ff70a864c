//! Stores of the throttle that each break one rule, which the contract has to name.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::sleep;
use tower_warder::BoxError;

use super::throttle_store_contract;
use crate::testing::defect::broken_rule;
use crate::throttle::{Bucket, ThrottleStore};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    Nothing,
    AdmitsOneMore,
    NeverRefills,
    ReturnsNoWait,
    ReturnsTheFirstWait,
    TakesFromOtherBuckets,
    TakesTheFirstBucketOnly,
    RefundsNothing,
    RefundsTheFirstBucketOnly,
    RefundsAll,
    RefundsTooMuch,
    CountsConcurrentlyAsOne,
}

struct Store {
    defect: Defect,
    start: Instant,
    /// Theoretical arrival times, from `start` on. Signed: a refund may lead before it.
    arrivals: Mutex<HashMap<[u8; 16], i128>>,
}

impl Store {
    fn new(defect: Defect) -> Self {
        Self {
            defect,
            start: Instant::now(),
            arrivals: Mutex::default(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn now(&self) -> i128 {
        if self.has(Defect::NeverRefills) {
            return 0;
        }
        self.start.elapsed().as_nanos() as i128
    }

    /// Returns the next arrival time, and how long to wait for it.
    fn next(&self, bucket: &Bucket, arrival: Option<i128>) -> (i128, i128) {
        let now = self.now();
        let interval = bucket.limit.interval().as_nanos() as i128;
        let burst = i128::from(bucket.limit.max_burst());
        let burst = burst + i128::from(self.has(Defect::AdmitsOneMore));
        let mut arrival = arrival.unwrap_or(now);
        if !self.has(Defect::RefundsTooMuch) {
            arrival = arrival.max(now);
        }
        let next = arrival + interval;
        (next, next - now - interval * burst)
    }
}

#[async_trait]
impl ThrottleStore for Store {
    async fn take(&self, buckets: &[Bucket]) -> Result<Option<Duration>, BoxError> {
        let before = self.arrivals.lock().unwrap().clone();
        if self.has(Defect::CountsConcurrentlyAsOne) {
            // Until all have read.
            sleep(Duration::from_millis(50)).await;
        }
        let mut arrivals = self.arrivals.lock().unwrap();
        if self.has(Defect::CountsConcurrentlyAsOne) {
            *arrivals = before;
        }
        let next = buckets
            .iter()
            .map(|it| (it.key, self.next(it, arrivals.get(&it.key).copied())));
        let next: Vec<_> = next.collect();
        let waits = next.iter().map(|(_, (_, wait))| *wait);
        let mut waits = waits.filter(|wait| *wait > 0);
        let wait = match self.defect {
            Defect::ReturnsTheFirstWait => waits.next(),
            _ => waits.max(),
        };
        let count = match self.defect {
            Defect::TakesTheFirstBucketOnly => 1,
            _ => next.len(),
        };
        for (key, (next, own_wait)) in next.into_iter().take(count) {
            let is_taken = wait.is_none();
            if is_taken || self.has(Defect::TakesFromOtherBuckets) && own_wait <= 0 {
                arrivals.insert(key, next);
            }
        }
        Ok(wait.map(|wait| match self.defect {
            Defect::ReturnsNoWait => Duration::ZERO,
            _ => Duration::from_nanos(u64::try_from(wait).unwrap()),
        }))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError> {
        let mut arrivals = self.arrivals.lock().unwrap();
        let count = match self.defect {
            Defect::RefundsNothing => 0,
            Defect::RefundsTheFirstBucketOnly => 1,
            _ => buckets.len(),
        };
        for bucket in &buckets[..count] {
            let interval = bucket.limit.interval().as_nanos() as i128;
            match self.defect {
                Defect::RefundsAll => {
                    arrivals.remove(&bucket.key);
                }
                _ => *arrivals.entry(bucket.key).or_insert(self.now()) -= interval,
            }
        }
        Ok(())
    }
}

async fn broken(defect: Defect) -> Option<String> {
    broken_rule(throttle_store_contract(async || Store::new(defect))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_without_a_defect_passes_the_contract() {
    assert_eq!(broken(Defect::Nothing).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_rule_of_a_throttle_store_is_named() {
    let defects = [
        (Defect::AdmitsOneMore, "an attempt beyond the burst"),
        (Defect::NeverRefills, "an attempt after the wait"),
        (Defect::ReturnsNoWait, "no wait"),
        (Defect::ReturnsTheFirstWait, "not the longest"),
        (Defect::TakesFromOtherBuckets, "taken from no bucket"),
        (Defect::TakesTheFirstBucketOnly, "taken from every bucket"),
        (Defect::RefundsNothing, "an attempt after its refund"),
        (
            Defect::RefundsTheFirstBucketOnly,
            "an attempt after its refund",
        ),
        (Defect::RefundsAll, "gives one attempt back"),
        (Defect::RefundsTooMuch, "no more attempts than the burst"),
        (Defect::CountsConcurrentlyAsOne, "a burst of 10"),
    ];
    // At the same time: the contract waits for a second.
    let defects = defects.map(|(defect, rule)| async move {
        let broken = broken(defect).await;
        let is_named = broken.as_ref().is_some_and(|text| text.contains(rule));
        assert!(is_named, "{defect:?}: {broken:?}");
    });
    join_all(defects).await;
}
