//! Source of the current time.
//!
//! [`Clock`] is the system clock, or one that tests control.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clock for issuing and verifying tokens.
///
/// Defaults to the system clock. Tests use `testing::FixedClock`. The tolerance for clocks that differ
/// is [`JwtVerifier::leeway`](crate::JwtVerifier::leeway).
#[doc(alias = "clock skew")]
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl Clock {
    /// Returns the system clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// Creates a clock that calls `now`.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// Returns the current time.
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Some(now) => now(),
            None => SystemTime::now(),
        }
    }

    /// Seconds since 1970 with their fraction, as a `NumericDate` (RFC 7519, section 2).
    pub(crate) fn numeric_date(&self) -> f64 {
        // A clock before 1970 is broken: treat every token as expired.
        self.now()
            .duration_since(UNIX_EPOCH)
            .map_or(f64::INFINITY, |since| since.as_secs_f64())
    }

    /// Time since an arbitrary start, for ages: setting the system clock does not change it. A custom
    /// clock is used as it is.
    pub(crate) fn uptime(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Some(now) => now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            None => START.elapsed(),
        }
    }
}

/// Returns `true` if one time is before another in whole seconds. `iat` often has no fraction, so times
/// within one second count as simultaneous.
pub(crate) fn is_seconds_before(time: SystemTime, other: SystemTime) -> bool {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    seconds(time) < seconds(other)
}

/// Returns `true` if less than `ttl` has passed between two [uptimes](Clock::uptime).
pub(crate) fn is_young(began: Duration, now: Duration, ttl: Duration) -> bool {
    // If the clock runs backwards, nothing is kept.
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
