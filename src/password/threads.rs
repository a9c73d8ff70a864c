//! Threads that hash, with a lower priority than those of the runtime.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::password::error::{PasswordError, TARGET};

/// Threads of one hasher. They are started on demand, and end when idle or with the hasher.
pub(super) struct Threads {
    max: usize,
    shared: Arc<Shared>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Threads {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            shared: Arc::default(),
        }
    }

    /// Runs the job as soon as a thread is free.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Failed`] if no thread can be started; the job is dropped then.
    pub(super) fn run(&self, job: Job) -> Result<(), PasswordError> {
        let mut state = self.shared.state();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle || state.threads >= self.max {
            drop(state);
            self.shared.wake.notify_one();
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(NAME.to_owned());
        match thread.spawn(move || shared.work()) {
            Ok(_) => state.threads += 1,
            // The others will run it.
            Err(_) if state.threads > 0 => {}
            Err(_) => {
                let jobs = std::mem::take(&mut state.jobs);
                drop(state);
                drop(jobs);
                return Err(PasswordError::failed("no thread could be started"));
            }
        }
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.shared.wake.notify_all();
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    is_closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics halfway, so a poisoned state is consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs jobs until there has been none for a while.
    fn work(&self) {
        lower_priority();
        while let Some(job) = self.next() {
            // The caller of a job that panics is told by its channel, which is closed.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    /// Waits for a job. `None` if the thread ends.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        state.idle += 1;
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, IDLE_TIME, |state| {
                state.jobs.is_empty() && !state.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.threads -= 1;
        }
        job
    }
}

/// Lets other threads go first, so that requests are answered while passwords are hashed.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux this is the priority of the calling thread, not of the process.
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(target: TARGET, %error, "hashing has the priority of other threads");
    }
}

/// Other systems have no priority of a thread that can be lowered in safe code.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {
    tracing::debug!(target: TARGET, "hashing has the priority of other threads");
}

const NAME: &str = "password-hash";

/// Starting a thread takes a thousandth of the time of a hash.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// A tenth of the weight of other threads, so that log-ins go on if those use all processors. With 19,
/// or the policy `SCHED_IDLE`, hardly one took less than two seconds beside other busy processes.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

#[cfg(test)]
impl Threads {
    fn count(&self) -> usize {
        self.shared.state().threads
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc;

    use super::*;

    /// Runs a job on each of this many threads at the same time, and returns what `probe` returns there.
    fn run_on<T: Send + 'static>(threads: &Threads, count: usize, probe: fn() -> T) -> Vec<T> {
        let (reply, results) = mpsc::channel();
        let ends: Vec<_> = (0..count)
            .map(|_| {
                let (end, ended) = mpsc::channel::<()>();
                let reply = reply.clone();
                let job = Box::new(move || {
                    reply.send(probe()).unwrap();
                    let _ = ended.recv();
                });
                threads.run(job).unwrap();
                end
            })
            .collect();
        let results = results.iter().take(count).collect();
        drop(ends);
        results
    }

    #[test]
    fn threads_are_started_on_demand_and_reused() {
        let threads = Threads::new(3);
        assert_eq!(threads.count(), 0);
        let ids = || thread::current().id();
        run_on(&threads, 1, ids);
        assert_eq!(threads.count(), 1);
        let all: HashSet<_> = run_on(&threads, 3, ids).into_iter().collect();
        assert_eq!((all.len(), threads.count()), (3, 3));
        for _ in 0..20 {
            let again = run_on(&threads, 3, ids);
            assert!(again.iter().all(|id| all.contains(id)));
        }
        assert_eq!(threads.count(), 3);
    }

    #[test]
    fn job_beyond_the_threads_waits_for_one() {
        let threads = Threads::new(1);
        let (end, ended) = mpsc::channel::<()>();
        let (reply, results) = mpsc::channel();
        let hold = move || assert!(ended.recv().is_err());
        threads.run(Box::new(hold)).unwrap();
        for number in 0..3 {
            let reply = reply.clone();
            let job = Box::new(move || reply.send(number).unwrap());
            threads.run(job).unwrap();
        }
        assert_eq!(threads.count(), 1);
        assert!(results.try_recv().is_err());
        drop((end, reply));
        assert_eq!(results.iter().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn panicking_job_leaves_the_thread_to_others() {
        let threads = Threads::new(1);
        for _ in 0..2 {
            threads.run(Box::new(|| panic!("on purpose"))).unwrap();
        }
        assert_eq!(run_on(&threads, 1, || 7), [7]);
        assert_eq!(threads.count(), 1);
    }

    #[test]
    fn threads_end_with_their_hasher() {
        let threads = Threads::new(2);
        run_on(&threads, 2, || ());
        let shared = Arc::downgrade(&threads.shared);
        drop(threads);
        // Each thread holds a reference until it has ended.
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_have_a_lower_priority_than_others() {
        use rustix::process::getpriority_process;

        let own = getpriority_process(None).unwrap();
        let lower = run_on(&Threads::new(1), 1, || getpriority_process(None).unwrap());
        assert_eq!(lower, [(own + NICENESS).min(19)]);
        assert_eq!(getpriority_process(None), Ok(own));
    }
}
