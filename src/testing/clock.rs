//! Clock for tests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Clock;

/// Clock that stands still until the test advances it.
///
/// ```
/// use std::time::Duration;
///
/// use tower_warder::testing::{self, FixedClock};
///
/// let clock = FixedClock::new();
/// let token = testing::issuer().clock(clock.clock()).issue("7")?;
/// let verifier = testing::verifier().clock(clock.clock());
/// assert!(verifier.verify_token(&token).is_ok());
///
/// clock.advance(Duration::from_secs(7 * 24 * 3600));
/// assert!(verifier.verify_token(&token).is_err());
/// # Ok::<(), tower_warder::jwt::IssueError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedClock(Arc<Mutex<SystemTime>>);

impl FixedClock {
    /// Creates a clock at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }

    /// Creates a clock at `now`.
    pub fn at(now: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Advances the clock by this duration.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Returns the current time.
    pub fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the clock for verifiers and issuers, a handle to this one.
    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::from_fn(move || this.now())
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self::new()
    }
}
