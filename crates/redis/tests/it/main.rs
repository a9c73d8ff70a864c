//! Channel, deny list and throttle, with the Redis of `REDIS_URL`, with one that fails, and with none.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

mod channel;
mod deny_list;
mod secrecy;
mod throttle;
#[cfg(feature = "rustls")]
mod tls;

use std::env;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::block_in_place;
use tower_warder_redis::redis::Client;
use tower_warder_test_support::OwnServer;

fn client(url: &str) -> Client {
    Client::open(url).unwrap()
}

/// Server that the test may kill. The test needs a multi-threaded runtime.
fn own_redis() -> Option<OwnServer> {
    if env::var_os("SERVICES").is_none() {
        println!("skipped: SERVICES names no script");
        return None;
    }
    Some(block_in_place(|| OwnServer::of("redis")))
}

/// Server that accepts connections and sends nothing, and its URL.
async fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    (listener, url)
}

const PATIENCE: Duration = Duration::from_secs(20);
