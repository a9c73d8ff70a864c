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
use super::remote::{MAX_WAITING, RemoteJwks, Shared, State, Times};
use crate::jwt::keys::Keyset;
use crate::metrics::record;

/// What the last fetch came to, and when it began.
pub(super) type Outcome = (Instant, Result<Fetched, FetchError>);

/// Begins to keep the keys up to date: with what was fetched already, or without any.
pub(super) fn begin(
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
    RemoteJwks(shared)
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
        record::keys_fetched(fetched.is_ok());
        match fetched {
            Ok(fetched) => {
                let (keys, dropped) = self.renewed(&before, fetched.keys);
                self.state.store(Arc::new(State {
                    keys,
                    dropped,
                    confirmed: Some(began),
                    asked: Some(began),
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
                    asked: Some(began),
                    failed: true,
                }));
                // Not all at once after an outage.
                let cooldown = self.times.cooldown;
                cooldown.saturating_add((cooldown / 4).mul_f64(random()))
            }
        }
    }

    /// The keys that are good from now on, and those that were left out. The same ones stay, and with
    /// them what is known of headers and tokens. The log learns of each change to the set.
    fn renewed(&self, before: &State, fetched: Option<KeySet>) -> (Arc<Keyset>, Arc<[Dropped]>) {
        let url = &*self.url;
        let fetched = fetched.map(|set| (before.keys.replaced(set.keys), set.dropped));
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

    /// Once for each change to the worse.
    fn log_failure(&self, before: &State, error: &FetchError) {
        let url = &*self.url;
        let was_good = before.asked.is_some_and(|asked| {
            let good =
                |confirmed: Instant| asked.duration_since(confirmed) < self.times.max_staleness;
            before.confirmed.is_some_and(good)
        });
        if was_good && !before.is_good(self.times.max_staleness) {
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
    async fn keys_that_come_while_a_token_is_judged_judge_it() {
        for judge in [at_once, for_those_who_wait] {
            let keys = fetched();
            let judged = judge(&keys, &|_| keys.0.accept(publishing("b")));
            assert_eq!(judged, None);
        }
    }

    #[tokio::test]
    async fn the_keys_that_judged_a_token_last_say_why_it_is_refused() {
        for judge in [at_once, for_those_who_wait] {
            let keys = fetched();
            let judged = judge(&keys, &|time| match time {
                0 => keys.0.accept((Instant::now(), Err(FetchError::Panicked))),
                _ => keys.0.accept(publishing("b")),
            });
            // By keys that could not be fetched: the other ones came too late.
            assert_eq!(judged, Some(AuthErrorKind::Unavailable));
        }
    }

    type Meanwhile<'a> = &'a (dyn Fn(usize) -> Duration + Sync);

    fn at_once(keys: &RemoteJwks, meanwhile: Meanwhile<'_>) -> Option<AuthErrorKind> {
        let judged = keys.verify_now(NAMES_B, judge(meanwhile));
        judged.err().map(|error| error.kind())
    }

    fn for_those_who_wait(keys: &RemoteJwks, meanwhile: Meanwhile<'_>) -> Option<AuthErrorKind> {
        match keys.verify(NAMES_B, judge(meanwhile)) {
            Verification::Ready(judged) => judged.err().map(|error| error.kind()),
            Verification::Pending(_) => panic!("nobody may be asked"),
        }
    }

    /// Accepts what the key `b` signed, and lets something happen each time before it says so.
    fn judge(meanwhile: Meanwhile<'_>) -> impl Fn(&Keyset) -> Result<Claims, RejectReason> + Send {
        let times = AtomicUsize::new(0);
        move |keys| {
            meanwhile(times.fetch_add(1, Ordering::SeqCst));
            keys.find("b").ok_or(RejectReason::KeyId)?;
            Claims::parse(r#"{"sub":"7","exp":1}"#)
        }
    }

    /// The key `a`, a moment ago. The task that fetches never has its turn.
    fn fetched() -> RemoteJwks {
        let keys = RemoteJwks::from_url("https://login.example/keys").connect_lazy();
        let keys = keys.expect("the address is a good one");
        keys.0.accept(publishing("a"));
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
