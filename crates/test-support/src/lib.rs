//! Shared helpers for the tests of this workspace.

#![forbid(unsafe_code)]

mod counts;
mod listener;
mod log;
mod servers;
mod own_server;
#[cfg(feature = "accounts")]
mod postgres;
mod schedules;
mod store;
mod tcp_proxy;
#[cfg(feature = "accounts")]
mod place;
#[cfg(feature = "accounts")]
pub mod accounts;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

pub use self::counts::{Counts, counted};
pub use self::listener::Listener;
pub use self::log::{Log, Trace};
pub use self::own_server::OwnServer;
#[cfg(feature = "accounts")]
pub use self::place::{Place, open};
#[cfg(feature = "accounts")]
pub use self::postgres::PostgresDatabase;
pub use self::schedules::{Schedule, explore};
pub use self::servers::{postgres_url, redis_url};
pub use self::store::{Counting, Mood, OUTAGE, Store, identity, layer};
pub use self::tcp_proxy::TcpProxy;

/// Response with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub extensions: http::Extensions,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

/// A GET request without a credential.
pub fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// A GET request with a bearer token.
pub fn get_with(path: &str, token: &str) -> Request<Body> {
    Request::get(path)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap()
}

/// Sends one request to a router, without a port.
pub async fn send(app: &Router, request: Request<Body>) -> Answer {
    read(app.clone().oneshot(request).await.unwrap()).await
}

/// Reads the whole body of a response.
pub async fn read<B>(response: Response<B>) -> Answer
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        extensions: parts.extensions,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A service that panics when it is called unready, and whose clone is not ready.
#[derive(Debug)]
pub struct Strict<F> {
    answer: F,
    ready: bool,
}

impl<F> Strict<F> {
    pub fn new(answer: F) -> Self {
        Self {
            answer,
            ready: false,
        }
    }
}

impl<F: Clone> Clone for Strict<F> {
    fn clone(&self) -> Self {
        Self::new(self.answer.clone())
    }
}

impl<F, ReqBody, ResBody> Service<Request<ReqBody>> for Strict<F>
where
    F: FnMut(Request<ReqBody>) -> Response<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<ResBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        assert!(self.ready, "called without having been polled ready");
        self.ready = false;
        ready(Ok((self.answer)(request)))
    }
}

/// Inner service of a guarded route: responds with `in`.
pub fn inside() -> Strict<fn(Request<Body>) -> Response<Body>> {
    Strict::new(|_| Response::new(Body::from("in")))
}
