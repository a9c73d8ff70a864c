use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::poll_immediate;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

impl PermitQueue {
    /// A caller without limits, or one that waits for at most five seconds.
    async fn permit_for(&self, caller: HashCaller) -> Result<Permit, PasswordError> {
        self.permit(caller, Instant::now() + 5 * SECOND).await
    }

    async fn any_permit(&self) -> Result<Permit, PasswordError> {
        self.permit_for(HashCaller::UNLIMITED).await
    }
}

#[tokio::test]
async fn rejected_and_cancelled_callers_leave_the_queue() {
    let queue = PermitQueue::new(1, 1);
    let permit = queue.any_permit().await.unwrap();
    for _ in 0..3 {
        let mut waiting = Box::pin(queue.any_permit());
        assert!(poll_immediate(waiting.as_mut()).await.is_none());
        for _ in 0..3 {
            let rejected = poll_immediate(queue.any_permit()).await.unwrap();
            assert_eq!(rejected.err(), Some(PasswordError::Busy));
        }
        assert_eq!(queue.waiting(), 1);
        drop(waiting);
        assert_eq!(queue.waiting(), 0);
    }
    drop(permit);
    assert!(queue.any_permit().await.is_ok());
}

#[tokio::test]
async fn callers_are_served_in_order() {
    let queue = PermitQueue::new(1, 2);
    let permit = queue.any_permit().await.unwrap();
    let mut first = pin!(queue.any_permit());
    let mut second = pin!(queue.any_permit());
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
    let permit = queue.any_permit().await.unwrap();
    let rejected = poll_immediate(queue.any_permit()).await.unwrap();
    assert_eq!(rejected.err(), Some(PasswordError::Busy));
    drop(permit);
    assert!(queue.any_permit().await.is_ok());
}

#[tokio::test]
async fn permit_of_a_caller_cancelled_meanwhile_goes_on() {
    let queue = PermitQueue::new(1, 2);
    let permit = queue.any_permit().await.unwrap();
    let mut cancelled = Box::pin(queue.any_permit());
    let mut next = pin!(queue.any_permit());
    assert!(poll_immediate(cancelled.as_mut()).await.is_none());
    assert!(poll_immediate(next.as_mut()).await.is_none());
    // Sent to the first caller, which is dropped before it takes it.
    drop(permit);
    assert_eq!(queue.waiting(), 1);
    drop(cancelled);
    assert!(poll_immediate(next.as_mut()).await.is_some());
    queue.all_back().await;
}

#[tokio::test(start_paused = true)]
async fn caller_with_limits_waits_until_the_deadline() {
    let queue = PermitQueue::new(1, 4);
    let permit = queue.any_permit().await.unwrap();
    let started = Instant::now();
    let owner = HashCaller::new().account("jane");
    let mut unlimited = pin!(queue.any_permit());
    assert!(poll_immediate(unlimited.as_mut()).await.is_none());
    for caller in [owner, owner.preferred(true)] {
        let answer = queue.permit_for(caller).await;
        assert_eq!(answer.err(), Some(PasswordError::Busy));
        assert_eq!(queue.waiting(), 1);
    }
    assert_eq!(started.elapsed(), 10 * SECOND);
    tokio::time::advance(100 * SECOND).await;
    assert!(poll_immediate(unlimited.as_mut()).await.is_none());
    drop(permit);
    assert!(unlimited.await.is_ok());
}

#[tokio::test]
async fn displaced_caller_is_rejected() {
    let queue = PermitQueue::new(1, 4);
    let permit = queue.any_permit().await.unwrap();
    let guess = HashCaller::new().account("jane");
    let mut attacker = pin!(queue.permit_for(guess));
    assert!(poll_immediate(attacker.as_mut()).await.is_none());
    let mut owner = pin!(queue.permit_for(guess.preferred(true)));
    assert!(poll_immediate(owner.as_mut()).await.is_none());
    assert_eq!(attacker.await.err(), Some(PasswordError::Busy));
    drop(permit);
    assert!(owner.await.is_ok());
}

const PERMITS: usize = 2;
const QUEUE: usize = 8;

/// What happens to the queue. Indices are modulo the number of callers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin {
        account: Option<u8>,
        address: Option<u8>,
        is_preferred: bool,
    },
    BeginUnlimited,
    Cancel(usize),
    End(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let begin = (
        prop::option::of(0_u8..4),
        prop::option::of(0_u8..3),
        any::<bool>(),
    );
    let begin = begin.prop_map(|(account, address, is_preferred)| Step::Begin {
        account,
        address,
        is_preferred,
    });
    let step = prop_oneof![
        5 => begin,
        1 => Just(Step::BeginUnlimited),
        2 => any::<usize>().prop_map(Step::Cancel),
        3 => any::<usize>().prop_map(Step::End),
    ];
    prop::collection::vec(step, 0..60)
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Permit, PasswordError>> + 'a>>;

/// Callers of a queue, as they see it.
struct Callers<'a> {
    queue: &'a PermitQueue,
    waiting: Vec<(HashCaller, [Option<u8>; 2], Answer<'a>)>,
    held: Vec<Permit>,
}

impl<'a> Callers<'a> {
    fn apply(&mut self, step: Step) {
        match step {
            Step::Begin {
                account,
                address,
                is_preferred,
            } => {
                let mut caller = HashCaller::new().preferred(is_preferred);
                if let Some(account) = account {
                    caller = caller.account(&account.to_string());
                }
                if let Some(address) = address {
                    caller = caller.address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, address)));
                }
                let answer = self.queue.permit_for(caller).boxed_local();
                self.waiting.push((caller, [account, address], answer));
            }
            Step::BeginUnlimited => {
                let answer = self.queue.any_permit().boxed_local();
                self.waiting
                    .push((HashCaller::UNLIMITED, [None, None], answer));
            }
            Step::Cancel(index) if !self.waiting.is_empty() => {
                // Perhaps with a permit that was sent to it.
                let index = index % self.waiting.len();
                drop(self.waiting.remove(index));
            }
            Step::End(index) if !self.held.is_empty() => {
                let index = index % self.held.len();
                drop(self.held.remove(index));
                // Every other time its next owner sees the permit only later.
                if index.is_multiple_of(2) {
                    return;
                }
            }
            Step::Cancel(_) | Step::End(_) => {}
        }
        self.poll();
    }

    fn poll(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for (caller, keys, mut answer) in waiting {
            match answer.as_mut().now_or_never() {
                Some(Ok(permit)) => self.held.push(permit),
                Some(Err(error)) => assert_eq!(error, PasswordError::Busy),
                None => self.waiting.push((caller, keys, answer)),
            }
        }
    }

    fn check(&self) {
        assert!(self.held.len() + self.queue.free() <= PERMITS);
        assert!(self.queue.waiting() == 0 || self.queue.free() == 0);
        assert!(self.queue.waiting() <= QUEUE);
        assert!(self.queue.waiting() <= self.waiting.len());
    }

    /// After every caller has seen what it was sent.
    fn check_limits(&self) {
        assert_eq!(self.held.len() + self.queue.free(), PERMITS);
        assert_eq!(self.queue.waiting(), self.waiting.len());
        let limited = self
            .waiting
            .iter()
            .filter(|(caller, ..)| caller.is_limited && *caller == caller.preferred(false));
        assert!(limited.count() <= QUEUE - QUEUE / 4);
        for (key, max) in [(0, 1), (1, 4)] {
            let mut counts = HashMap::new();
            for value in self.waiting.iter().filter_map(|(_, keys, _)| keys[key]) {
                *counts.entry(value).or_insert(0) += 1;
            }
            assert!(counts.values().all(|count| *count <= max), "{counts:?}");
        }
    }
}

/// Applies the steps, and then serves everyone who still waits.
async fn run(steps: Vec<Step>) {
    let queue = PermitQueue::new(PERMITS, QUEUE);
    let mut callers = Callers {
        queue: &queue,
        waiting: Vec::new(),
        held: Vec::new(),
    };
    for step in steps {
        callers.apply(step);
        callers.check();
    }
    callers.poll();
    callers.check_limits();
    while !callers.waiting.is_empty() {
        let before = callers.waiting.len();
        drop(callers.held.pop());
        callers.poll();
        assert!(callers.waiting.len() < before);
    }
    callers.held.clear();
    assert_eq!((queue.free(), queue.waiting()), (PERMITS, 0));
}

proptest! {
    #[test]
    fn no_permit_is_lost_and_limits_hold(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(run(steps));
    }
}
