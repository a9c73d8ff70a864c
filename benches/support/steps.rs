//! Instructions as this machine executes them, counted one by one (`PTRACE_SINGLESTEP`).
//!
//! This needs neither performance counters, which virtual machines lack, nor a simulated processor,
//! which lacks the SHA instructions of the real one.

use std::env;
use std::process::Command;

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::row::Row;

/// Argument of the process that is stepped through.
pub const CHILD: &str = "--stepped";

/// Instructions of each row, counted in a child process of this program.
pub fn count(rows: usize) -> Vec<u64> {
    stay_on_one_core();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(env::args().skip(1))
        .arg(CHILD)
        .spawn()
        .unwrap();
    let child_id = Pid::from_raw(child.id() as i32);
    assert_eq!(stopped_by(child_id), MARK);

    let between_marks = median(|| steps(child_id));
    let counts = (0..rows).map(|_| median(|| steps(child_id)).saturating_sub(between_marks) / RUNS);
    let counts = counts.collect();

    ptrace::cont(child_id, None).unwrap();
    assert!(child.wait().unwrap().success());
    counts
}

/// Counterpart of [`count`] in the child: an empty run between two marks, then each row.
pub fn be_stepped(rows: &[Row]) {
    ptrace::traceme().unwrap();
    raise(MARK).unwrap();
    mark(|| ());
    for row in rows {
        row.warm_up();
        mark(|| (0..RUNS).for_each(|_| row.run()));
    }
}

fn mark(work: impl Fn()) {
    for _ in 0..WINDOWS {
        raise(MARK).unwrap();
        work();
        raise(MARK).unwrap();
    }
}

/// Lets the child run to its next mark, and counts the steps to the following one.
fn steps(child: Pid) -> u64 {
    ptrace::cont(child, None).unwrap();
    assert_eq!(stopped_by(child), MARK);
    let mut steps = 0;
    loop {
        ptrace::step(child, None).unwrap();
        match stopped_by(child) {
            MARK => return steps,
            _ => steps += 1,
        }
    }
}

/// Pins this process and the child, which inherits it: a step that wakes another core takes twice as
/// long.
fn stay_on_one_core() {
    let mut core = CpuSet::new();
    core.set(sched_getcpu().unwrap()).unwrap();
    sched_setaffinity(Pid::from_raw(0), &core).unwrap();
}

fn stopped_by(child: Pid) -> Signal {
    match waitpid(child, None).unwrap() {
        WaitStatus::Stopped(_, signal) => signal,
        other => panic!("the child ended early: {other:?}"),
    }
}

/// An interrupted read of the clock is repeated; the median excludes such runs.
fn median(mut measure: impl FnMut() -> u64) -> u64 {
    let mut windows = [0; WINDOWS];
    windows.fill_with(&mut measure);
    windows.sort_unstable();
    windows[WINDOWS / 2]
}

/// Never delivered: the tracer intercepts it.
const MARK: Signal = Signal::SIGUSR1;
const WINDOWS: usize = 3;
const RUNS: u64 = 2;
