//! Writer of audit events into a store, in the background.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tower_warder::BoxError;
use tower_warder::clock::Clock;
use tower_warder::private::{LogLimit, log_limited};

use super::event::AuditEvent;
use super::flood::FloodLimit;
use super::log::AuditLog;
use super::store::AuditStore;

/// How long events are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRetention {
    /// Age after which an event is deleted. Defaults to 90 days: long enough to investigate an attack
    /// that was noticed late, and no longer, because events have network addresses of people.
    pub max_age: Duration,
    /// Maximum number of events of each kind for each account. Defaults to 100. Each kind has its own:
    /// many log-ins do not displace the change of a role.
    pub max_per_kind: u32,
}

impl Default for AuditRetention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(90 * 24 * 3600),
            max_per_kind: 100,
        }
    }
}

/// Writer of audit events into an [`AuditStore`], for
/// [`Accounts::audit_store`](crate::Accounts::audit_store). Clones share the queue.
///
/// Recording neither waits nor fails: events are in a queue of 1024, and one task writes them, together
/// those of a tenth of a second. If the store cannot answer, the task tries again each second, for a
/// minute. What does not fit into the queue is lost, with one line a minute at WARN that counts it. The
/// task also deletes old events, at most 500 at once.
///
/// Of events that anonymous clients can cause, ten a minute are stored for each cause (the reason and
/// the account), and 640 in all. The log has the number of the others.
#[derive(Clone)]
pub struct AuditWriter {
    store: Arc<dyn AuditStore>,
    queue: mpsc::Sender<Message>,
    limits: Arc<Limits>,
}

enum Message {
    Event(AuditEvent),
    /// All events before it have been written.
    Flush(oneshot::Sender<()>),
}

struct Limits {
    flood: FloodLimit,
    lost: LogLimit,
    failed: LogLimit,
}

impl AuditWriter {
    /// Creates a writer, and spawns its task, which ends with the last clone.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn(store: impl AuditStore, retention: AuditRetention) -> Self {
        let store: Arc<dyn AuditStore> = Arc::new(store);
        let (queue, messages) = mpsc::channel(QUEUE);
        let limits = Arc::new(Limits {
            flood: FloodLimit::new(),
            lost: LogLimit::new(),
            failed: LogLimit::new(),
        });
        let task = Task {
            store: Arc::clone(&store),
            retention,
            limits: Arc::clone(&limits),
        };
        tokio::spawn(task.run(messages));
        Self {
            store,
            queue,
            limits,
        }
    }

    /// Waits until the events that were recorded before are in the store, or lost. Call it before the
    /// process ends, within a timeout: the store may be away.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // Else the task has ended with the runtime.
            let _ = written.await;
        }
    }

    pub(crate) fn store(&self) -> &dyn AuditStore {
        &*self.store
    }
}

impl AuditLog for AuditWriter {
    fn record(&self, event: &AuditEvent) {
        if self.limits.flood.admits(event) {
            let message = Message::Event(event.clone());
            if self.queue.try_send(message).is_err() {
                self.limits.log_loss();
            }
        }
    }
}

impl fmt::Debug for AuditWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditWriter").finish_non_exhaustive()
    }
}

impl Limits {
    fn log_loss(&self) {
        log_limited!(
            self.lost,
            warn,
            "audit events were not stored: the store is away or too slow; the log has them, see \
             the target tower_warder::audit"
        );
    }
}

struct Task {
    store: Arc<dyn AuditStore>,
    retention: AuditRetention,
    limits: Arc<Limits>,
}

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Message>) {
        let mut next_deletion = Instant::now() + FIRST_DELETION;
        loop {
            // Also if the queue is never empty.
            if next_deletion <= Instant::now() {
                next_deletion = Instant::now() + self.delete_old().await;
            }
            let mut messages = Vec::new();
            let received = queue.recv_many(&mut messages, BATCH);
            match timeout_at(next_deletion, received).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => continue,
            }
            let until = Instant::now() + PAUSE_BETWEEN_BATCHES;
            while messages.len() < BATCH && !messages.iter().any(Message::is_flush) {
                let missing = BATCH - messages.len();
                let received = queue.recv_many(&mut messages, missing);
                match timeout_at(until, received).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            self.handle(messages).await;
        }
    }

    async fn handle(&self, messages: Vec<Message>) {
        let (mut events, mut flushes) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Event(event) => events.push(event),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if !events.is_empty() && !self.write(&events).await {
            events.iter().for_each(|_| self.limits.log_loss());
        }
        for done in flushes {
            // Nobody may wait for it any more.
            let _ = done.send(());
        }
    }

    /// Returns `false` if the store failed again and again.
    async fn write(&self, events: &[AuditEvent]) -> bool {
        for _ in 0..ATTEMPTS {
            let written = self.store.append(events, self.retention.max_per_kind).await;
            let Err(error) = written else {
                return true;
            };
            let source = BoxError::from(error);
            log_limited!(
                self.limits.failed,
                warn,
                %source,
                "the audit store does not answer; events are kept in memory meanwhile"
            );
            sleep(PAUSE_BETWEEN_ATTEMPTS).await;
        }
        false
    }

    /// Deletes some old events, and returns the time until there may be more.
    async fn delete_old(&self) -> Duration {
        let start = Clock::system().now().checked_sub(self.retention.max_age);
        let start = start.unwrap_or(UNIX_EPOCH);
        match self.store.delete_before(start, MAX_DELETED).await {
            Ok(deleted) if deleted >= u64::from(MAX_DELETED) => PAUSE_BETWEEN_BATCHES,
            Ok(_) => TIME_BETWEEN_DELETIONS,
            Err(error) => {
                let source = BoxError::from(error);
                tracing::debug!(%source, "old audit events were not deleted; it is tried again");
                TIME_BETWEEN_DELETIONS
            }
        }
    }
}

impl Message {
    const fn is_flush(&self) -> bool {
        matches!(self, Self::Flush(_))
    }
}

const QUEUE: usize = 1024;
const BATCH: usize = 100;

/// A writer that wrote each event at once would take the lock of SQLite away from log-ins.
const PAUSE_BETWEEN_BATCHES: Duration = Duration::from_millis(100);

const PAUSE_BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 60;

/// Not at once: commands of a command line end earlier.
const FIRST_DELETION: Duration = Duration::from_secs(60);
const TIME_BETWEEN_DELETIONS: Duration = Duration::from_secs(600);
const MAX_DELETED: u32 = 500;
