//! Notification of watchers by key.

use std::collections::HashMap;
use std::future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Watchers, by the key that they watch.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<Arc<str>, Vec<Arc<Signal>>>>);

impl Watchers {
    /// Watches `key` from now on.
    pub(crate) fn watch(self: &Arc<Self>, key: &str) -> Watcher {
        let (key, signal) = (Arc::from(key), Arc::<Signal>::default());
        let mut signals = self.lock();
        let watching = signals.entry(Arc::clone(&key)).or_default();
        watching.push(Arc::clone(&signal));
        Watcher {
            watchers: Arc::clone(self),
            key,
            signal,
        }
    }

    /// Notifies the watchers of `key`.
    pub(crate) fn notify(&self, key: &str) {
        let signals = self.lock().get(key).cloned();
        // Not under the lock: a woken watcher may be dropped at once, which takes it.
        signals.iter().flatten().for_each(|signal| signal.set());
    }

    /// Notifies all watchers.
    pub(crate) fn notify_all(&self) {
        let signals: Vec<_> = self.lock().values().flatten().cloned().collect();
        signals.iter().for_each(|signal| signal.set());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Arc<Signal>>>> {
        // No code under the lock panics between two changes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watcher of a key, until it is dropped.
pub(crate) struct Watcher {
    watchers: Arc<Watchers>,
    key: Arc<str>,
    signal: Arc<Signal>,
}

impl Watcher {
    /// Waits for a change since the last call. For one task at a time.
    pub(crate) async fn changed(&self) {
        future::poll_fn(|context| self.signal.poll(context)).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut signals = self.watchers.lock();
        if let Some(watching) = signals.get_mut(&self.key) {
            watching.retain(|signal| !Arc::ptr_eq(signal, &self.signal));
            if watching.is_empty() {
                signals.remove(&self.key);
            }
        }
    }
}

#[derive(Default)]
struct Signal {
    is_set: AtomicBool,
    waker: AtomicWaker,
}

impl Signal {
    fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        // The waker first: a later `set` wakes it, an earlier one is seen below.
        self.waker.register(context.waker());
        if self.is_set.swap(false, Ordering::Acquire) {
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
    fn watchers_are_notified_of_their_key_once() {
        let watchers = Arc::<Watchers>::default();
        let (jane, too, root) = (
            watchers.watch("jane"),
            watchers.watch("jane"),
            watchers.watch("root"),
        );
        watchers.notify("jane");
        watchers.notify("jane");
        watchers.notify("nobody");
        for (watcher, notified) in [(&jane, true), (&too, true), (&root, false), (&jane, false)] {
            assert_eq!(watcher.changed().now_or_never().is_some(), notified);
        }
        watchers.notify_all();
        for watcher in [jane, too, root] {
            assert!(watcher.changed().now_or_never().is_some());
        }
    }

    #[test]
    fn dropped_watcher_is_removed() {
        let watchers = Arc::<Watchers>::default();
        let (one, other) = (watchers.watch("jane"), watchers.watch("jane"));
        drop(one);
        watchers.notify("jane");
        assert!(other.changed().now_or_never().is_some());
        drop(other);
        assert!(watchers.lock().is_empty());
    }
}
