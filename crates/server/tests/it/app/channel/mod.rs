//! The two channels of invalidations, against real servers.

mod postgres;
mod redis;

use tempfile::tempdir;
use tower_warder_server::channel::Channel;
use tower_warder_test_support::Listener;

async fn listener(url: &str) -> Listener {
    let channel: Channel = url.parse().unwrap();
    Listener::connected(channel.listen()).await
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
