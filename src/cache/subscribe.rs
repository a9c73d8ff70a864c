//! Subscription of a cache to the changes of other processes.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Weak};

use futures_util::{Stream, StreamExt};

use super::invalidation::Invalidation;
use super::{Inner, UserCache};
use crate::error::BoxError;

impl<U: Send + Sync + 'static> UserCache<U> {
    /// Removes the users that a channel names, so that changes by other processes, or by hand in the
    /// database, take effect as soon as the channel reports them. The [time to live](Self::ttl)
    /// stays the longest delay.
    ///
    /// Nothing is spawned: give the future to your runtime. From the call on, and whenever the
    /// channel is [disconnected](Invalidation::Disconnected), the cache is **bypassed**: every request
    /// loads its user itself, and a line in the log says so. The cache starts empty each time the
    /// channel is [connected](Invalidation::Connected).
    ///
    /// The future ends with the channel, or at the next message after the last handle to the cache
    /// was dropped. If it ends or is dropped, the cache is bypassed until another call of `subscribe`
    /// has connected. With several channels, all have to be connected.
    ///
    /// The database that the loader reads must already contain the changes that the channel reports:
    /// with replicas, load from the primary.
    ///
    /// ```
    /// use futures_util::stream;
    /// use tower_warder::cache::{Invalidation, UserCache};
    /// # use tower_warder::testing::TestUser as User;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let cache = UserCache::<User>::new(10_000);
    /// // From LISTEN/NOTIFY, Redis or another channel that the instances share.
    /// let channel = stream::iter([Invalidation::Connected, Invalidation::Key("7".to_owned())]);
    /// tokio::spawn(cache.subscribe(channel));
    /// # });
    /// ```
    #[must_use = "the cache is bypassed until this future is polled: `tokio::spawn(cache.subscribe(…))`"]
    pub fn subscribe(
        &self,
        channel: impl Stream<Item = Invalidation> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Now, not when the future is polled, so that no change between the two is missed.
        let mut subscription = Subscription::new(&self.0);
        async move {
            let mut channel = pin!(channel);
            while let Some(invalidation) = channel.next().await {
                if subscription.receive(invalidation).is_none() {
                    return;
                }
            }
            subscription.disconnect("the channel has ended".into());
        }
    }
}

/// The subscription of a cache to one channel.
struct Subscription<U> {
    cache: Weak<Inner<U>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not connected yet.
    Connecting,
    Connected,
    /// Not connected, which has been logged.
    Disconnected,
}

impl<U> Subscription<U> {
    fn new(cache: &Arc<Inner<U>>) -> Self {
        cache.channels.begin();
        Self {
            cache: Arc::downgrade(cache),
            state: State::Connecting,
        }
    }

    /// Returns `None` if the last handle to the cache was dropped.
    fn receive(&mut self, invalidation: Invalidation) -> Option<()> {
        let cache = UserCache(self.cache.upgrade()?);
        match invalidation {
            Invalidation::Connected => self.connect(&cache),
            Invalidation::Key(key) => cache.remove(&key),
            Invalidation::All => cache.remove_all(),
            Invalidation::Disconnected(reason) => self.disconnect(reason),
        }
        Some(())
    }

    fn connect(&mut self, cache: &UserCache<U>) {
        // Cached users and loads under way may miss a change.
        cache.remove_all();
        if self.state == State::Connected {
            return;
        }
        cache.0.channels.connect();
        if self.state == State::Disconnected {
            tracing::info!("the channel of invalidations is back: the user cache starts empty");
        }
        self.state = State::Connected;
    }

    fn disconnect(&mut self, reason: BoxError) {
        let before = std::mem::replace(&mut self.state, State::Disconnected);
        let Some(cache) = self.cache.upgrade() else {
            return;
        };
        if before == State::Connected {
            cache.channels.disconnect();
        }
        if before != State::Disconnected {
            tracing::warn!(
                %reason,
                "the channel of invalidations is down: \
                 the user cache is bypassed, every request loads its user"
            );
        }
    }
}

impl<U> Drop for Subscription<U> {
    fn drop(&mut self) {
        if self.state == State::Connected {
            self.disconnect("the subscription was dropped".into());
        }
        if let Some(cache) = self.cache.upgrade() {
            cache.channels.end();
        }
    }
}
