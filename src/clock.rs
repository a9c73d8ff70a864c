//! What time it is.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock by which tokens are issued and judged.
///
/// Defaults to the system's. Tests put in their own: see `testing::FixedClock`.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that asks `now`.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// The current time.
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Some(now) => now(),
            None => SystemTime::now(),
        }
    }

    /// Seconds since 1970, with their fraction: a `NumericDate` (RFC 7519, section 2).
    pub(crate) fn numeric_date(&self) -> f64 {
        // A clock before 1970 is broken: every token has expired then.
        self.now()
            .duration_since(UNIX_EPOCH)
            .map_or(f64::INFINITY, |since| since.as_secs_f64())
    }

    /// Time since some moment: for ages, which do not change when somebody sets the clock. A
    /// clock of your own is taken at its word.
    pub(crate) fn uptime(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Some(now) => now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            None => START.elapsed(),
        }
    }
}

/// Whether one time is before another in whole seconds: `iat` often has no smaller ones, so that what
/// happens in one second counts as simultaneous.
pub fn is_seconds_before(time: SystemTime, other: SystemTime) -> bool {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    seconds(time) < seconds(other)
}

/// Whether what began at one [uptime](Clock::uptime) is still good at another.
pub(crate) fn is_young(began: Duration, now: Duration, ttl: Duration) -> bool {
    // A clock that runs backwards keeps nothing.
    now.checked_sub(began).is_some_and(|age| age < ttl)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Clock(custom)",
            None => "Clock(system)",
        })
    }
}
