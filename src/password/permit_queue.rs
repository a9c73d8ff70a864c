//! Semaphore with a bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::record;
use crate::password::error::{PasswordError, TARGET};
use crate::util::log_limit::{LogLimit, log_limited};

/// Permits, and a bounded number of callers that wait for one in first-in, first-out order.
pub(super) struct PermitQueue {
    capacity: usize,
    permits: Arc<Semaphore>,
    queue: usize,
    waiting: AtomicUsize,
    // Limits the log lines about a full queue.
    full: LogLimit,
}

impl PermitQueue {
    pub(super) fn new(permits: usize, queue: usize) -> Self {
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            capacity: permits,
            permits: Arc::new(Semaphore::new(permits)),
            queue,
            waiting: AtomicUsize::new(0),
            full: LogLimit::new(),
        }
    }

    pub(super) const fn permits(&self) -> usize {
        self.capacity
    }

    pub(super) const fn queue(&self) -> usize {
        self.queue
    }

    /// Waits for a permit.
    ///
    /// A full queue is logged at most once a minute, and once more when it is empty again: a flood of
    /// log-ins is rejected faster than a log can be written.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] at once if the queue is full.
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
                permit.map_err(|_| PasswordError::failed("the semaphore is closed"))?
            }
        };
        if self.waiting.load(Ordering::Relaxed) == 0
            && let Some(rejected) = self.full.recover()
        {
            tracing::info!(target: TARGET, rejected, "the queue for password hashing is free again");
        }
        Ok(permit)
    }

    fn place(&self) -> Option<Place<'_>> {
        let more = |waiting| (waiting < self.queue).then(|| waiting + 1);
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        // Only now: dropping a place frees it, so it must have been taken.
        Some(Place {
            waiting: &self.waiting,
            _measured: record::HashWaiting::begin(),
        })
    }
}

/// Place in the queue. Freed when dropped, also if the caller stops waiting.
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
    /// Number of free permits.
    pub(super) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Number of callers that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits until every permit is free.
    pub(super) async fn all_back(&self) {
        let all = u32::try_from(self.capacity).unwrap();
        let _ = self.permits.acquire_many(all).await.unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn rejected_and_cancelled_callers_leave_the_queue() {
        let queue = PermitQueue::new(1, 1);
        let permit = queue.permit().await.unwrap();
        for _ in 0..3 {
            let mut waiting = Box::pin(queue.permit());
            assert!(poll_immediate(waiting.as_mut()).await.is_none());
            for _ in 0..3 {
                let rejected = poll_immediate(queue.permit()).await.unwrap();
                assert_eq!(rejected.err(), Some(PasswordError::Busy));
            }
            assert_eq!(queue.waiting(), 1);
            drop(waiting);
            assert_eq!(queue.waiting(), 0);
        }
        drop(permit);
        assert!(queue.permit().await.is_ok());
    }

    #[tokio::test]
    async fn callers_are_served_in_order() {
        let queue = PermitQueue::new(1, 2);
        let permit = queue.permit().await.unwrap();
        let mut first = pin!(queue.permit());
        let mut second = pin!(queue.permit());
        assert!(poll_immediate(first.as_mut()).await.is_none());
        assert!(poll_immediate(second.as_mut()).await.is_none());
        drop(permit);
        assert!(poll_immediate(second.as_mut()).await.is_none());
        assert!(poll_immediate(first.as_mut()).await.is_some());
        assert!(poll_immediate(second.as_mut()).await.is_some());
    }

    #[tokio::test]
    async fn caller_is_rejected_without_a_queue() {
        let queue = PermitQueue::new(1, 0);
        let permit = queue.permit().await.unwrap();
        let rejected = poll_immediate(queue.permit()).await.unwrap();
        assert_eq!(rejected.err(), Some(PasswordError::Busy));
        drop(permit);
        assert!(queue.permit().await.is_ok());
    }
}
