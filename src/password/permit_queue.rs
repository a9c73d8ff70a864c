//! Who may go in, and how many may wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::record;
use crate::password::error::{PasswordError, TARGET};
use crate::util::log_limit::{LogLimit, log_limited};

/// Permits, and a bounded number of callers who wait for one, first come, first served.
pub(super) struct PermitQueue {
    length: usize,
    permits: Arc<Semaphore>,
    queue: usize,
    waiting: AtomicUsize,
    // How often the log says that the queue is full.
    full: LogLimit,
}

impl PermitQueue {
    pub(super) fn new(permits: usize, queue: usize) -> Self {
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            length: permits,
            permits: Arc::new(Semaphore::new(permits)),
            queue,
            waiting: AtomicUsize::new(0),
            full: LogLimit::new(),
        }
    }

    pub(super) const fn permits(&self) -> usize {
        self.length
    }

    pub(super) const fn queue(&self) -> usize {
        self.queue
    }

    /// Waits for a permit, or is [`PasswordError::Busy`] at once if too many wait already.
    ///
    /// That the queue is full is logged once, and once more when nobody waits any more: a flood of
    /// log-ins is refused faster than a log can be written.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let permits = Arc::clone(&self.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let Some(_place) = self.place() else {
                    record::hash_queue_full();
                    log_limited!(self.full, warn, target: TARGET, "the queue for password hashing is full");
                    return Err(PasswordError::Busy);
                };
                let permit = permits.acquire_owned().await;
                permit.map_err(|_| PasswordError::failed("the permits are gone"))?
            }
        };
        if self.waiting.load(Ordering::Relaxed) == 0
            && let Some(refused) = self.full.recover()
        {
            tracing::info!(target: TARGET, refused, "the queue for password hashing is free again");
        }
        Ok(permit)
    }

    fn place(&self) -> Option<Place<'_>> {
        let more = |waiting| (waiting < self.queue).then(|| waiting + 1);
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        // Only now: a place that nobody took must not be left.
        Some(Place {
            waiting: &self.waiting,
            _measured: record::HashWaiting::begin(),
        })
    }
}

/// A place in the queue, left when dropped, also by a caller who stops waiting.
struct Place<'a> {
    waiting: &'a AtomicUsize,
    _measured: record::HashWaiting,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl PermitQueue {
    /// Permits that nobody has.
    pub(super) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Callers who wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits until every permit has come back.
    pub(super) async fn all_back(&self) {
        let all = u32::try_from(self.length).unwrap();
        let _ = self.permits.acquire_many(all).await.unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn refused_and_cancelled_callers_leave_the_count_as_it_was() {
        let line = PermitQueue::new(1, 1);
        let permit = line.permit().await.unwrap();
        for _ in 0..3 {
            let mut waiting = Box::pin(line.permit());
            assert!(poll_immediate(waiting.as_mut()).await.is_none());
            for _ in 0..3 {
                let refused = poll_immediate(line.permit()).await.unwrap();
                assert_eq!(refused.err(), Some(PasswordError::Busy));
            }
            assert_eq!(line.waiting(), 1);
            drop(waiting);
            assert_eq!(line.waiting(), 0);
        }
        drop(permit);
        assert!(line.permit().await.is_ok());
    }

    #[tokio::test]
    async fn callers_are_served_in_the_order_they_came() {
        let line = PermitQueue::new(1, 2);
        let permit = line.permit().await.unwrap();
        let mut first = pin!(line.permit());
        let mut second = pin!(line.permit());
        assert!(poll_immediate(first.as_mut()).await.is_none());
        assert!(poll_immediate(second.as_mut()).await.is_none());
        drop(permit);
        assert!(poll_immediate(second.as_mut()).await.is_none());
        assert!(poll_immediate(first.as_mut()).await.is_some());
        assert!(poll_immediate(second.as_mut()).await.is_some());
    }

    #[tokio::test]
    async fn without_a_queue_nobody_waits() {
        let line = PermitQueue::new(1, 0);
        let permit = line.permit().await.unwrap();
        let refused = poll_immediate(line.permit()).await.unwrap();
        assert_eq!(refused.err(), Some(PasswordError::Busy));
        drop(permit);
        assert!(line.permit().await.is_ok());
    }
}
