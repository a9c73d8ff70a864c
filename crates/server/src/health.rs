//! Health checks: liveness for service managers, readiness for load balancers.

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

/// Routes of the health checks. `GET /healthz` is 200 as long as the process responds, without a
/// call to the store. `GET /readyz` is 200 if `ask` succeeds and the server is not stopping, else
/// 503. Both are public, so they reveal nothing else.
pub fn routes<A>(ask: A, stop: Stop) -> Router
where
    A: Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync + 'static,
{
    let readiness = Readiness {
        ask: Box::new(ask),
        stop,
        was_ready: AtomicBool::new(true),
        check: Mutex::new(None),
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .with_state(Arc::new(readiness))
}

async fn health() -> Response {
    text_response(StatusCode::OK, "ok")
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    tokio::select! {
        // Checked first, and also while a check is pending: the load balancer must learn it at
        // once.
        biased;
        () = readiness.stop.clone() => text_response(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        ready = readiness.answer() => match ready {
            true => text_response(StatusCode::OK, "ready"),
            false => text_response(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        }
    }
}

fn text_response(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

struct Readiness {
    ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
    stop: Stop,
    was_ready: AtomicBool,
    check: Mutex<Option<Check>>,
}

impl Readiness {
    /// Returns the result of the pending check, of the last one while it is fresh, or of a new one:
    /// concurrent requests share one call to the store.
    async fn answer(self: Arc<Self>) -> bool {
        let answer = {
            let mut last = self.check.lock().unwrap_or_else(PoisonError::into_inner);
            match &*last {
                Some(check) if check.is_fresh() => check.answer.clone(),
                _ => last.insert(Check::start(&self)).answer.clone(),
            }
        };
        answer.await
    }

    async fn ask(&self) -> bool {
        let error = match time::timeout(TIMEOUT, (self.ask)()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the store did not answer in time".to_owned()),
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

/// One check of the store, in a task of its own: it completes even if its requests are cancelled,
/// so that cancelling and retrying does not call the store again.
struct Check {
    started: Instant,
    task: AbortHandle,
    answer: Shared<BoxFuture<'static, bool>>,
}

impl Check {
    fn start(readiness: &Arc<Readiness>) -> Self {
        let readiness = Arc::clone(readiness);
        let task = tokio::spawn(async move { readiness.ask().await });
        Self {
            started: Instant::now(),
            task: task.abort_handle(),
            // A check that panics is not ready.
            answer: task.map(|ready| ready.unwrap_or(false)).boxed().shared(),
        }
    }

    fn is_fresh(&self) -> bool {
        self.started.elapsed() < FRESHNESS || !self.task.is_finished()
    }
}

/// Timeout of a check.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long a result stays fresh.
const FRESHNESS: Duration = Duration::from_millis(500);
