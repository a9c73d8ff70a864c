//! Semaphore with a bounded queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::metrics::record;
use crate::password::caller::HashCaller;
use crate::password::error::{PasswordError, TARGET};
use crate::password::waiting::{Rejected, Waiting};
use crate::util::log_limit::{LogLimit, log_limited};

/// Permits, and a bounded number of callers that wait for one, in the order of [`Waiting`].
pub(super) struct PermitQueue {
    permits: usize,
    queue: usize,
    shared: Arc<Shared>,
    // Limits the log lines about a full queue.
    full: LogLimit,
}

impl PermitQueue {
    pub(super) fn new(permits: usize, queue: usize) -> Self {
        let permits = permits.max(1);
        Self {
            permits,
            queue,
            shared: Arc::new(Shared(Mutex::new(State {
                free: permits,
                waiting: Waiting::new(queue),
            }))),
            full: LogLimit::new(),
        }
    }

    pub(super) const fn permits(&self) -> usize {
        self.permits
    }

    pub(super) const fn queue(&self) -> usize {
        self.queue
    }

    /// Waits for a permit. A caller with limits waits until the deadline at most.
    ///
    /// A full queue is logged at most once a minute, and once more when it is empty again: a flood of
    /// log-ins is rejected faster than a log can be written.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] at once if the queue has no place for this caller, and if the caller
    /// loses its place or waits for too long.
    pub(super) async fn permit(
        &self,
        caller: HashCaller,
        deadline: Instant,
    ) -> Result<Permit, PasswordError> {
        let permit = match self.shared.enter(caller) {
            Ok(Entered::Permit(permit)) => permit,
            Ok(Entered::Place(place)) => self.wait(place, caller, deadline).await?,
            Err(Rejected::Full) => return Err(self.full("full")),
            Err(Rejected::Limited) => return Err(limited()),
        };
        if self.shared.state().waiting.len() == 0
            && let Some(rejected) = self.full.recover()
        {
            tracing::info!(target: TARGET, rejected, "the queue for password hashing is free again");
        }
        Ok(permit)
    }

    /// Records that the password of a caller was wrong: others come first.
    pub(super) fn mismatch(&self, caller: &HashCaller) {
        self.shared.state().waiting.mismatch(caller);
    }

    async fn wait(
        &self,
        mut place: Place,
        caller: HashCaller,
        deadline: Instant,
    ) -> Result<Permit, PasswordError> {
        let answer = &mut place.answer;
        let answer = match caller.is_limited {
            true => timeout_at(deadline, answer).await,
            false => Ok(answer.await),
        };
        match answer {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(limited()),
            Err(_) => Err(self.full("timeout")),
        }
    }

    /// The hasher has more callers than it can serve.
    fn full(&self, reason: &'static str) -> PasswordError {
        record::hash_queue_full();
        log_limited!(self.full, warn, target: TARGET, reason, "the queue for password hashing is full");
        PasswordError::Busy
    }
}

/// One account or address has more callers than it may have.
fn limited() -> PasswordError {
    record::hash_queue_full();
    tracing::debug!(target: TARGET, "no place for a caller in the queue for password hashing");
    PasswordError::Busy
}

struct Shared(Mutex<State>);

struct State {
    /// Free permits. None is free while callers wait.
    free: usize,
    waiting: Waiting<oneshot::Sender<Permit>>,
}

enum Entered {
    Permit(Permit),
    Place(Place),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics halfway, so a poisoned state is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a free permit, or a place in the queue.
    fn enter(self: &Arc<Self>, caller: HashCaller) -> Result<Entered, Rejected> {
        let mut state = self.state();
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            return Ok(Entered::Permit(Permit(Some(Arc::clone(self)))));
        }
        let (reply, answer) = oneshot::channel();
        let entered = state.waiting.enter(caller, reply)?;
        // Wakes the callers that lost their place.
        drop(state);
        drop(entered.displaced);
        Ok(Entered::Place(Place {
            id: entered.id,
            answer,
            shared: Arc::clone(self),
            _measured: record::HashWaiting::begin(),
        }))
    }

    /// Gives a permit to the next caller, or makes it free.
    fn hand_over(self: &Arc<Self>) {
        let mut permit = Permit(Some(Arc::clone(self)));
        loop {
            let mut state = self.state();
            let Some(reply) = state.waiting.next() else {
                state.free += 1;
                permit.0 = None;
                return;
            };
            drop(state);
            // A caller that has just been cancelled gives it back.
            match reply.send(permit) {
                Ok(()) => return,
                Err(returned) => permit = returned,
            }
        }
    }
}

/// Place in the queue. Freed when dropped, also if the caller stops waiting.
struct Place {
    id: u64,
    // Dropped with a permit that was sent meanwhile, which goes to the next caller then.
    answer: oneshot::Receiver<Permit>,
    shared: Arc<Shared>,
    _measured: record::HashWaiting,
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.shared.state().waiting.leave(self.id);
        drop(left);
    }
}

/// Permit to hash. Goes to the next caller when dropped.
pub(super) struct Permit(Option<Arc<Shared>>);

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.hand_over();
        }
    }
}

#[cfg(test)]
impl PermitQueue {
    /// Number of free permits.
    pub(super) fn free(&self) -> usize {
        self.shared.state().free
    }

    /// Number of callers that wait.
    pub(super) fn waiting(&self) -> usize {
        self.shared.state().waiting.len()
    }

    /// Waits until every permit is free.
    pub(super) async fn all_back(&self) {
        while self.free() < self.permits {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests;
