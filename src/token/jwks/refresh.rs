//! The task that keeps keys up to date.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::{Either, select};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::error::FetchError;
use super::fetcher::{Fetched, Fetcher};
use super::{Jwks, MAX_WAITING, Shared, State, Times};
use crate::measure;
use crate::token::VerifyingKey;
use crate::token::keyset::Keyset;

/// What the last fetch came to, and when it began.
pub(super) type Outcome = (Instant, Result<Fetched, FetchError>);

/// Begins to keep the keys up to date: with what was fetched already, or without any.
pub(super) fn begin(
    url: String,
    issuer: Option<Box<str>>,
    times: Times,
    fetcher: Fetcher,
    first: Option<Outcome>,
) -> Jwks {
    let (finish, finished) = watch::channel(());
    let wake = Arc::new(Notify::new());
    let shared = Arc::new(Shared {
        url,
        issuer,
        times,
        state: ArcSwap::from_pointee(State {
            keys: Arc::new(Keyset::empty()),
            confirmed: None,
            asked: None,
            failed: false,
        }),
        under_way: AtomicBool::new(false),
        wake: Arc::clone(&wake),
        finished,
        places: Semaphore::new(MAX_WAITING),
        task: OnceLock::new(),
    });
    let pause = first.map_or(Duration::ZERO, |first| shared.accept(first));
    let task = Task {
        shared: Arc::downgrade(&shared),
        fetcher,
        wake,
        finish,
    };
    // Set once, here.
    let _ = shared
        .task
        .set(tokio::spawn(task.run(pause)).abort_handle());
    Jwks(shared)
}

/// Ends when the last handle is dropped: that aborts it.
struct Task {
    shared: Weak<Shared>,
    fetcher: Fetcher,
    wake: Arc<Notify>,
    // Dropped with the runtime, which whoever waits then learns.
    finish: watch::Sender<()>,
}

impl Task {
    async fn run(mut self, mut pause: Duration) {
        while self.rest(pause).await.is_some() {
            let outcome = (Instant::now(), self.fetcher.fetch().await);
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            pause = shared.accept(outcome);
            shared.under_way.store(false, Ordering::SeqCst);
            drop(shared);
            self.finish.send_replace(());
        }
    }

    /// Waits for the time, or for a request that needs other keys after the cooldown.
    async fn rest(&self, pause: Duration) -> Option<()> {
        let mut pause = pin!(sleep(pause));
        loop {
            let wake = pin!(self.wake.notified());
            let woken = select(pause.as_mut(), wake).await;
            let shared = self.shared.upgrade()?;
            if matches!(woken, Either::Left(_)) || shared.is_due() {
                shared.under_way.store(true, Ordering::SeqCst);
                return Some(());
            }
        }
    }
}

impl Shared {
    /// Takes over what was fetched, and says when to ask again.
    fn accept(&self, (began, fetched): Outcome) -> Duration {
        let before = self.state.load();
        measure::keys_fetched(fetched.is_ok());
        match fetched {
            Ok(fetched) => {
                self.state.store(Arc::new(State {
                    keys: self.renewed(&before, fetched.keys),
                    confirmed: Some(began),
                    asked: Some(began),
                    failed: false,
                }));
                self.until_refresh(fetched.max_age)
            }
            Err(error) => {
                self.complain(&before, &error);
                self.state.store(Arc::new(State {
                    keys: Arc::clone(&before.keys),
                    confirmed: before.confirmed,
                    asked: Some(began),
                    failed: true,
                }));
                // Not all at once after an outage.
                let cooldown = self.times.cooldown;
                cooldown.saturating_add((cooldown / 4).mul_f64(random()))
            }
        }
    }

    /// The keys that are good from now on. The same ones stay, and with them what is known of
    /// headers and tokens.
    fn renewed(&self, before: &State, fetched: Option<Vec<VerifyingKey>>) -> Arc<Keyset> {
        let url = &*self.url;
        let next = fetched.map(|keys| before.keys.replaced(keys));
        match next.filter(|next| !next.is_same(&before.keys)) {
            Some(next) => {
                tracing::info!(url, keys = next.len(), "the published keys were fetched");
                Arc::new(next)
            }
            None => {
                if before.failed {
                    tracing::info!(url, "the published keys can be fetched again");
                }
                Arc::clone(&before.keys)
            }
        }
    }

    /// Once for each change to the worse.
    fn complain(&self, before: &State, error: &FetchError) {
        let url = &*self.url;
        let was_good = before.asked.is_some_and(|asked| {
            let good = |confirmed: Instant| asked.duration_since(confirmed) < self.times.max_age;
            before.confirmed.is_some_and(good)
        });
        if was_good && !before.is_good(self.times.max_age) {
            tracing::error!(url, reason = %error, "the published keys are too old to be used");
        } else if !before.failed {
            tracing::warn!(url, reason = %error, "the published keys cannot be fetched");
        }
    }

    /// The interval, or less where the key server wants that; less by chance, so that those who
    /// started together do not ask together for ever.
    fn until_refresh(&self, max_age: Option<Duration>) -> Duration {
        let interval = self.times.refresh_interval;
        let interval = max_age.map_or(interval, |age| age.min(interval));
        let sooner = (interval / 5).mul_f64(random());
        interval.saturating_sub(sooner).max(self.times.cooldown)
    }
}

/// From 0 to 1.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}
