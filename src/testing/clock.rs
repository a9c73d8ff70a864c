//! A clock that stands still.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Clock;

/// A clock that a test moves.
///
/// ```
/// use std::time::Duration;
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
    /// Stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }

    /// Stands at `now`.
    pub fn at(now: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Where it stands.
    pub fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock to give to verifiers and issuers.
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
