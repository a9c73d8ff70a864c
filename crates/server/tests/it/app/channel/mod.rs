//! The two channels by themselves, against real servers.

mod postgres;
mod redis;

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tempfile::tempdir;
use tokio::time::timeout;
use tower_warder::cache::Invalidation;

use super::example::channel::Channel;

/// Who listens, as each node does.
struct Listener(Pin<Box<dyn Stream<Item = Invalidation>>>);

impl Listener {
    /// Until it is connected.
    async fn at(url: &str) -> Self {
        let channel: Channel = url.parse().unwrap();
        let mut listener = Self(Box::pin(channel.listen()));
        assert_eq!(listener.hears().await, "connected");
        listener
    }

    /// The next word: `connected`, `disconnected`, `everybody` or a user's id.
    async fn hears(&mut self) -> String {
        let word = timeout(PATIENCE, self.0.next()).await;
        match word.expect("a word").expect("it never ends") {
            Invalidation::Connected => "connected".to_owned(),
            Invalidation::Key(id) => id,
            Invalidation::All => "everybody".to_owned(),
            Invalidation::Disconnected(_) => "disconnected".to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// The words up to this one.
    async fn hears_until(&mut self, last: &str) -> Vec<String> {
        let mut words = Vec::new();
        while words.last().is_none_or(|word| word != last) {
            words.push(self.hears().await);
        }
        words
    }
}

#[test]
fn the_place_of_a_channel_is_shown_without_the_password() {
    for (url, place) in [
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
        assert_eq!(channel.to_string(), place);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_channel_that_is_none_stops_the_start_and_its_password_is_not_repeated() {
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
        // Not encrypted, whatever the name says: the client is built without.
        "rediss://:hidden-4dgQ@host",
        "memcached://:hidden-4dgQ@host",
        "sqlite://hidden-4dgQ",
        "postgres:",
        "postgres://ada:12/hidden-4dgQ@host/accounts",
        "postgres://host/accounts?pasword=hidden-4dgQ",
    ] {
        let directory = tempdir().unwrap();
        let start = Start::in_directory(directory.path()).with("INVALIDATION_URL", url);
        let said = start.with("USER_CACHE_TTL", "5s").refusal().await;
        assert_one_line(&said);
        assert!(said.starts_with("INVALIDATION_URL: "), "{url}: {said}");
        assert!(said.contains("give "), "{url}: {said}");
        assert!(!said.contains("hidden-4dgQ"), "{said}");
        assert_eq!(directory.path().read_dir().unwrap().count(), 0, "{url}");
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
