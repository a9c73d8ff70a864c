//! Health, for whoever decides what comes here: a service manager asks whether the process lives, a
//! balancer whether requests are well placed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;
use tokio::time::{self, Instant};
use tower_warder::BoxError;

use super::serve::Stop;

/// `GET /healthz`: 200 as long as the process answers; nobody is asked. `GET /readyz`: 200 if `ask`
/// says that the store answers and nobody has said stop, else 503. Both are for everybody, so they
/// say no more than that.
pub fn routes<A>(ask: A, stop: Stop) -> Router
where
    A: Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
{
    let readiness = Readiness {
        ask: Box::new(ask),
        stop,
        was_ready: AtomicBool::new(true),
        round: Mutex::new(None),
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .with_state(Arc::new(readiness))
}

async fn health() -> Response {
    said(StatusCode::OK, "ok")
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    tokio::select! {
        // First, and also in the middle of a question: the balancer is to know at once.
        biased;
        () = readiness.stop.clone() => said(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        ready = readiness.answer() => match ready {
            true => said(StatusCode::OK, "ready"),
            false => said(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        }
    }
}

fn said(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

struct Readiness {
    ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
    stop: Stop,
    was_ready: AtomicBool,
    round: Mutex<Option<Round>>,
}

impl Readiness {
    /// The answer of the question that is open, of the last one while it is fresh, or of a new one:
    /// however many ask here, the store is asked once.
    async fn answer(self: Arc<Self>) -> bool {
        let answer = {
            let mut last = self.round.lock().unwrap_or_else(PoisonError::into_inner);
            match &*last {
                Some(round) if round.counts() => round.answer.clone(),
                _ => last.insert(Round::begin(&self)).answer.clone(),
            }
        };
        answer.await
    }

    async fn ask(&self) -> bool {
        let error = match time::timeout(PATIENCE, (self.ask)()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the store is slow".to_owned()),
        };
        let ready = error.is_none();
        // One line for each change.
        if self.was_ready.swap(ready, Ordering::Relaxed) != ready {
            match error {
                Some(error) => tracing::warn!(error, "not ready"),
                None => tracing::info!("ready again"),
            }
        }
        ready
    }
}

/// One question to the store. A task of its own, so that it ends with its answer and not with
/// whoever waits for it: who hangs up and asks again does not ask the store again.
struct Round {
    began: Instant,
    task: AbortHandle,
    answer: Shared<BoxFuture<'static, bool>>,
}

impl Round {
    fn begin(readiness: &Arc<Readiness>) -> Self {
        let readiness = Arc::clone(readiness);
        let task = tokio::spawn(async move { readiness.ask().await });
        Self {
            began: Instant::now(),
            task: task.abort_handle(),
            // A check that panics is not ready.
            answer: task.map(|ready| ready.unwrap_or(false)).boxed().shared(),
        }
    }

    fn counts(&self) -> bool {
        self.began.elapsed() < PERIOD || !self.task.is_finished()
    }
}

/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long an answer counts.
const PERIOD: Duration = Duration::from_millis(500);
