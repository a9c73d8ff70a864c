//! Limit of a rate, by the generic cell rate algorithm.

use std::time::Duration;

/// Maximum rate of attempts, such as 5 a minute: GCRA, a leaky bucket that needs one number for each
/// key. `burst` attempts are admitted at once; from then on one for each [interval](Self::interval).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limit {
    interval: u64,
    burst: u32,
}

impl Limit {
    /// Creates a limit of `count` attempts in each second, all of them at once if need be. A count of
    /// 0 counts as 1.
    pub const fn per_second(count: u32) -> Self {
        Self::per(count, 1)
    }

    /// Creates a limit of `count` attempts in each minute.
    pub const fn per_minute(count: u32) -> Self {
        Self::per(count, 60)
    }

    /// Creates a limit of `count` attempts in each hour.
    pub const fn per_hour(count: u32) -> Self {
        Self::per(count, 3600)
    }

    const fn per(count: u32, seconds: u64) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self {
            interval: seconds * NANOS_PER_SECOND / count as u64,
            burst: count,
        }
    }

    /// Sets how many attempts are admitted at once. Defaults to the count of the period; 0 counts as
    /// 1.
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = if burst == 0 { 1 } else { burst };
        self
    }

    /// Time after which one more attempt is admitted, once the burst is used up.
    pub const fn interval(self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// Number of attempts that are admitted at once.
    pub const fn max_burst(self) -> u32 {
        self.burst
    }

    /// Decides about one attempt: the new arrival time, or the nanoseconds to wait. `arrival` is the
    /// theoretical arrival time of the next attempt, in nanoseconds; in the past, all is free.
    pub(super) fn take(self, arrival: u64, now: u64) -> Result<u64, u64> {
        let next = arrival.max(now).saturating_add(self.interval);
        match next.checked_sub(self.latest(now)) {
            None | Some(0) => Ok(next),
            Some(wait) => Err(wait),
        }
    }

    /// Returns the arrival time after all attempts that are admitted at once.
    pub(super) fn latest(self, now: u64) -> u64 {
        now.saturating_add(self.interval.saturating_mul(self.burst.into()))
    }

    /// Returns the arrival time without one of the attempts.
    pub(super) const fn refund(self, arrival: u64) -> u64 {
        arrival.saturating_sub(self.interval)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = NANOS_PER_SECOND;

    #[test]
    fn burst_is_followed_by_one_attempt_an_interval() {
        let limit = Limit::per_minute(5).burst(3);
        assert_eq!(limit.interval(), Duration::from_secs(12));
        let start = 1_000 * SECOND;
        let mut arrival = 0;
        for _ in 0..3 {
            arrival = limit.take(arrival, start).unwrap();
        }
        assert_eq!(limit.take(arrival, start), Err(12 * SECOND));
        assert_eq!(limit.take(arrival, start + SECOND), Err(11 * SECOND));
        arrival = limit.take(arrival, start + 12 * SECOND).unwrap();
        assert_eq!(limit.take(arrival, start + 12 * SECOND), Err(12 * SECOND));
        // All of the burst, after as many intervals.
        let later = start + 48 * SECOND;
        for _ in 0..3 {
            arrival = limit.take(arrival, later).unwrap();
        }
        assert!(limit.take(arrival, later).is_err());
    }

    #[test]
    fn refund_undoes_one_attempt() {
        let limit = Limit::per_hour(1);
        let taken = limit.take(0, SECOND).unwrap();
        assert!(limit.take(taken, SECOND).is_err());
        assert_eq!(limit.take(limit.refund(taken), SECOND), Ok(taken));
    }

    #[test]
    fn extreme_limits_neither_panic_nor_block_forever() {
        let most = Limit::per_second(u32::MAX).burst(u32::MAX);
        assert!(most.take(0, u64::MAX).is_ok());
        for none in [Limit::per_hour(0), Limit::per_hour(1).burst(0)] {
            let taken = none.take(0, 7).unwrap();
            assert_eq!(none.take(taken, 7), Err(3600 * SECOND));
        }
        assert_eq!(Limit::per_hour(1).refund(0), 0);
    }
}
