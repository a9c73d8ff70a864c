//! Rate limits for log lines above DEBUG.
//!
//! Clients must not be able to fill the log: each cause is logged at most once a minute, with a count;
//! the other events are logged at DEBUG.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Logs at this level if the limit allows it, with the count of events so far, otherwise at DEBUG.
#[doc(hidden)]
#[macro_export]
macro_rules! log_limited {
    ($limit:expr, $level:ident, target: $target:expr, $($line:tt)+) => {
        match $limit.admit() {
            Some(count) => tracing::$level!(target: $target, count, $($line)+),
            None => tracing::debug!(target: $target, $($line)+),
        }
    };
    ($limit:expr, $level:ident, $($line:tt)+) => {
        match $limit.admit() {
            Some(count) => tracing::$level!(count, $($line)+),
            None => tracing::debug!($($line)+),
        }
    };
}
pub use crate::log_limited;

/// Limit of one cause: one line a minute.
#[derive(Debug, Default)]
pub struct LogLimit {
    /// Uptime in milliseconds from which the next line is admitted.
    next: AtomicU64,
    count: AtomicU64,
    /// `true` if a line was admitted since the last recovery.
    is_open: AtomicBool,
}

impl LogLimit {
    /// Creates a limit without events.
    pub const fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            count: AtomicU64::new(0),
            is_open: AtomicBool::new(false),
        }
    }

    /// Counts an event. Returns `Some` if it is to be logged: the number of events since the last
    /// logged recovery, or since the start.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Clock::system().uptime())
    }

    fn admit_at(&self, uptime: Duration) -> Option<u64> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = millis(uptime);
        let next = self.next.load(Ordering::Relaxed);
        if now < next {
            return None;
        }
        // Of concurrent events, one is admitted.
        self.next
            .compare_exchange(
                next,
                now.saturating_add(MILLIS_BETWEEN_LINES),
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
            .ok()?;
        self.is_open.store(true, Ordering::Relaxed);
        Some(count)
    }

    /// Returns `true` if there was no line for a minute.
    fn is_free(&self, uptime: Duration) -> bool {
        self.next.load(Ordering::Relaxed) <= millis(uptime)
    }

    /// Reports that the cause is gone. Returns `Some` if that is to be logged, because its start was:
    /// the number of events. Costs one atomic load if there were none.
    pub fn recover(&self) -> Option<u64> {
        if !self.is_open.load(Ordering::Relaxed) {
            return None;
        }
        let was_open = self.is_open.swap(false, Ordering::Relaxed);
        was_open.then(|| self.count.swap(0, Ordering::Relaxed))
    }
}

fn millis(uptime: Duration) -> u64 {
    u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX)
}

/// Limits by key, such as the ID of an account. The number of lines is bounded, however many keys
/// there are: a key has a limit of its own, until all are in use; further keys share one. A limit is
/// free again when its last line is a minute old.
#[derive(Debug)]
pub struct LogLimits {
    /// Digests of the keys that have a limit, at the same index.
    keys: Mutex<[u64; KEYS]>,
    limits: [LogLimit; KEYS],
    shared: LogLimit,
}

/// Limit of one key.
#[derive(Debug)]
pub struct KeyLimit<'a> {
    limits: &'a LogLimits,
    key: u64,
}

impl LogLimits {
    /// Creates limits without events.
    pub const fn new() -> Self {
        Self {
            keys: Mutex::new([0; KEYS]),
            limits: [const { LogLimit::new() }; KEYS],
            shared: LogLimit::new(),
        }
    }

    /// Returns the limit of this key.
    pub fn of(&self, key: impl Hash) -> KeyLimit<'_> {
        // Random, so that no client finds a key that shares the limit of another one.
        static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);

        let key = RANDOM.hash_one(key);
        KeyLimit { limits: self, key }
    }
}

impl Default for LogLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyLimit<'_> {
    /// Counts an event of the key. Returns `Some` if it is to be logged: the number of its events since
    /// it has the limit.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Clock::system().uptime())
    }

    fn admit_at(&self, uptime: Duration) -> Option<u64> {
        let LogLimits {
            keys,
            limits,
            shared,
        } = self.limits;
        // Until the event is counted, so that two new keys do not take the same limit.
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        let own = keys.iter().position(|key| *key == self.key);
        let own = own.or_else(|| limits.iter().position(|limit| limit.is_free(uptime)));
        let own = own.and_then(|index| Some((keys.get_mut(index)?, limits.get(index)?)));
        let Some((key, limit)) = own else {
            return shared.admit_at(uptime);
        };
        if *key != self.key {
            *key = self.key;
            limit.count.store(0, Ordering::Relaxed);
        }
        limit.admit_at(uptime)
    }
}

const MILLIS_BETWEEN_LINES: u64 = 60_000;

/// More than there are reasons for which a token is rejected.
const KEYS: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_line_a_minute_is_admitted_with_a_count() {
        let limit = LogLimit::new();
        assert_eq!(limit.admit_at(seconds(5)), Some(1));
        for _ in 0..1000 {
            assert_eq!(limit.admit_at(seconds(64)), None);
        }
        assert_eq!(limit.admit_at(seconds(65)), Some(1002));
        assert_eq!(limit.admit_at(seconds(124)), None);
        assert_eq!(limit.admit_at(seconds(125)), Some(1004));
    }

    #[test]
    fn recovery_is_admitted_once_and_resets_the_count() {
        let limit = LogLimit::new();
        assert_eq!(limit.recover(), None);
        assert_eq!(limit.admit_at(seconds(5)), Some(1));
        assert_eq!(limit.admit_at(seconds(6)), None);
        assert_eq!(limit.recover(), Some(2));
        assert_eq!(limit.recover(), None);
        // A cause that starts and ends within the minute is counted but not logged.
        assert_eq!(limit.admit_at(seconds(7)), None);
        assert_eq!(limit.recover(), None);
        assert_eq!(limit.admit_at(seconds(65)), Some(2));
        assert_eq!(limit.recover(), Some(2));
    }

    #[test]
    fn one_of_concurrent_events_is_admitted() {
        let limit = LogLimit::new();
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..1000)
                            .filter(|_| limit.admit_at(seconds(5)).is_some())
                            .count()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(admitted, 1);
    }

    #[test]
    fn limits_of_keys_are_bounded() {
        let limits = LogLimits::new();
        for minute in 1..4 {
            let uptime = seconds(60 * minute);
            let admitted = (0..10_000).filter(|id| limits.of(id).admit_at(uptime).is_some());
            assert_eq!(admitted.count(), KEYS + 1);
        }
    }

    #[test]
    fn each_key_has_a_limit_of_its_own() {
        let limits = LogLimits::new();
        let admit = |key, uptime| limits.of(key).admit_at(seconds(uptime));
        for key in 0..KEYS {
            assert_eq!(admit(key, 5), Some(1));
            assert_eq!(admit(key, 6), None);
        }
        // They keep it, in any order, and with it the count.
        for key in (0..KEYS).rev() {
            assert_eq!(admit(key, 65), Some(3));
        }
        // A limit without lines for a minute goes to the next key, which begins to count.
        assert_eq!(admit(1, 125), Some(4));
        assert_eq!(admit(1000, 125), Some(1));
        assert_eq!(admit(1000, 126), None);
        assert_eq!(admit(1, 126), None);
    }

    #[test]
    fn keys_that_begin_at_the_same_time_are_all_admitted() {
        let limits = LogLimits::new();
        let admitted: usize = std::thread::scope(|scope| {
            let of_thread = |thread: usize| {
                // Each key in two of the threads.
                let keys = (0..1000).map(|event| event % 20 + thread / 2 * 20);
                let admitted = keys.filter(|key| limits.of(key).admit_at(seconds(5)).is_some());
                admitted.count()
            };
            let threads: Vec<_> = (0..6)
                .map(|thread| scope.spawn(move || of_thread(thread)))
                .collect();
            let admitted = threads.into_iter().map(|thread| thread.join().unwrap());
            admitted.sum()
        });
        assert_eq!(admitted, 60);
    }
}
