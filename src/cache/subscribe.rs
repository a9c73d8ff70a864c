//! A cache that hears what changes elsewhere.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Weak};

use futures_util::{Stream, StreamExt};

use super::invalidation::Invalidation;
use super::{Inner, UserCache};
use crate::error::BoxError;

impl<U: Send + Sync + 'static> UserCache<U> {
    /// Forgets whom a channel names: what other processes, or whoever works on the database by
    /// hand, change is seen as soon as the channel says it. The
    /// [time to live](Self::ttl) stays the longest delay.
    ///
    /// Nothing is spawned: give the future to your runtime. From the call on, and whenever the
    /// channel is [disconnected](Invalidation::Disconnected), the cache **stands aside**: every
    /// request asks the store, by itself. A line in the log says so. Each time the channel is
    /// [connected](Invalidation::Connected) the cache starts empty.
    ///
    /// The future ends when the channel does, or at its next word once nobody holds the cache any
    /// more. If it ends or is dropped, the cache stands aside until the next call of `subscribe` has connected. Of
    /// several channels all have to be connected.
    ///
    /// The store that is asked has to know what the channel says: with replicas of a database, the
    /// primary.
    ///
    /// ```
    /// # use futures_util::{FutureExt, StreamExt, stream};
    /// # use tower_warder::cache::{Invalidation, UserCache};
    /// # use tower_warder::testing::TestUser as User;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let cache = UserCache::<User>::new(10_000);
    /// // From LISTEN/NOTIFY, Redis or whatever the nodes share.
    /// let channel = stream::iter([Invalidation::Connected, Invalidation::Key("7".to_owned())]);
    /// tokio::spawn(cache.subscribe(channel));
    /// # });
    /// ```
    #[must_use = "the cache stands aside until somebody polls this: `tokio::spawn(cache.subscribe(…))`"]
    pub fn subscribe(
        &self,
        channel: impl Stream<Item = Invalidation> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Now, not when the future is polled: nothing is to be missed between the two.
        let mut follower = Follower::new(&self.0);
        async move {
            let mut channel = pin!(channel);
            while let Some(invalidation) = channel.next().await {
                if follower.hear(invalidation).is_none() {
                    return;
                }
            }
            follower.lose("the channel has ended".into());
        }
    }
}

/// Who hears one channel for a cache.
struct Follower<U> {
    cache: Weak<Inner<U>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not connected yet.
    Beginning,
    Connected,
    /// Not connected, and the log says so.
    Disconnected,
}

impl<U> Follower<U> {
    fn new(cache: &Arc<Inner<U>>) -> Self {
        cache.channels.begin();
        Self {
            cache: Arc::downgrade(cache),
            state: State::Beginning,
        }
    }

    /// `None` if nobody has the cache any more.
    fn hear(&mut self, invalidation: Invalidation) -> Option<()> {
        let cache = UserCache(self.cache.upgrade()?);
        match invalidation {
            Invalidation::Connected => self.connect(&cache),
            Invalidation::Key(key) => cache.forget(&key),
            Invalidation::All => cache.forget_all(),
            Invalidation::Disconnected(reason) => self.lose(reason),
        }
        Some(())
    }

    fn connect(&mut self, cache: &UserCache<U>) {
        // What was known before, and what was being loaded, may miss a change.
        cache.forget_all();
        if self.state == State::Connected {
            return;
        }
        cache.0.channels.connect();
        if self.state == State::Disconnected {
            tracing::info!("the channel of invalidations is back: the user cache starts empty");
        }
        self.state = State::Connected;
    }

    fn lose(&mut self, reason: BoxError) {
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
                 the user cache stands aside, every request asks the store"
            );
        }
    }
}

impl<U> Drop for Follower<U> {
    fn drop(&mut self) {
        if self.state == State::Connected {
            self.lose("nobody follows the channel any more".into());
        }
        if let Some(cache) = self.cache.upgrade() {
            cache.channels.end();
        }
    }
}
