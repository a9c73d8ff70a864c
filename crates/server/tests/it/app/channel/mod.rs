//! The two channels of invalidations, against real servers.

mod postgres;
mod redis;

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tempfile::tempdir;
use tokio::time::timeout;
use tower_warder::cache::Invalidation;
use tower_warder_server::channel::Channel;

/// Listener for invalidations, as each node has one.
struct Listener(Pin<Box<dyn Stream<Item = Invalidation>>>);

impl Listener {
    /// Waits until it is connected.
    async fn at(url: &str) -> Self {
        let channel: Channel = url.parse().unwrap();
        let mut listener = Self(Box::pin(channel.listen()));
        assert_eq!(listener.next_message().await, "connected");
        listener
    }

    /// Returns the next message: `connected`, `disconnected`, `all` or the ID of a user.
    async fn next_message(&mut self) -> String {
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
    async fn messages_until(&mut self, last: &str) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|message| message != last) {
            messages.push(self.next_message().await);
        }
        messages
    }
}

#[test]
fn channel_address_is_shown_without_password() {
    for (url, address) in [
        (
            "redis://ada:hidden-4dgQ@cache.example:6380/1",
            "cache.example:6380",
        ),
        ("redis://cache.example", "cache.example:6379"),
        (
            "postgres://ada:hidden-4dgQ@db.example/accounts",
            "postgres://db.example:5432/accounts",
        ),
    ] {
        let channel: Channel = url.parse().unwrap();
        assert_eq!(channel.to_string(), address);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn invalid_channel_url_is_rejected_without_password() {
    use crate::server::Start;
    use crate::server::configuration::assert_one_line;

    for url in [
        "",
        "nonsense",
        "hidden-4dgQ",
        "redis:",
        "redis://",
        "redis://:hidden-4dgQ@",
        "redis://:hidden-4dgQ@host:port",
        "redis://:12/hidden-4dgQ@host",
        "redis://:hidden-4dgQ@host/name",
        // The client is built without TLS.
        "rediss://:hidden-4dgQ@host",
        "memcached://:hidden-4dgQ@host",
        "sqlite://hidden-4dgQ",
        "postgres:",
        "postgres://ada:12/hidden-4dgQ@host/accounts",
        "postgres://host/accounts?pasword=hidden-4dgQ",
    ] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).with("INVALIDATION_URL", url);
        let error = start.with("USER_CACHE_TTL", "5s").startup_error().await;
        assert_one_line(&error);
        assert!(error.starts_with("INVALIDATION_URL: "), "{url}: {error}");
        assert!(error.contains("give "), "{url}: {error}");
        assert!(!error.contains("hidden-4dgQ"), "{error}");
        assert_eq!(directory.path().read_dir().unwrap().count(), 0, "{url}");
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
