//! HTTP server with limits on each connection, against slow and idle clients.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tower::ServiceExt;
use tower_warder_accounts::private::network;

/// Resolves when the server is to stop. Streams end then.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// Listens with a queue that holds a burst of [`MAX_CONNECTIONS`].
///
/// When it is full, the kernel drops connections that their clients believe to be open; these wait
/// for seconds. The default queue holds 128. Linux takes `net.core.somaxconn` at most.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As `TcpListener::bind` does: on Windows, another program could take the port over.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_CONNECTIONS as u32)
}

/// Serves until `stop` resolves, and then finishes running requests.
///
/// | what | limit |
/// |---|---|
/// | connections | 4096; as many wait to be accepted |
/// | connections of one address (of one /64 in IPv6) | `per_address`; more are closed at once. Loopback has no limit, because a proxy connects from there and limits its clients |
/// | the head of a request, including the wait for the first and the next one | 10 s, 16 KiB |
/// | the body of a request | 10 s, 8 KiB: by the routes that read one |
/// | a response, a stream, HTTP/2: time without a new request and without a sent part of a response | 75 s; streams send a keep-alive every 15 s |
///
/// An upgraded connection (a WebSocket) counts as a stream instead.
pub async fn serve(listener: TcpListener, app: Router, per_address: usize, stop: Stop) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let addresses = Addresses::new(per_address);
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let mut stop = stop.fuse();
    let mut was_accepting = true;
    loop {
        let accept = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            // Out of file descriptors or memory: one log line until it works again.
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
        let (Some(address), Ok(permit)) = (addresses.acquire(peer.ip()), permit) else {
            continue;
        };
        let connection = Connection {
            builder: builder.clone(),
            app: app.clone(),
            peer,
            watcher: graceful.watcher(),
            _permit: permit,
            _address: address,
        };
        tokio::spawn(connection.serve(stream));
    }
    // Stop accepting connections.
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
        // Bytes that a client may send before the application reads them.
        .initial_connection_window_size(WINDOW_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .max_send_buf_size(MAX_HEAD_BYTES);
    // Extended CONNECT (RFC 8441) stays off: `/api/ws` does not support it, and the idle timeout
    // does not see the traffic of an upgraded stream. Browsers then open WebSockets over HTTP/1.1.
    builder
}

/// One connection, and its share of the limits.
struct Connection {
    builder: Builder<TokioExecutor>,
    app: Router,
    peer: SocketAddr,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
    _address: Address,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let activity = Activity::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            activity.renew();
            request.extensions_mut().insert(ConnectInfo(self.peer));
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
            // Errors are caused by the client and not logged.
            _ = self.watcher.watch(connection) => {}
            () = activity.ends() => {}
        }
    }
}

/// Deadline of a connection, extended by each request and each sent part of a response.
#[derive(Clone)]
struct Activity(Arc<Mutex<Instant>>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now() + HEAD_TIMEOUT)))
    }

    fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + IDLE_TIMEOUT;
    }

    /// Resolves when the connection has been idle for too long.
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

/// Number of connections of each address.
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

    /// Adds a connection; `None` if there are too many.
    fn acquire(&self, address: IpAddr) -> Option<Address> {
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

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Together with the streams, below the `LimitNOFILE` of the unit.
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
    fn connections_are_limited_by_network_and_released() {
        let addresses = Addresses::new(2);
        let acquire = |text: &str| addresses.acquire(text.parse().unwrap());
        let first = acquire("192.0.2.1");
        let second = acquire("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
        drop(first);
        let third = acquire("192.0.2.1");
        assert!(third.is_some() && acquire("192.0.2.1").is_none());

        let held = ["2001:db8::1", "2001:db8::2"].map(|text| acquire(text).unwrap());
        assert!(acquire("2001:db8::3").is_none());
        assert!(acquire("2001:db8:0:1::3").is_some());
        let local: Vec<_> = (0..9).map(|_| acquire("127.0.0.1").unwrap()).collect();

        drop((second, third, held, local));
        assert!(addresses.counts.lock().unwrap().is_empty());
    }
}
