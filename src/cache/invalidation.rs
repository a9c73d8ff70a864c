//! What changes elsewhere, as a cache of users hears of it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::BoxError;
use crate::metrics::record::ChannelDown;

/// What a channel says to the [`UserCache`](crate::cache::UserCache) that
/// [follows](crate::cache::UserCache::subscribe) it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Invalidation {
    /// From now on everything that changes is heard. Say so once the subscription is in force, and
    /// again after each [`Disconnected`](Self::Disconnected).
    Connected,
    /// The user of this [key](crate::UserLoader::cache_key), the subject by default, has changed or
    /// is gone.
    Key(String),
    /// Whoever it is may have changed.
    All,
    /// From now on, or since the last word, something may have been missed. The reason goes to the
    /// log.
    Disconnected(BoxError),
}

/// The channels that one cache follows.
#[derive(Default)]
pub(super) struct Channels {
    // Read by every request; written under the lock.
    any_is_silent: AtomicBool,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    /// Those that are not connected.
    silent: Vec<ChannelDown>,
    /// Of these, those that nobody follows any more.
    ended: usize,
}

impl Channels {
    /// Whether something may be missed.
    pub(super) fn any_is_silent(&self) -> bool {
        self.any_is_silent.load(Ordering::Acquire)
    }

    /// One more, not connected yet, or the next attempt at one that has ended.
    pub(super) fn begin(&self) {
        self.count(|count| match count.ended.checked_sub(1) {
            Some(ended) => count.ended = ended,
            None => count.silent.push(ChannelDown::begin()),
        });
    }

    pub(super) fn connect(&self) {
        self.count(|count| {
            count.silent.pop();
        });
    }

    pub(super) fn disconnect(&self) {
        self.count(|count| count.silent.push(ChannelDown::begin()));
    }

    /// One that is not connected will not be again, unless somebody begins anew.
    pub(super) fn end(&self) {
        self.count(|count| count.ended += 1);
    }

    fn count(&self, change: impl FnOnce(&mut Count)) {
        let mut count = self.lock();
        change(&mut count);
        self.any_is_silent
            .store(!count.silent.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.lock();
        f.debug_struct("Channels")
            .field("silent", &count.silent.len())
            .field("ended", &count.ended)
            .finish()
    }
}
