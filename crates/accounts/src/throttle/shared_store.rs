//! Store that instances share, and its outages.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tower_warder::BoxError;
use tower_warder::private::LogLimit;

use super::TARGET;
use super::bucket::{Bucket, ThrottleStore};

/// Store that is bypassed after an error, so that an outage delays one attempt a second and no other.
pub(super) struct SharedStore {
    store: Box<dyn ThrottleStore>,
    outage: Mutex<Option<Outage>>,
    log_limit: LogLimit,
}

struct Outage {
    /// When the store is asked again.
    retry: Instant,
    is_logged: bool,
}

impl SharedStore {
    pub(super) fn new(store: impl ThrottleStore) -> Self {
        Self {
            store: Box::new(store),
            outage: Mutex::new(None),
            log_limit: LogLimit::new(),
        }
    }

    /// Returns the answer of [`ThrottleStore::take`], or `None` during an outage.
    pub(super) async fn take(&self, buckets: &[Bucket]) -> Option<Option<Duration>> {
        self.ask(self.store.take(buckets)).await
    }

    /// Gives attempts back, except during an outage.
    pub(super) async fn refund(&self, buckets: &[Bucket]) {
        let _ = self.ask(self.store.refund(buckets)).await;
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, BoxError>>) -> Option<T> {
        if self.is_bypassed() {
            return None;
        }
        let error = match timeout(TIMEOUT, answer).await {
            Ok(Ok(answer)) => {
                self.end_outage();
                return Some(answer);
            }
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed.into(),
        };
        self.begin_outage(&error);
        None
    }

    /// Returns `false` for the one attempt that asks again.
    fn is_bypassed(&self) -> bool {
        let now = Instant::now();
        match &mut *self.outage() {
            None => false,
            Some(outage) if outage.retry <= now => {
                // Also if it is cancelled: then the next one asks.
                outage.retry = now + RETRY;
                false
            }
            Some(_) => true,
        }
    }

    fn begin_outage(&self, error: &BoxError) {
        let mut outage = self.outage();
        let was_logged = outage.as_ref().is_some_and(|outage| outage.is_logged);
        // A store that fails every now and then is logged once a minute.
        let is_logged_now = !was_logged && self.log_limit.admit().is_some();
        *outage = Some(Outage {
            retry: Instant::now() + RETRY,
            is_logged: was_logged || is_logged_now,
        });
        drop(outage);
        let text = "the shared store of the throttle does not answer: this instance counts by \
            itself, with the same limits; check the store";
        match is_logged_now {
            true => tracing::warn!(target: TARGET, %error, "{text}"),
            false => tracing::debug!(target: TARGET, %error, "{text}"),
        }
    }

    fn end_outage(&self) {
        if self.outage().take().is_some() && self.log_limit.recover().is_some() {
            tracing::info!(target: TARGET, "the shared store of the throttle answers again");
        }
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For stores without a limit of their own.
const TIMEOUT: Duration = Duration::from_millis(500);

const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::FutureExt;
    use tokio::time::{advance, timeout};
    use tower_warder_test_support::Log;

    use super::*;

    const ANSWERS: u8 = 0;
    const FAILS: u8 = 1;
    const IS_SILENT: u8 = 2;

    #[derive(Clone, Default)]
    struct Store {
        state: Arc<AtomicU8>,
        asked: Arc<AtomicUsize>,
    }

    impl Store {
        fn becomes(&self, state: u8) {
            self.state.store(state, Ordering::Relaxed);
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[async_trait]
    impl ThrottleStore for Store {
        async fn take(&self, _: &[Bucket]) -> Result<Option<Duration>, BoxError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match self.state.load(Ordering::Relaxed) {
                ANSWERS => Ok(None),
                FAILS => Err("connection refused".into()),
                _ => pending().await,
            }
        }

        async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError> {
            self.take(buckets).await?;
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn store_is_bypassed_for_a_second_after_an_error() {
        for state in [FAILS, IS_SILENT] {
            let store = Store::default();
            let shared = SharedStore::new(store.clone());
            store.becomes(state);
            assert_eq!(shared.take(&[]).await, None);
            let start = Instant::now();
            for _ in 0..9 {
                assert_eq!(shared.take(&[]).await, None);
                shared.refund(&[]).await;
                advance(Duration::from_millis(100)).await;
            }
            assert_eq!(start.elapsed(), Duration::from_millis(900));
            assert_eq!(store.asked(), 1);

            advance(Duration::from_millis(100)).await;
            assert_eq!(shared.take(&[]).await, None);
            assert_eq!(store.asked(), 2);
            store.becomes(ANSWERS);
            assert_eq!(shared.take(&[]).await, None);
            advance(Duration::from_secs(1)).await;
            for _ in 0..3 {
                assert_eq!(shared.take(&[]).await, Some(None));
            }
            assert_eq!(store.asked(), 5);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_attempt_does_not_prolong_an_outage() {
        let store = Store::default();
        let shared = SharedStore::new(store.clone());
        store.becomes(IS_SILENT);
        assert_eq!(shared.take(&[]).await, None);
        advance(Duration::from_secs(1)).await;
        let cancelled = timeout(Duration::from_millis(1), shared.take(&[])).await;
        assert!(cancelled.is_err());
        store.becomes(ANSWERS);
        advance(Duration::from_secs(1)).await;
        assert_eq!(shared.take(&[]).await, Some(None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_attempt_at_a_time_asks_again() {
        let store = Store::default();
        let shared = SharedStore::new(store.clone());
        store.becomes(IS_SILENT);
        assert_eq!(shared.take(&[]).await, None);
        advance(Duration::from_secs(1)).await;
        let mut asking = pin!(shared.take(&[]));
        assert!(asking.as_mut().now_or_never().is_none());
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(shared.take(&[]).await, None);
        }
        assert_eq!((store.asked(), start.elapsed()), (2, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn outage_of_minutes_is_logged_once() {
        let log = Log::record();
        let store = Store::default();
        let mut shared = SharedStore::new(store.clone());
        store.becomes(FAILS);
        for _ in 0..3 {
            shared.take(&[]).await;
            assert_eq!(log.lines("WARN").len(), 1);
            // As after a minute.
            shared.log_limit = LogLimit::new();
            advance(Duration::from_secs(60)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outage_is_logged_once_and_its_end_once() {
        let log = Log::record();
        let count = |level| log.lines(level).len();
        let store = Store::default();
        let shared = SharedStore::new(store.clone());
        shared.take(&[]).await;
        assert_eq!((count("WARN"), count("INFO")), (0, 0));
        store.becomes(FAILS);
        for _ in 0..100 {
            shared.take(&[]).await;
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!((count("WARN"), count("INFO")), (1, 0));
        store.becomes(ANSWERS);
        for _ in 0..3 {
            shared.take(&[]).await;
        }
        assert_eq!((count("WARN"), count("INFO")), (1, 1));
        // Not once for each outage, if the store fails every now and then.
        for _ in 0..100 {
            store.becomes(FAILS);
            shared.take(&[]).await;
            advance(Duration::from_secs(1)).await;
            store.becomes(ANSWERS);
            shared.take(&[]).await;
        }
        assert_eq!((count("WARN"), count("INFO")), (1, 1));
    }
}
