//! Listener for invalidations.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use tower_warder::cache::Invalidation;

/// Listener for invalidations, as each instance has one.
pub struct Listener(Pin<Box<dyn Stream<Item = Invalidation>>>);

impl Listener {
    /// Waits until it is connected.
    pub async fn connected(invalidations: impl Stream<Item = Invalidation> + 'static) -> Self {
        let mut listener = Self(Box::pin(invalidations));
        assert_eq!(listener.next_message().await, "connected");
        listener
    }

    /// Returns the next message: `connected`, `disconnected`, `all` or the key of a user.
    pub async fn next_message(&mut self) -> String {
        let message = timeout(PATIENCE, self.0.next()).await;
        match message.expect("a message").expect("it never ends") {
            Invalidation::Connected => "connected".to_owned(),
            Invalidation::Key(id) => id,
            Invalidation::All => "all".to_owned(),
            Invalidation::Disconnected(_) => "disconnected".to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// Returns the messages up to this one.
    pub async fn messages_until(&mut self, last: &str) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|message| message != last) {
            messages.push(self.next_message().await);
        }
        messages
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
