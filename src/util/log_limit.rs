//! Rate limits for log lines above DEBUG.
//!
//! Clients must not be able to fill the log: each cause is logged at most once a minute, with a count;
//! the other events are logged at DEBUG.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
        let now = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
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

/// Limits by key, such as the ID of an account. The number of lines is bounded, however many keys
/// there are: some of them share a limit.
#[derive(Debug, Default)]
pub struct LogLimits([LogLimit; LIMITS]);

impl LogLimits {
    /// Creates limits without events.
    pub const fn new() -> Self {
        Self([const { LogLimit::new() }; LIMITS])
    }

    /// Returns the limit of this key.
    pub fn of(&self, key: impl Hash) -> &LogLimit {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let [first, ..] = hasher.finish().to_le_bytes();
        let index = usize::from(first) % LIMITS;
        let [shared, ..] = &self.0;
        self.0.get(index).unwrap_or(shared)
    }
}

const MILLIS_BETWEEN_LINES: u64 = 60_000;
const LIMITS: usize = 32;

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
        let admitted = (0..10_000).filter(|id| limits.of(id).admit_at(seconds(5)).is_some());
        assert_eq!(admitted.count(), LIMITS);
    }
}
