//! Whoever wants to hear when something changes.

use std::collections::HashMap;
use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Those who watch, by the key of what they watch.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<Arc<str>, Vec<Arc<Signal>>>>);

impl Watchers {
    /// Watches `key` from now on.
    pub(crate) fn watch(self: &Arc<Self>, key: &str) -> Watcher {
        let (key, bell) = (Arc::from(key), Arc::<Signal>::default());
        let mut bells = self.lock();
        let theirs = bells.entry(Arc::clone(&key)).or_default();
        theirs.push(Arc::clone(&bell));
        Watcher {
            watchers: Arc::clone(self),
            key,
            bell,
        }
    }

    /// Tells those who watch `key`.
    pub(crate) fn notify(&self, key: &str) {
        let bells = self.lock().get(key).cloned();
        // Not under the lock: whoever is woken may go at once.
        bells.iter().flatten().for_each(|bell| bell.ring());
    }

    /// Tells everybody.
    pub(crate) fn notify_all(&self) {
        let bells: Vec<_> = self.lock().values().flatten().cloned().collect();
        bells.iter().for_each(|bell| bell.ring());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Arc<Signal>>>> {
        // Nothing that is done under the lock panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who watches, until it is dropped.
pub(crate) struct Watcher {
    watchers: Arc<Watchers>,
    key: Arc<str>,
    bell: Arc<Signal>,
}

impl Watcher {
    /// Waits for the next change since this was asked last. For one task at a time.
    pub(crate) async fn changed(&self) {
        future::poll_fn(|context| self.bell.poll(context)).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut bells = self.watchers.lock();
        if let Some(theirs) = bells.get_mut(&self.key) {
            theirs.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if theirs.is_empty() {
                bells.remove(&self.key);
            }
        }
    }
}

#[derive(Default)]
struct Signal {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Signal {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        // First the waker: who rings after it wakes, who rang before is seen.
        self.waker.register(context.waker());
        if self.rung.swap(false, Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn those_who_watch_hear_of_their_key_once() {
        let watchers = Arc::<Watchers>::default();
        let (jane, too, root) = (
            watchers.watch("jane"),
            watchers.watch("jane"),
            watchers.watch("root"),
        );
        watchers.notify("jane");
        watchers.notify("jane");
        watchers.notify("nobody");
        for (watcher, heard) in [(&jane, true), (&too, true), (&root, false), (&jane, false)] {
            assert_eq!(watcher.changed().now_or_never().is_some(), heard);
        }
        watchers.notify_all();
        for watcher in [jane, too, root] {
            assert!(watcher.changed().now_or_never().is_some());
        }
    }

    #[test]
    fn whoever_is_gone_leaves_nothing() {
        let watchers = Arc::<Watchers>::default();
        let (one, other) = (watchers.watch("jane"), watchers.watch("jane"));
        drop(one);
        watchers.notify("jane");
        assert!(other.changed().now_or_never().is_some());
        drop(other);
        assert!(watchers.lock().is_empty());
    }
}
