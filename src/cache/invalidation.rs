//! Invalidations from other processes, and the state of the channels that bring them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::BoxError;
use crate::metrics::record::ChannelDown;

/// Message of a channel to the [`UserCache`](crate::cache::UserCache) that
/// [subscribes](crate::cache::UserCache::subscribe) to it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Invalidation {
    /// From now on every change is reported. Send it once the subscription is in force, and again
    /// after each [`Disconnected`](Self::Disconnected).
    Connected,
    /// The user with this [key](crate::UserLoader::cache_key), by default the subject, was changed
    /// or deleted.
    Key(String),
    /// Any user may have changed.
    All,
    /// Changes may have been missed since the last message, or may be from now on. The reason is
    /// logged.
    Disconnected(BoxError),
}

/// The channels that one cache subscribes to.
#[derive(Default)]
pub(super) struct Channels {
    // Read on every request, written under the lock.
    any_is_down: AtomicBool,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    /// The channels that are not connected.
    down: Vec<ChannelDown>,
    /// The number of those whose subscription has ended.
    ended: usize,
}

impl Channels {
    /// Whether a change may be missed.
    pub(super) fn any_is_down(&self) -> bool {
        self.any_is_down.load(Ordering::Acquire)
    }

    /// Adds a channel that is not connected yet, or resumes one whose subscription has ended.
    pub(super) fn begin(&self) {
        self.count(|count| match count.ended.checked_sub(1) {
            Some(ended) => count.ended = ended,
            None => count.down.push(ChannelDown::begin()),
        });
    }

    pub(super) fn connect(&self) {
        self.count(|count| {
            count.down.pop();
        });
    }

    pub(super) fn disconnect(&self) {
        self.count(|count| count.down.push(ChannelDown::begin()));
    }

    /// Ends the subscription of a channel that is not connected.
    pub(super) fn end(&self) {
        self.count(|count| count.ended += 1);
    }

    fn count(&self, change: impl FnOnce(&mut Count)) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut count);
        self.any_is_down
            .store(!count.down.is_empty(), Ordering::Release);
    }
}
