//! Limits on open streams: for each account, and in total.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Counter of the open streams of this process.
#[derive(Clone)]
pub struct StreamLimit {
    most: usize,
    open: Arc<Mutex<HashMap<i64, usize>>>,
}

impl StreamLimit {
    /// Allows `most` streams in total, and 16 for each account.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// Opens one more stream of an account; it counts until the permit is dropped.
    pub fn open(&self, id: i64) -> Result<StreamPermit, TooManyStreams> {
        let mut open = self.lock();
        // Only accounts with streams are in the map: few enough to sum.
        let all: usize = open.values().sum();
        let count = open.get(&id).copied().unwrap_or_default();
        if all >= self.most || count >= MAX_PER_ACCOUNT {
            return Err(TooManyStreams);
        }
        open.insert(id, count + 1);
        Ok(StreamPermit {
            id,
            limit: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open stream of an account.
pub struct StreamPermit {
    id: i64,
    limit: StreamLimit,
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
        if let Some(count) = open.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.id);
            }
        }
    }
}

/// 429 (RFC 6585, section 4).
#[derive(Debug)]
pub struct TooManyStreams;

impl IntoResponse for TooManyStreams {
    fn into_response(self) -> Response {
        let (status, detail, code) = TOO_MANY_STREAMS;
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        });
        let headers = [
            (CONTENT_TYPE, "application/problem+json"),
            (CACHE_CONTROL, "no-store"),
            (RETRY_AFTER, RETRY_SECONDS),
        ];
        (status, headers, problem.to_string()).into_response()
    }
}

pub const TOO_MANY_STREAMS: (StatusCode, &str, &str) = (
    StatusCode::TOO_MANY_REQUESTS,
    "Too many open streams",
    "too_many_requests",
);

/// A page opens a few streams, and a user has a few pages open.
const MAX_PER_ACCOUNT: usize = 16;

/// By then a lost connection has been detected.
const RETRY_SECONDS: &str = "60";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_limited_in_total_and_released() {
        let limit = StreamLimit::new(3);
        let open: Vec<_> = (1..=3).map(|id| limit.open(id).unwrap()).collect();
        assert!(limit.open(4).is_err() && limit.open(1).is_err());
        drop(open);
        assert!(limit.lock().is_empty());
        assert!(limit.open(4).is_ok());
    }
}
