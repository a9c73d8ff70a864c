//! Health and readiness, over a store that says what it is told to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, pending};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};
use tower_warder::BoxError;

use super::example::health;
use crate::support::{get, send};

#[tokio::test]
async fn a_process_that_answers_is_alive_whatever_its_store_says() {
    let server = Server::over(|| async { Err("gone".into()) });
    let answer = send(&server.app, get("/healthz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ok"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a_store_that_answers_is_ready() {
    let server = Server::over(|| async { Ok(()) });
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "ready"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_store_that_fails_is_not_ready_and_strangers_do_not_learn_why() {
    let server = Server::over(|| async { Err("10.0.0.7: connection refused".into()) });
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, "not ready"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_ready_after_a_second() {
    let server = Server::over(pending);
    let begin = Instant::now();
    assert_eq!(server.readiness().await, 503);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert_eq!(server.health().await, 200);
}

#[tokio::test]
async fn a_check_that_panics_is_not_ready() {
    let server = Server::over(|| async { panic!("a bug") });
    assert_eq!(server.readiness().await, 503);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_one_question_in_half_a_second() {
    let server = Server::over(|| time::sleep(Duration::from_millis(10)).map(Ok));
    for questions in 1..=3 {
        let answers = join_all((0..1000).map(|_| server.readiness())).await;
        assert!(answers.iter().all(|status| *status == 200));
        time::advance(Duration::from_millis(480)).await;
        assert_eq!(server.readiness().await, 200);
        assert_eq!(server.asked(), questions);
        time::advance(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_asked_once_at_a_time() {
    let server = Server::over(pending);
    let late = async {
        time::sleep(Duration::from_millis(900)).await;
        server.readiness().await
    };
    assert_eq!(tokio::join!(server.readiness(), late), (503, 503));
    assert_eq!(server.asked(), 1);
    assert_eq!(server.readiness().await, 503);
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_and_asks_again_does_not_ask_the_store_again() {
    let server = Server::over(|| time::sleep(Duration::from_millis(900)).map(Ok));
    for _ in 0..8 {
        let gone = time::timeout(Duration::from_millis(100), server.readiness()).await;
        assert!(gone.is_err());
    }
    assert_eq!(server.asked(), 1);
    time::sleep(Duration::from_secs(60)).await;
    // Nobody heard the answer, and it is old now.
    assert_eq!(server.readiness().await, 200);
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn readiness_comes_back_with_the_store() {
    let asked = AtomicUsize::new(0);
    let server = Server::over(move || {
        let outage = asked.fetch_add(1, Ordering::Relaxed) == 1;
        async move {
            match outage {
                true => Err("gone".into()),
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
async fn a_server_that_stops_is_alive_and_not_ready_and_does_not_ask() {
    let mut server = Server::over(|| async { Ok(()) });
    server.stop();
    let answer = send(&server.app, get("/readyz")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, "stopping"));
    assert_eq!(server.health().await, 200);
    assert_eq!(server.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_a_question_is_told_at_once() {
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

/// A server that counts how often its store is asked.
struct Server {
    app: Router,
    asked: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    fn over<F>(store: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let asked = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let count = Arc::clone(&asked);
        let ask = move || -> BoxFuture<'static, _> {
            count.fetch_add(1, Ordering::Relaxed);
            store().boxed()
        };
        // Who drops the other end has not said stop.
        let stopped = async {
            if stopped.await.is_err() {
                pending().await
            }
        };
        Self {
            app: health::routes(ask, stopped.boxed().shared()),
            asked,
            stop: Some(stop),
        }
    }

    async fn health(&self) -> u16 {
        send(&self.app, get("/healthz")).await.status.as_u16()
    }

    async fn readiness(&self) -> u16 {
        send(&self.app, get("/readyz")).await.status.as_u16()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}
