//! Buckets in memory, in a table of fixed size.
//!
//! By hand: the stores of the crate `governor` grow with the number of keys, decide about one key at a
//! time, and give nothing back after a right password.

use super::bucket::{Bucket, BucketKind};

/// Arrival times of buckets. Its size never changes: 1 MiB.
///
/// A key belongs to one set of slots. A slot whose time has passed is free, because a full bucket and
/// an unknown one are the same. If all slots of a set are in use, further keys of that set share one
/// bucket with all others of their kind, so that a flood of keys cannot evict what was counted. The
/// keys are digests under a secret: no client can choose the set.
pub(super) struct Table {
    slots: Box<[Slot]>,
    /// Few: one for each kind.
    shared: Vec<(BucketKind, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    tag: u64,
    arrival: u64,
}

/// Attempt that one of the buckets does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    pub(super) kind: BucketKind,
    pub(super) wait: u64,
}

/// Where the arrival time of a bucket is.
enum Place {
    Slot(usize),
    Shared,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SETS * WAYS].into(),
            shared: Vec::new(),
        }
    }

    /// Takes one attempt from each bucket, or from none. The error is that with the longest wait.
    pub(super) fn take(&mut self, buckets: &[Bucket], now: u64) -> Result<(), Exceeded> {
        for bucket in buckets {
            let place = self.place(bucket, now);
            let latest = bucket.limit.latest(now);
            // Only if the clock was set back: the wait is one interval then, as for a full burst.
            if self.arrival(bucket, &place) > latest {
                self.set(bucket, &place, latest);
            }
        }
        let exceeded = buckets.iter().filter_map(|bucket| {
            let arrival = self.arrival(bucket, &self.place(bucket, now));
            let wait = bucket.limit.take(arrival, now).err()?;
            let kind = bucket.kind;
            Some(Exceeded { kind, wait })
        });
        if let Some(exceeded) = exceeded.max_by_key(|exceeded| exceeded.wait) {
            return Err(exceeded);
        }
        for bucket in buckets {
            // Again: the bucket before may have taken the free slot.
            let place = self.place(bucket, now);
            let next = bucket.limit.take(self.arrival(bucket, &place), now);
            if let Ok(next) = next {
                self.set(bucket, &place, next);
            }
        }
        Ok(())
    }

    /// Gives one attempt back to each bucket that has a slot of its own.
    pub(super) fn refund(&mut self, buckets: &[Bucket], now: u64) {
        for bucket in buckets {
            let place = self.place(bucket, now);
            if matches!(place, Place::Slot(_)) {
                let arrival = self.arrival(bucket, &place);
                self.set(bucket, &place, bucket.limit.refund(arrival));
            }
        }
    }

    /// Finds the slot of the bucket, else a free one.
    fn place(&self, bucket: &Bucket, now: u64) -> Place {
        let (set, tag) = split(bucket.key);
        let start = set * WAYS;
        let slots = self.slots.get(start..start + WAYS).unwrap_or_default();
        let is_used = |slot: &Slot| slot.arrival > now;
        let own = slots.iter().position(|it| is_used(it) && it.tag == tag);
        let place = own.or_else(|| slots.iter().position(|it| !is_used(it)));
        place.map_or(Place::Shared, |way| Place::Slot(start + way))
    }

    /// Returns the arrival time at a place: in a slot that is free it is in the past, and may be that
    /// of another bucket.
    fn arrival(&self, bucket: &Bucket, place: &Place) -> u64 {
        match place {
            Place::Slot(index) => self.slots.get(*index).map_or(0, |slot| slot.arrival),
            Place::Shared => {
                let mut shared = self.shared.iter();
                let shared = shared.find(|(kind, _)| *kind == bucket.kind);
                shared.map_or(0, |(_, arrival)| *arrival)
            }
        }
    }

    fn set(&mut self, bucket: &Bucket, place: &Place, arrival: u64) {
        match place {
            Place::Slot(index) => {
                let (_, tag) = split(bucket.key);
                if let Some(slot) = self.slots.get_mut(*index) {
                    *slot = Slot { tag, arrival };
                }
            }
            Place::Shared => {
                self.shared.retain(|(kind, _)| *kind != bucket.kind);
                self.shared.push((bucket.kind, arrival));
            }
        }
    }
}

/// Returns the number of the set, and what distinguishes the keys in it.
fn split(key: [u8; 16]) -> (usize, u64) {
    let key = u128::from_le_bytes(key);
    let (high, low) = ((key >> 64) as u64, key as u64);
    (low as usize % SETS, high)
}

/// With many ways hardly any set is full before half of the table is.
const WAYS: usize = 64;
const SETS: usize = 1024;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use tower_warder::BoxError;

    use super::super::bucket::ThrottleStore;
    use super::super::limit::Limit;
    use super::*;
    use crate::testing::throttle_store_contract;

    const START: u64 = 1_000_000_000_000;
    const LIMIT: Limit = Limit::per_minute(5).burst(2);

    fn bucket(number: u128, kind: BucketKind) -> Bucket {
        // Spread over the sets, as digests are.
        let key = (number << 64 | number).to_le_bytes();
        let limit = LIMIT;
        Bucket { key, limit, kind }
    }

    fn nanos(seconds: u64) -> u64 {
        u64::try_from(Duration::from_secs(seconds).as_nanos()).unwrap()
    }

    /// The table as a store.
    struct Local(Mutex<Table>, Instant);

    impl Local {
        fn now(&self) -> u64 {
            START + u64::try_from(self.1.elapsed().as_nanos()).unwrap()
        }
    }

    #[async_trait]
    impl ThrottleStore for Local {
        async fn take(&self, buckets: &[Bucket]) -> Result<Option<Duration>, BoxError> {
            let taken = self.0.lock().unwrap().take(buckets, self.now());
            Ok(taken.err().map(|it| Duration::from_nanos(it.wait)))
        }

        async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError> {
            self.0.lock().unwrap().refund(buckets, self.now());
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn table_passes_the_contract_of_shared_stores() {
        throttle_store_contract(async || Local(Mutex::new(Table::new()), Instant::now())).await;
    }

    #[test]
    fn all_buckets_are_taken_or_none() {
        let mut table = Table::new();
        let (first, second) = (bucket(1, BucketKind::Pair), bucket(2, BucketKind::Account));
        table.take(&[first], START).unwrap();
        table.take(&[first, second], START).unwrap();
        let exceeded = table.take(&[first, second], START).unwrap_err();
        assert_eq!(
            (exceeded.kind, exceeded.wait),
            (BucketKind::Pair, nanos(12))
        );
        // The second bucket has lost one attempt, not two.
        table.take(&[second], START).unwrap();
        assert!(table.take(&[second], START).is_err());
    }

    #[test]
    fn refund_gives_one_attempt_back() {
        let mut table = Table::new();
        let bucket = bucket(1, BucketKind::Pair);
        for _ in 0..100 {
            table.take(&[bucket], START).unwrap();
            table.refund(&[bucket], START);
        }
        table.take(&[bucket], START).unwrap();
        table.take(&[bucket], START).unwrap();
        assert!(table.take(&[bucket], START).is_err());
        // More refunds than attempts give nothing.
        for _ in 0..9 {
            table.refund(&[bucket], START);
        }
        table.take(&[bucket], START).unwrap();
        table.take(&[bucket], START).unwrap();
        assert!(table.take(&[bucket], START).is_err());
    }

    #[test]
    fn new_buckets_of_one_set_take_separate_slots() {
        let mut table = Table::new();
        let one = bucket(1, BucketKind::Pair);
        let other = Bucket {
            key: (2_u128 << 64 | 1).to_le_bytes(),
            ..one
        };
        for _ in 0..2 {
            table.take(&[one, other], START).unwrap();
        }
        for full in [one, other] {
            assert!(table.take(&[full], START).is_err());
        }
    }

    #[test]
    fn slot_is_free_once_its_time_has_come() {
        let mut table = Table::new();
        let bucket = |number: usize| Bucket {
            key: ((number as u128) << 64 | 1).to_le_bytes(),
            ..bucket(1, BucketKind::Pair)
        };
        for number in 0..WAYS {
            table.take(&[bucket(number)], START).unwrap();
        }
        // First in the shared bucket, and then in a slot. What the slot was used for before is not
        // counted, and what is refunded gives nothing.
        let new = bucket(WAYS);
        for now in [11, 12].map(|later| START + nanos(later)) {
            for _ in 0..2 {
                table.refund(&[new], now);
            }
            for _ in 0..2 {
                table.take(&[new], now).unwrap();
            }
            assert!(table.take(&[new], now).is_err());
        }
    }

    #[test]
    fn clock_that_is_set_back_delays_by_one_interval() {
        let mut table = Table::new();
        let bucket = bucket(1, BucketKind::Pair);
        table.take(&[bucket], START).unwrap();
        let before = START - nanos(900);
        for later in [0, 11] {
            let exceeded = table.take(&[bucket], before + nanos(later)).unwrap_err();
            assert_eq!(exceeded.wait, nanos(12 - later));
        }
        table.take(&[bucket], before + nanos(12)).unwrap();
    }

    #[test]
    fn flood_of_keys_keeps_the_size_and_what_was_counted() {
        let mut table = Table::new();
        let size = table.slots.len();
        let victim = bucket(7, BucketKind::Account);
        table.take(&[victim], START).unwrap();
        table.take(&[victim], START).unwrap();
        let mut admitted = 0;
        for number in 100..200_100 {
            let flood = bucket(number, BucketKind::Account);
            admitted += usize::from(table.take(&[flood], START).is_ok());
        }
        assert!(table.take(&[victim], START).is_err());
        // One for each slot that was free, and the burst of the shared bucket.
        assert_eq!(admitted, size - 1 + 2);
        assert_eq!((table.slots.len(), table.shared.len()), (size, 1));
        // Another kind has a shared bucket of its own.
        let device = bucket(300_000, BucketKind::Device);
        table.take(&[device], START).unwrap();
        // Slots are free again when their time has passed.
        let later = START + nanos(24);
        table
            .take(&[victim, bucket(9, BucketKind::Pair)], later)
            .unwrap();
    }
}
