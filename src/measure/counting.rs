//! With the feature `metrics`: told to whatever recorder the application has installed.
//!
//! Names and labels of what happens at every request that finds its user in memory are literals:
//! their keys are made when this is compiled. A load and a refusal make theirs each time.

use std::time::Instant;

#[cfg(feature = "password")]
use ::metrics::Histogram;
use ::metrics::{Gauge, counter, gauge, histogram};

use super::outcome::Loaded;
#[cfg(feature = "accounts")]
use super::outcome::LogIn;
use crate::error::{AuthError, AuthErrorKind};

/// Somebody was judged and not let in. Who brought no credential is not judged.
pub(crate) fn refused(error: &AuthError) {
    if error.kind() != AuthErrorKind::MissingCredential {
        count_refusal(error);
    }
}

/// A door turned somebody away. Whoever was judged is counted already.
pub(crate) fn turned_away(error: &AuthError) {
    if error.kind() == AuthErrorKind::MissingCredential {
        count_refusal(error);
    }
}

fn count_refusal(error: &AuthError) {
    let (code, reason) = (error.code(), error.reason());
    counter!("tower_warder_rejections_total", "code" => code, "reason" => reason).increment(1);
}

/// The loader is being asked.
pub(crate) struct Load {
    began: Instant,
    outcome: &'static str,
}

impl Load {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            // Unless somebody waits for its end.
            outcome: "abandoned",
        }
    }

    pub(crate) fn end(mut self, loaded: Loaded) {
        self.outcome = loaded.name();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        counter!("tower_warder_loads_total", "outcome" => self.outcome).increment(1);
        histogram!("tower_warder_load_duration_seconds").record(self.began.elapsed());
    }
}

pub(crate) fn user_cache_hit() {
    counter!("tower_warder_user_cache_lookups_total", "outcome" => "hit").increment(1);
}

pub(crate) fn user_cache_miss() {
    counter!("tower_warder_user_cache_lookups_total", "outcome" => "miss").increment(1);
}

pub(crate) fn user_cache_bypassed() {
    counter!("tower_warder_user_cache_lookups_total", "outcome" => "bypass").increment(1);
}

/// A channel of invalidations is silent, as long as this is there.
pub(crate) struct ChannelDown {
    _present: Present,
}

impl ChannelDown {
    pub(crate) fn begin() -> Self {
        Self {
            _present: Present::in_gauge(gauge!("tower_warder_user_cache_channels_down")),
        }
    }
}

pub(crate) fn token_cache_hit() {
    counter!("tower_warder_token_cache_lookups_total", "outcome" => "hit").increment(1);
}

pub(crate) fn token_cache_miss() {
    counter!("tower_warder_token_cache_lookups_total", "outcome" => "miss").increment(1);
}

/// A key server was asked for its keys.
#[cfg(feature = "jwks")]
pub(crate) fn keys_fetched(done: bool) {
    let outcome = if done { "ok" } else { "failed" };
    counter!("tower_warder_key_fetches_total", "outcome" => outcome).increment(1);
}

pub(crate) fn ticket_issued() {
    counter!("tower_warder_tickets_issued_total").increment(1);
}

pub(crate) fn ticket_redeemed() {
    counter!("tower_warder_tickets_redeemed_total").increment(1);
}

/// Somebody waits for a permit to hash, as long as this is there.
#[cfg(feature = "password")]
pub(crate) struct HashWaiting {
    _present: Present,
}

#[cfg(feature = "password")]
impl HashWaiting {
    pub(crate) fn begin() -> Self {
        Self {
            _present: Present::in_gauge(gauge!("tower_warder_password_hashes_waiting")),
        }
    }
}

/// Somebody has a permit to hash, as long as this is there.
#[cfg(feature = "password")]
pub(crate) struct HashRunning {
    _present: Present,
}

#[cfg(feature = "password")]
impl HashRunning {
    pub(crate) fn begin() -> Self {
        Self {
            _present: Present::in_gauge(gauge!("tower_warder_password_hashes_running")),
        }
    }
}

/// Somebody was not even let into the queue.
#[cfg(feature = "password")]
pub(crate) fn hash_queue_full() {
    counter!("tower_warder_password_queue_full_total").increment(1);
}

/// To be made where the work is asked for: the thread that does it may have another recorder.
#[cfg(feature = "password")]
pub(crate) struct HashTimer(Histogram);

#[cfg(feature = "password")]
impl HashTimer {
    pub(crate) fn new() -> Self {
        Self(histogram!("tower_warder_password_hash_duration_seconds"))
    }

    /// What `work` comes to.
    pub(crate) fn time<T>(self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.0.record(began.elapsed());
        done
    }
}

#[cfg(feature = "accounts")]
pub(crate) fn logged_in(outcome: LogIn) {
    counter!("tower_warder_logins_total", "outcome" => outcome.name()).increment(1);
}

/// One in a gauge. Keeps the gauge, so that the recorder that was told of the beginning, if there
/// was one by then, is told of the end.
struct Present(Gauge);

impl Present {
    fn in_gauge(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
