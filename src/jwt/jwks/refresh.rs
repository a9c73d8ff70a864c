//! The task that keeps keys up to date.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::{Either, select};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::document::KeySet;
use super::error::{Dropped, FetchError};
use super::fetch::{Fetched, Fetcher};
use super::remote::{MAX_WAITING_REQUESTS, RemoteJwks, Shared, State, Times};
use crate::jwt::keys::Keyset;
use crate::metrics::record;

/// Start and result of a fetch.
pub(super) type Outcome = (Instant, Result<Fetched, FetchError>);

/// Spawns the task that keeps the keys up to date, with the result of a first fetch if there was one.
pub(super) fn spawn(
    url: String,
    issuer: Option<Box<str>>,
    times: Times,
    fetcher: Fetcher,
    first: Option<Outcome>,
) -> RemoteJwks {
    let (finish, finished) = watch::channel(());
    let wake = Arc::new(Notify::new());
    let shared = Arc::new(Shared {
        url,
        issuer,
        times,
        state: ArcSwap::from_pointee(State {
            keys: Arc::new(Keyset::empty()),
            dropped: Arc::default(),
            confirmed: None,
            attempted: None,
            failed: false,
        }),
        is_fetching: AtomicBool::new(false),
        wake: Arc::clone(&wake),
        finished,
        waiting: Semaphore::new(MAX_WAITING_REQUESTS),
        task: OnceLock::new(),
    });
    let pause = first.map_or(Duration::ZERO, |first| shared.apply(first));
    let task = Task {
        shared: Arc::downgrade(&shared),
        fetcher,
        wake,
        finish,
    };
    // The only place that sets it, so that `set` does not fail.
    let _ = shared
        .task
        .set(tokio::spawn(task.run(pause)).abort_handle());
    RemoteJwks(shared)
}

/// Background task. Dropping the last handle aborts it.
struct Task {
    shared: Weak<Shared>,
    fetcher: Fetcher,
    wake: Arc<Notify>,
    // Dropped with the runtime, which wakes the waiting requests with an error.
    finish: watch::Sender<()>,
}

impl Task {
    async fn run(mut self, mut pause: Duration) {
        while self.wait_until_due(pause).await.is_some() {
            let outcome = (Instant::now(), self.fetcher.fetch().await);
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            pause = shared.apply(outcome);
            shared.is_fetching.store(false, Ordering::SeqCst);
            drop(shared);
            self.finish.send_replace(());
        }
    }

    /// Waits until `pause` is over, or until a request needs other keys after the cooldown.
    async fn wait_until_due(&self, pause: Duration) -> Option<()> {
        let mut pause = pin!(sleep(pause));
        loop {
            let wake = pin!(self.wake.notified());
            let woken = select(pause.as_mut(), wake).await;
            let shared = self.shared.upgrade()?;
            if matches!(woken, Either::Left(_)) || shared.is_due() {
                shared.is_fetching.store(true, Ordering::SeqCst);
                return Some(());
            }
        }
    }
}

impl Shared {
    /// Stores the result of a fetch, and returns the pause until the next one.
    fn apply(&self, (began, fetched): Outcome) -> Duration {
        let before = self.state.load();
        record::keys_fetched(fetched.is_ok());
        match fetched {
            Ok(fetched) => {
                let (keys, dropped) = self.updated(&before, fetched.keys);
                self.state.store(Arc::new(State {
                    keys,
                    dropped,
                    confirmed: Some(began),
                    attempted: Some(began),
                    failed: false,
                }));
                self.until_refresh(fetched.max_age)
            }
            Err(error) => {
                self.log_failure(&before, &error);
                self.state.store(Arc::new(State {
                    keys: Arc::clone(&before.keys),
                    dropped: Arc::clone(&before.dropped),
                    confirmed: before.confirmed,
                    attempted: Some(began),
                    failed: true,
                }));
                // Random, so that not all instances retry at the same time after an outage.
                let cooldown = self.times.cooldown;
                cooldown.saturating_add((cooldown / 4).mul_f64(random()))
            }
        }
    }

    /// Returns the keys to use from now on and the unusable ones, and logs a change of the set. An
    /// unchanged set stays the same value, so that the caches of headers and tokens stay valid.
    fn updated(&self, before: &State, fetched: Option<KeySet>) -> (Arc<Keyset>, Arc<[Dropped]>) {
        let url = &*self.url;
        let fetched = fetched.map(|set| (before.keys.replaced_by(set.keys), set.dropped));
        let changed = fetched
            .filter(|(keys, dropped)| !keys.is_same(&before.keys) || **dropped != *before.dropped);
        let Some((keys, dropped)) = changed else {
            if before.failed {
                tracing::info!(url, "the published keys can be fetched again");
            }
            return (Arc::clone(&before.keys), Arc::clone(&before.dropped));
        };
        tracing::info!(url, keys = keys.len(), "the published keys were fetched");
        for Dropped { kid, reason } in &dropped {
            let kid = kid.as_ref().map(tracing::field::display);
            tracing::warn!(url, kid, reason, "a published key cannot be used");
        }
        let keys = match keys.is_same(&before.keys) {
            true => Arc::clone(&before.keys),
            false => Arc::new(keys),
        };
        (keys, dropped.into())
    }

    /// Logs the first failure, and the moment when the keys become too old.
    fn log_failure(&self, before: &State, error: &FetchError) {
        let url = &*self.url;
        let was_fresh = before.attempted.is_some_and(|attempted| {
            let fresh =
                |confirmed: Instant| attempted.duration_since(confirmed) < self.times.max_staleness;
            before.confirmed.is_some_and(fresh)
        });
        if was_fresh && !before.is_fresh(self.times.max_staleness) {
            tracing::error!(url, reason = %error, "the published keys are too old to be used");
        } else if !before.failed {
            tracing::warn!(url, reason = %error, "the published keys cannot be fetched");
        }
    }

    /// Returns the refresh interval, or the key server's `max-age` if that is shorter, minus a random
    /// part, so that instances started together do not fetch together.
    fn until_refresh(&self, max_age: Option<Duration>) -> Duration {
        let interval = self.times.refresh_interval;
        let interval = max_age.map_or(interval, |age| age.min(interval));
        let sooner = (interval / 5).mul_f64(random());
        interval.saturating_sub(sooner).max(self.times.cooldown)
    }
}

/// Returns a random number from 0 to 1.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::error::{AuthErrorKind, RejectReason};
    use crate::jwt::claims::Claims;
    use crate::jwt::keys::HmacSecret;
    use crate::jwt::keys::VerifyingKey;
    use crate::jwt::verifier::Verification;

    #[tokio::test]
    async fn keys_fetched_during_verification_are_used() {
        for verify in [without_waiting, with_waiting] {
            let keys = fetched();
            let error = verify(&keys, &|_| keys.0.apply(publishing("b")));
            assert_eq!(error, None);
        }
    }

    #[tokio::test]
    async fn error_comes_from_the_keys_that_were_used() {
        for verify in [without_waiting, with_waiting] {
            let keys = fetched();
            let error = verify(&keys, &|time| match time {
                0 => keys.0.apply((Instant::now(), Err(FetchError::Panicked))),
                _ => keys.0.apply(publishing("b")),
            });
            // From the failed fetch: the other keys came too late.
            assert_eq!(error, Some(AuthErrorKind::Unavailable));
        }
    }

    type Meanwhile<'a> = &'a (dyn Fn(usize) -> Duration + Sync);

    fn without_waiting(keys: &RemoteJwks, meanwhile: Meanwhile<'_>) -> Option<AuthErrorKind> {
        let result = keys.verify_now(NAMES_B, verify_b(meanwhile));
        result.err().map(|error| error.kind())
    }

    fn with_waiting(keys: &RemoteJwks, meanwhile: Meanwhile<'_>) -> Option<AuthErrorKind> {
        match keys.verify(NAMES_B, verify_b(meanwhile)) {
            Verification::Ready(result) => result.err().map(|error| error.kind()),
            Verification::Pending(_) => panic!("no fetch is allowed during the cooldown"),
        }
    }

    /// Accepts tokens of the key `b`, and calls `meanwhile` before each result.
    fn verify_b(
        meanwhile: Meanwhile<'_>,
    ) -> impl Fn(&Keyset) -> Result<Claims, RejectReason> + Send {
        let times = AtomicUsize::new(0);
        move |keys| {
            meanwhile(times.fetch_add(1, Ordering::SeqCst));
            keys.find("b").ok_or(RejectReason::KeyId)?;
            Claims::parse(r#"{"sub":"7","exp":1}"#)
        }
    }

    /// The key `a`, just fetched. The background task never runs.
    fn fetched() -> RemoteJwks {
        let keys = RemoteJwks::from_url("https://login.example/keys").connect_lazy();
        let keys = keys.expect("the URL is valid");
        keys.0.apply(publishing("a"));
        keys
    }

    fn publishing(key_id: &str) -> Outcome {
        let key = VerifyingKey::hs256(&HmacSecret::generate()).key_id(key_id);
        let fetched = Fetched {
            keys: Some(KeySet {
                keys: vec![key],
                dropped: Vec::new(),
            }),
            max_age: None,
        };
        (Instant::now(), Ok(fetched))
    }

    /// `{"alg":"HS256","kid":"b"}`
    const NAMES_B: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImIifQ.e30.AA";
}
