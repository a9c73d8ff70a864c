//! Serves connections, each within limits, so that clients that stop in the middle hold nothing for
//! long and take nothing from others.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tower::ServiceExt;

/// Resolves when the server stops: it does not wait for streams.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// Serves until it is told to stop, and then finishes what runs.
///
/// | what | limit |
/// |---|---|
/// | connections | 4096; more wait to be accepted |
/// | connections of one address (of one /64 in IPv6) | `per_address`; more are closed at once. Loopback has no limit: there is a proxy, which knows the addresses |
/// | the head of a request, and the time until the first and the next one | 10 s, 16 KiB |
/// | the body of a request | 10 s, 8 KiB: by the routes that read one |
/// | a response, a stream, HTTP/2: the time in which nothing is asked, and nothing of a response taken | 75 s; streams say something every 15 s |
///
/// An upgraded connection (a WebSocket) counts among the streams instead.
pub async fn serve(listener: TcpListener, app: Router, per_address: usize, stop: Stop) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let addresses = Addresses::new(per_address);
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let mut stop = stop.fuse();
    let mut was_accepting = true;
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            // No file or no memory is left: one line until it works again.
            Err(error) => {
                if was_accepting {
                    tracing::error!(%error, "connections cannot be accepted");
                }
                was_accepting = false;
                sleep(RETRY).await;
                continue;
            }
        };
        was_accepting = true;
        let (Some(address), Ok(place)) = (addresses.enter(peer.ip()), place) else {
            continue;
        };
        let connection = Connection {
            builder: builder.clone(),
            app: app.clone(),
            watcher: graceful.watcher(),
            _place: place,
            _address: address,
        };
        tokio::spawn(connection.serve(stream));
    }
    // No connection is taken any more.
    drop(listener);
    graceful.shutdown().await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(HEAD_TIMEOUT)
        .max_concurrent_streams(32)
        // What a client may send before anybody has read it.
        .initial_connection_window_size(WINDOW_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .max_send_buf_size(MAX_HEAD_BYTES);
    // Without extended CONNECT (RFC 8441): `/api/ws` does not answer it, and the limit of idle
    // connections does not see what an upgraded stream transfers. Browsers open WebSockets by
    // HTTP/1.1 then.
    builder
}

/// One connection, and what it takes of the limits.
struct Connection {
    builder: Builder<TokioExecutor>,
    app: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
    _address: Address,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let activity = Activity::new();
        let service = service_fn(|request: Request<Incoming>| {
            activity.renew();
            let activity = activity.clone();
            let response = self.app.clone().oneshot(request.map(Body::new));
            response.map(move |response| {
                response.map(|response| {
                    response.map(|body| {
                        body.map_frame(move |frame| {
                            activity.renew();
                            frame
                        })
                    })
                })
            })
        });
        let io = TokioIo::new(stream);
        let connection = self.builder.serve_connection_with_upgrades(io, service);
        tokio::select! {
            // Whatever ends it: it is the client's business, and nothing for the log.
            _ = self.watcher.watch(connection) => {}
            () = activity.ends() => {}
        }
    }
}

/// When a connection ends, unless it is used before: asked, or part of a response taken.
#[derive(Clone)]
struct Activity(Arc<Mutex<Instant>>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now() + HEAD_TIMEOUT)))
    }

    fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + IDLE_TIMEOUT;
    }

    /// Waits until it was not used for too long.
    async fn ends(&self) {
        loop {
            let end = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// How many connections each address has.
#[derive(Clone)]
struct Addresses {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    fn new(most: usize) -> Self {
        Self {
            most,
            counts: Arc::default(),
        }
    }

    /// One more; `None` if there are too many.
    fn enter(&self, address: IpAddr) -> Option<Address> {
        let key = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= self.most && !key.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Address {
            key,
            addresses: self.clone(),
        })
    }
}

/// One connection of an address, until it is dropped.
struct Address {
    key: IpAddr,
    addresses: Addresses,
}

impl Drop for Address {
    fn drop(&mut self) {
        let counts = self.addresses.counts.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// What one client has: an address in IPv4, the first 64 bits in IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// With those of streams, below the `LimitNOFILE` of the unit.
pub const MAX_CONNECTIONS: usize = 4096;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Twice the longest token.
const MAX_HEAD_BYTES: usize = 16 * 1024;

const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

const PING_INTERVAL: Duration = Duration::from_secs(20);

const WINDOW_BYTES: u32 = 65_535;

const RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_bounded_by_network_and_given_back() {
        let addresses = Addresses::new(2);
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let first = enter("192.0.2.1");
        let second = enter("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some());
        drop(first);
        let third = enter("192.0.2.1");
        assert!(third.is_some() && enter("192.0.2.1").is_none());

        let held = ["2001:db8::1", "2001:db8::2"].map(|text| enter(text).unwrap());
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::3").is_some());
        let local: Vec<_> = (0..9).map(|_| enter("127.0.0.1").unwrap()).collect();

        drop((second, third, held, local));
        assert!(addresses.counts.lock().unwrap().is_empty());
    }
}
