//! Liveness and readiness, over a store that the test controls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, pending};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};
use tower_warder::BoxError;
use tower_warder_server::health;

use crate::support::{get, send};

#[tokio::test]
async fn failed_store_does_not_affect_liveness() {
    let server = Server::over(|| async { Err("lost".into()) });
    let answer = send(&server.app, get("/healthz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ok"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn working_store_is_ready() {
    let server = Server::over(|| async { Ok(()) });
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ready"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn failed_store_is_not_ready_without_a_reason() {
    let server = Server::over(|| async { Err("10.0.0.7: connection refused".into()) });
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, "not ready"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn hanging_store_is_not_ready_after_one_second() {
    let server = Server::over(pending);
    let begin = Instant::now();
    assert_eq!(server.readiness().await, 503);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert_eq!(server.health().await, 200);
}

#[tokio::test]
async fn panicking_check_is_not_ready() {
    let server = Server::over(|| async { panic!("a bug") });
    assert_eq!(server.readiness().await, 503);
}

#[tokio::test(start_paused = true)]
async fn concurrent_checks_share_one_call_per_half_second() {
    let server = Server::over(|| time::sleep(Duration::from_millis(10)).map(Ok));
    for calls in 1..=3 {
        let answers = join_all((0..1000).map(|_| server.readiness())).await;
        assert!(answers.iter().all(|status| *status == 200));
        time::advance(Duration::from_millis(480)).await;
        assert_eq!(server.readiness().await, 200);
        assert_eq!(server.calls(), calls);
        time::advance(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn slow_store_is_called_once_at_a_time() {
    let server = Server::over(pending);
    let late = async {
        time::sleep(Duration::from_millis(900)).await;
        server.readiness().await
    };
    assert_eq!(tokio::join!(server.readiness(), late), (503, 503));
    assert_eq!(server.calls(), 1);
    assert_eq!(server.readiness().await, 503);
    assert_eq!(server.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancelled_check_does_not_call_the_store_again() {
    let server = Server::over(|| time::sleep(Duration::from_millis(900)).map(Ok));
    for _ in 0..8 {
        let cancelled = time::timeout(Duration::from_millis(100), server.readiness()).await;
        assert!(cancelled.is_err());
    }
    assert_eq!(server.calls(), 1);
    time::sleep(Duration::from_secs(60)).await;
    // The result is outdated now.
    assert_eq!(server.readiness().await, 200);
    assert_eq!(server.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn readiness_recovers_with_the_store() {
    let calls = AtomicUsize::new(0);
    let server = Server::over(move || {
        let outage = calls.fetch_add(1, Ordering::Relaxed) == 1;
        async move {
            match outage {
                true => Err("lost".into()),
                false => Ok(()),
            }
        }
    });
    for status in [200, 503, 200] {
        assert_eq!(server.readiness().await, status);
        time::advance(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn stopping_server_is_alive_and_not_ready() {
    let mut server = Server::over(|| async { Ok(()) });
    server.stop();
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, "stopping"));
    assert_eq!(server.health().await, 200);
    assert_eq!(server.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn stop_during_a_check_is_reported_at_once() {
    let mut server = Server::over(pending);
    let begin = Instant::now();
    let stop = server.stop.take().unwrap();
    let stop = async {
        time::sleep(Duration::from_millis(10)).await;
        stop.send(()).unwrap();
    };
    let (status, ()) = tokio::join!(server.readiness(), stop);
    assert_eq!((status, begin.elapsed()), (503, Duration::from_millis(10)));
}

/// A server that counts the calls to its store.
struct Server {
    app: Router,
    calls: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    fn over<F>(store: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let calls = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let count = Arc::clone(&calls);
        let ask = move || -> BoxFuture<'static, _> {
            count.fetch_add(1, Ordering::Relaxed);
            store().boxed()
        };
        // A dropped sender is no stop.
        let stopped = async {
            if stopped.await.is_err() {
                pending().await
            }
        };
        Self {
            app: health::routes(ask, stopped.boxed().shared()),
            calls,
            stop: Some(stop),
        }
    }

    async fn health(&self) -> u16 {
        send(&self.app, get("/healthz")).await.status.as_u16()
    }

    async fn readiness(&self) -> u16 {
        send(&self.app, get("/readyz")).await.status.as_u16()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}
