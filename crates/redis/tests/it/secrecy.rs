//! User name and password of the URL are secrets.

use std::error::Error;

use futures_util::StreamExt;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;
use tower_warder::cache::Invalidation;
use tower_warder::error::AuthErrorKind;
use tower_warder::testing;
use tower_warder_accounts::throttle::ThrottleStore;
use tower_warder_redis::redis::{Client, cmd};
use tower_warder_redis::{RedisChannel, RedisDenyList, RedisThrottleStore};
use tower_warder_test_support::Trace;

use crate::{PATIENCE, client, own_redis};

const PASSWORD: &str = "hidden-4dgQ";

#[test]
fn url_is_not_in_debug_output() {
    let client = client("redis://hidden-user:hidden-4dgQ@cache.example/");
    let channel = RedisChannel::new(client.clone());
    let list = RedisDenyList::new(client.clone());
    let throttle = RedisThrottleStore::new(client);
    for text in [
        format!("{channel:?} {list:?} {throttle:?}"),
        format!("{channel:#?} {list:#?} {throttle:#?}"),
    ] {
        assert!(!text.contains("hidden"), "{text}");
    }
}

#[test]
fn password_is_not_in_url_errors() {
    for url in [
        "redis://:hidden-4dgQ@",
        "redis://:hidden-4dgQ@host:port",
        "redis://:12/hidden-4dgQ@host",
        "redis://:hidden-4dgQ@host/name",
        "redis://:hidden-4dgQ%ff@host",
        "redis://:hidden-4dgQ@0.0.0.0",
        "memcached://:hidden-4dgQ@host",
        "unix:?pass=hidden-4dgQ&db=name",
    ] {
        let error = Client::open(url).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(PASSWORD), "{url}: {text}");
    }
}

#[test]
fn rejected_password_is_not_in_errors_or_log() {
    let Some(redis) = own_redis() else { return };
    // The log is recorded on one thread.
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let admin = client(redis.url());
        let mut admin = admin.get_multiplexed_async_connection().await.unwrap();
        let mut command = cmd("CONFIG");
        command.arg("SET").arg("requirepass").arg("another");
        let () = command.query_async(&mut admin).await.unwrap();
        let address = redis.url().strip_prefix("redis://").unwrap();
        is_not_told(&format!("redis://:{PASSWORD}@{address}")).await;
    });
}

async fn is_not_told(url: &str) {
    let trace = Trace::record();
    let channel = RedisChannel::new(client(url));
    let _publisher = channel.publisher();
    let mut listener = Box::pin(channel.listen());
    let message = timeout(PATIENCE, listener.next()).await.unwrap();
    let Some(Invalidation::Disconnected(reason)) = message else {
        panic!("{message:?}");
    };
    let claims = testing::verifier().verify_token(&testing::token("jane"));
    let list = RedisDenyList::new(client(url));
    let error = list.deny(&claims.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    let source = error.source().map(ToString::to_string).unwrap();
    let throttle = RedisThrottleStore::new(client(url));
    let uncounted = throttle.take(&[]).await.unwrap_err();
    let log = timeout(PATIENCE, async {
        while trace.lines("cannot be published").is_empty() {
            yield_now().await;
        }
        trace.text()
    });
    for text in [
        format!("{reason} {reason:?} {error} {error:?} {source} {uncounted} {uncounted:?}"),
        log.await.unwrap(),
    ] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
