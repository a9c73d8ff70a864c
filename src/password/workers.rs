//! Hashing on threads of its own, with a permit and memory for each run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{Dispatch, Span, dispatcher};

use crate::metrics::record;
use crate::password::caller::HashCaller;
use crate::password::error::PasswordError;
use crate::password::memory::{Memory, MemoryPool};
use crate::password::permit_queue::{Permit, PermitQueue};
use crate::password::threads::Threads;

/// Permits of one hasher, with the memory that belongs to them.
pub(super) struct Workers {
    queue: PermitQueue,
    oversized: PermitQueue,
    memory: MemoryPool,
    threads: Threads,
}

impl Workers {
    /// Allows `permits` hashes at a time, each with `blocks` blocks, and `queue` waiting callers.
    pub(super) fn new(permits: usize, queue: usize, blocks: usize) -> Self {
        Self {
            queue: PermitQueue::new(permits, queue),
            // However many stored hashes need more memory, only one runs at a time, and those that
            // wait for it do not fill the queue of the others.
            oversized: PermitQueue::new(1, queue.div_ceil(4)),
            memory: MemoryPool::new(blocks),
            threads: Threads::new(permits.max(1)),
        }
    }

    pub(super) const fn permits(&self) -> usize {
        self.queue.permits()
    }

    pub(super) const fn queue(&self) -> usize {
        self.queue.queue()
    }

    /// Records that the password of a caller was wrong.
    pub(super) fn mismatch(&self, caller: &HashCaller) {
        self.queue.mismatch(caller);
    }

    /// Waits for a permit to hash with this many blocks.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] if the queue has no place for the caller, or if that waits for too long.
    pub(super) async fn worker(
        self: &Arc<Self>,
        blocks: usize,
        caller: HashCaller,
    ) -> Result<Worker, PasswordError> {
        let deadline = Instant::now() + MAX_WAIT;
        let oversized = if blocks > self.memory.blocks() {
            Some(self.oversized.permit(caller, deadline).await?)
        } else {
            None
        };
        let permit = self.queue.permit(caller, deadline).await?;
        Ok(Worker {
            blocks,
            _measured: record::HashRunning::begin(),
            _permit: permit,
            _oversized: oversized,
            workers: Arc::clone(self),
        })
    }
}

/// Permit to hash once.
pub(super) struct Worker {
    blocks: usize,
    workers: Arc<Workers>,
    // Dropped before the permit, so that the next hash is not counted beside this one.
    _measured: record::HashRunning,
    _permit: Permit,
    _oversized: Option<Permit>,
}

impl Worker {
    /// Runs the job on a thread of the hasher. The permit goes with the job: if the caller stops waiting,
    /// the permit is freed only after the work has ended.
    ///
    /// # Errors
    ///
    /// The error of the job, and [`PasswordError::Failed`] without a thread or if the job panics.
    pub(super) async fn run<T, F>(self, job: F) -> Result<T, PasswordError>
    where
        F: FnOnce(&mut Memory) -> Result<T, PasswordError> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Log lines of the job belong to the caller's span and subscriber.
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let span = Span::current();
        let timer = record::HashTimer::begin();

        let workers = Arc::clone(&self.workers);
        let job = Box::new(move || {
            // Moves the whole worker, not just the fields in use, so that the permit is kept.
            let worker = self;
            // The caller has stopped waiting.
            if reply.is_closed() {
                return;
            }
            let mut memory = worker.workers.memory.take(worker.blocks);
            let result = timer.time(|| {
                dispatcher::with_default(&dispatch, || span.in_scope(|| job(&mut memory)))
            });
            // The caller need not wait until the memory is wiped; the permit does.
            let _ = reply.send(result);
            worker.workers.memory.give_back(memory, worker.blocks);
            drop(worker);
        });
        workers.threads.run(job)?;
        answer
            .await
            .unwrap_or_else(|_| Err(PasswordError::failed("the hash panicked")))
    }
}

/// Of callers with limits. After that time most clients have stopped waiting.
const MAX_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
impl Workers {
    /// Number of idle pieces of memory.
    pub(super) fn idle_pieces(&self) -> usize {
        self.memory.idle_pieces()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Wake};
    use std::thread::{self, Thread};

    use futures_util::future::{join_all, poll_immediate};

    use super::*;

    const BLOCKS: usize = 8;

    fn workers(permits: usize, queue: usize) -> Arc<Workers> {
        Arc::new(Workers::new(permits, queue, BLOCKS))
    }

    /// A running job that ends when the test says so.
    struct Running {
        work: Pin<Box<dyn Future<Output = Result<(), PasswordError>>>>,
        end: mpsc::Sender<()>,
    }

    impl Running {
        async fn start(workers: &Arc<Workers>, blocks: usize) -> Self {
            let (end, ended) = mpsc::channel();
            let (begin, begun) = oneshot::channel();
            let worker = workers.worker(blocks, HashCaller::UNLIMITED).await.unwrap();
            let mut work = Box::pin(worker.run(move |memory| {
                memory.blocks(blocks)?;
                begin.send(()).unwrap();
                ended.recv().unwrap();
                Ok(())
            }));
            assert!(poll_immediate(work.as_mut()).await.is_none());
            begun.await.unwrap();
            Self { work, end }
        }

        async fn finish(self) {
            self.end.send(()).unwrap();
            self.work.await.unwrap();
        }
    }

    async fn run(workers: &Arc<Workers>, blocks: usize) -> Result<(), PasswordError> {
        let worker = workers.worker(blocks, HashCaller::UNLIMITED).await?;
        worker.run(|_| Ok(())).await
    }

    #[tokio::test]
    async fn caller_beyond_the_queue_is_rejected_at_once() {
        let workers = workers(1, 2);
        let running = Running::start(&workers, BLOCKS).await;
        let mut first = pin!(run(&workers, BLOCKS));
        let mut second = pin!(run(&workers, BLOCKS));
        assert!(poll_immediate(first.as_mut()).await.is_none());
        assert!(poll_immediate(second.as_mut()).await.is_none());

        let third = poll_immediate(run(&workers, BLOCKS)).await;
        assert_eq!(third, Some(Err(PasswordError::Busy)));
        assert_eq!(workers.queue.waiting(), 2);

        running.finish().await;
        assert_eq!(join_all([first, second]).await, [Ok(()), Ok(())]);
        assert_eq!(workers.queue.waiting(), 0);
        assert_eq!(run(&workers, BLOCKS).await, Ok(()));
    }

    #[tokio::test]
    async fn cancelled_caller_leaves_the_queue() {
        let workers = workers(1, 1);
        let running = Running::start(&workers, BLOCKS).await;
        for _ in 0..3 {
            let mut cancelled = Box::pin(run(&workers, BLOCKS));
            assert!(poll_immediate(cancelled.as_mut()).await.is_none());
        }
        let mut waiting = pin!(run(&workers, BLOCKS));
        assert!(poll_immediate(waiting.as_mut()).await.is_none());
        running.finish().await;
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn permit_of_a_cancelled_caller_is_held_until_the_work_ends() {
        let workers = workers(1, 1);
        let Running { work, end } = Running::start(&workers, BLOCKS).await;
        drop(work);
        assert_eq!(workers.queue.free(), 0);

        let mut next = pin!(run(&workers, BLOCKS));
        assert!(poll_immediate(next.as_mut()).await.is_none());
        assert_eq!(workers.queue.waiting(), 1);

        end.send(()).unwrap();
        assert_eq!(next.await, Ok(()));
    }

    #[tokio::test]
    async fn cancelled_work_does_not_start() {
        let workers = Arc::new(Workers {
            threads: Threads::new(1),
            ..Workers::new(2, 0, BLOCKS)
        });
        let running = Running::start(&workers, BLOCKS).await;

        // Holds its permit, and waits for the only thread.
        let started = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&started);
        let worker = workers.worker(BLOCKS, HashCaller::UNLIMITED).await.unwrap();
        let mut cancelled = Box::pin(worker.run(move |_| {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        }));
        assert!(poll_immediate(cancelled.as_mut()).await.is_none());
        drop(cancelled);

        running.finish().await;
        workers.queue.all_back().await;
        assert!(!started.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn permit_is_held_until_the_memory_is_returned() {
        let workers = workers(1, 1);
        for _ in 0..200 {
            let worker = workers.worker(BLOCKS, HashCaller::UNLIMITED).await.unwrap();
            let done = worker.run(|memory| memory.blocks(BLOCKS).map(|_| ())).await;
            assert_eq!(done, Ok(()));
        }
        drop(workers.worker(BLOCKS, HashCaller::UNLIMITED).await.unwrap());
        assert_eq!(workers.idle_pieces(), 1);
    }

    #[tokio::test]
    async fn panicking_job_fails_and_frees_its_permit() {
        let workers = workers(1, 1);
        let worker = workers.worker(BLOCKS, HashCaller::UNLIMITED).await.unwrap();
        let died = worker.run::<(), _>(|_| panic!("on purpose")).await;
        assert_eq!(died, Err(PasswordError::Failed));
        assert_eq!(run(&workers, BLOCKS).await, Ok(()));
    }

    #[test]
    fn hashing_needs_no_runtime() {
        // A thread that is parked, until the hash wakes it.
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let workers = workers(1, 1);
        let mut hash = pin!(run(&workers, BLOCKS));
        let result = loop {
            match hash.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => break result,
                Poll::Pending => thread::park(),
            }
        };
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    async fn oversized_hashes_run_alone_and_leave_the_queue_to_others() {
        let workers = workers(2, 4);
        let running = Running::start(&workers, BLOCKS + 1).await;
        let mut waiting = pin!(run(&workers, BLOCKS + 1));
        assert!(poll_immediate(waiting.as_mut()).await.is_none());
        let rejected = poll_immediate(run(&workers, BLOCKS + 1)).await;
        assert_eq!(rejected, Some(Err(PasswordError::Busy)));

        assert_eq!(run(&workers, BLOCKS).await, Ok(()));
        running.finish().await;
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test]
    async fn memory_is_bounded_by_permits() {
        let workers = workers(3, 64);
        let jobs = (0..64).map(|_| async {
            let worker = workers.worker(BLOCKS, HashCaller::UNLIMITED).await?;
            worker.run(|memory| memory.blocks(BLOCKS).map(|_| ())).await
        });
        assert!(join_all(jobs).await.iter().all(Result::is_ok));

        workers.queue.all_back().await;
        let pieces = workers.idle_pieces();
        assert!((1..=3).contains(&pieces), "{pieces}");
    }
}
