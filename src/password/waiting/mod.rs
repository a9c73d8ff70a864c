//! Callers that wait for a permit, and their order.

mod turns;

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use crate::password::caller::HashCaller;
use crate::password::waiting::turns::{Turn, Turns};

/// Bounded queue of waiting callers. `T` is how each is told; dropping it rejects the caller.
pub(super) struct Waiting<T> {
    capacity: usize,
    /// In order of arrival. Not more than `capacity`, so that it is searched rather than indexed.
    waiters: VecDeque<Waiter<T>>,
    /// The lane that is asked first for the next permit.
    turn: Lane,
    /// Of the callers with limits that are not preferred.
    turns: Turns,
    next_id: u64,
}

struct Waiter<T> {
    id: u64,
    caller: HashCaller,
    reply: T,
}

/// Reason why a caller cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// The places for callers of its lane are taken.
    Full,
    /// Those of its account or its address are.
    Limited,
}

/// Caller that waits.
pub(super) struct Entered<T> {
    pub(super) id: u64,
    /// Callers that lost their place to it, at most one by each limit.
    pub(super) displaced: Vec<T>,
}

impl<T> Waiting<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiters: VecDeque::new(),
            turn: Lane::Preferred,
            turns: Turns::default(),
            next_id: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Adds a caller, unless that exceeds a limit.
    ///
    /// A preferred caller takes the place of one of the same account or address that is not: guesses
    /// at the password of an account do not keep its owner out. If all places are taken, a caller takes
    /// the place of one whose address has more of them, or was served later: a flood from some addresses
    /// does not keep others out.
    pub(super) fn enter(&mut self, caller: HashCaller, reply: T) -> Result<Entered<T>, Rejected> {
        let mut displaced = self.displaced_by(&caller)?;
        let lane = Lane::of(&caller);
        let remain = |it: &&Waiter<T>| !displaced.contains(&it.id);
        let all = self.waiters.iter().filter(remain);
        let rest = all.clone().filter(|it| it.lane() != Lane::Preferred);
        let kept = self.capacity / KEPT_SHARE;
        if all.count() >= self.capacity
            || lane == Lane::Limited && rest.count() >= self.capacity - kept
        {
            let other = self.displaced_in_turn(&caller).ok_or(Rejected::Full)?;
            displaced.push(other);
        }
        let displaced = displaced.into_iter().filter_map(|id| self.leave(id));
        let displaced = displaced.collect();
        let id = self.next_id;
        self.next_id += 1;
        self.waiters.push_back(Waiter { id, caller, reply });
        Ok(Entered { id, displaced })
    }

    /// Returns the callers whose places this one takes so that it exceeds no limit of its own.
    fn displaced_by(&self, caller: &HashCaller) -> Result<Vec<u64>, Rejected> {
        let mut displaced = Vec::new();
        for (is_same, max) in [
            (HashCaller::has_same_account as Same, MAX_PER_ACCOUNT),
            (HashCaller::has_same_address, MAX_PER_ADDRESS),
        ] {
            let counted =
                |it: &&Waiter<T>| is_same(&it.caller, caller) && !displaced.contains(&it.id);
            if self.waiters.iter().filter(counted).count() < max {
                continue;
            }
            let mut newest_first = self.waiters.iter().rev();
            let other = newest_first
                .find(|it| caller.is_preferred && it.lane() != Lane::Preferred && counted(it))
                .ok_or(Rejected::Limited)?;
            displaced.push(other.id);
        }
        Ok(displaced)
    }

    /// Returns the caller that gives its place to this one if all are taken: the newest of the address
    /// that has the most places and, among those, was served last. None if the caller's own would be it.
    fn displaced_in_turn(&self, caller: &HashCaller) -> Option<u64> {
        if Lane::of(caller) != Lane::Limited {
            return None;
        }
        let limited = self.waiters.iter();
        let limited = limited.filter(|it| it.lane() == Lane::Limited);
        let mut places = HashMap::new();
        for address in limited.clone().filter_map(|it| it.caller.address) {
            *places.entry(address).or_insert(0) += 1;
        }
        let share = |caller: &HashCaller, more: usize| {
            let address = caller.address;
            // Each caller without an address may be another client.
            let places = address.map_or(1, |it| places.get(&it).copied().unwrap_or(0) + more);
            (places, self.turns.last(address))
        };
        let other = limited.max_by_key(|it| share(&it.caller, 0))?;
        (share(&other.caller, 0) > share(caller, 1)).then_some(other.id)
    }

    /// Removes a caller that waits no longer. `None` if it had been removed.
    pub(super) fn leave(&mut self, id: u64) -> Option<T> {
        let position = self.waiters.iter().position(|it| it.id == id)?;
        self.waiters.remove(position).map(|it| it.reply)
    }

    /// Records that the password of a caller was wrong.
    pub(super) fn mismatch(&mut self, caller: &HashCaller) {
        if Lane::of(caller) == Lane::Limited {
            self.turns.mismatch(caller.address);
        }
    }

    /// Removes the caller that gets the next permit.
    ///
    /// The lanes take turns, so that no kind of caller keeps another one waiting; so do the addresses of
    /// callers with limits that are not preferred: first come those without a wrong password, or whose
    /// last one is the oldest, and among them that which has not been served for the longest time. While more than half of the places are taken, the newest caller of a lane comes
    /// first, and among those whose turn it is: those that have waited for long will not be served in
    /// time, and would delay all others. Callers without limits are always served in order of arrival.
    pub(super) fn next(&mut self) -> Option<T> {
        let is_overloaded = self.len() > self.capacity / 2;
        let mut lane = self.turn;
        for _ in Lane::ALL {
            let of_lane = self.waiters.iter().enumerate();
            let of_lane = of_lane.filter(|(_, it)| it.lane() == lane);
            let turn = |it: &Waiter<T>| match lane {
                Lane::Limited => self.turns.last(it.caller.address),
                Lane::Preferred | Lane::Unlimited => Turn::default(),
            };
            // Of equal ones, the first is the oldest.
            let next = match lane {
                Lane::Preferred | Lane::Limited if is_overloaded => {
                    of_lane.min_by_key(|(position, it)| (turn(it), Reverse(*position)))
                }
                _ => of_lane.min_by_key(|(_, it)| turn(it)),
            };
            let next = next.map(|(position, _)| position);
            lane = lane.next();
            if let Some(served) = next.and_then(|position| self.waiters.remove(position)) {
                self.turn = lane;
                if served.lane() == Lane::Limited {
                    self.turns.serve(served.caller.address);
                }
                return Some(served.reply);
            }
        }
        None
    }
}

impl<T> Waiter<T> {
    const fn lane(&self) -> Lane {
        Lane::of(&self.caller)
    }
}

/// Kind of callers. While callers of several lanes wait, each lane gets a permit in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Preferred,
    Unlimited,
    Limited,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Preferred, Self::Unlimited, Self::Limited];

    const fn of(caller: &HashCaller) -> Self {
        match (caller.is_limited, caller.is_preferred) {
            (false, _) => Self::Unlimited,
            (true, true) => Self::Preferred,
            (true, false) => Self::Limited,
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Preferred => Self::Unlimited,
            Self::Unlimited => Self::Limited,
            Self::Limited => Self::Preferred,
        }
    }
}

type Same = fn(&HashCaller, &HashCaller) -> bool;

const MAX_PER_ACCOUNT: usize = 1;
const MAX_PER_ADDRESS: usize = 4;

/// One place of this number is for preferred callers.
const KEPT_SHARE: usize = 4;

#[cfg(test)]
mod tests;
