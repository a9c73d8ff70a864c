//! One request through a service, as a server sends it.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use futures_util::FutureExt;
use tower::{Service, ServiceExt};

use super::row::Row;

/// Credential of a request, if it has one.
pub type Credential = Option<(HeaderName, HeaderValue)>;

pub fn bearer(token: &str) -> Credential {
    let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    Some((header::AUTHORIZATION, value))
}

/// A row that makes a request, sends it through a clone of `service` and drops the answer.
///
/// Making the request is part of every row, also of those without authentication. Panics unless the
/// response has the `expected` status, so that no row measures something else.
pub fn row<S, B>(name: &str, service: S, credential: Credential, expected: StatusCode) -> Row
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    B: 'static,
{
    let answer = send(&service, &credential);
    assert_eq!(answer.status(), expected, "{name}");
    Row::new(name, move || send(&service, &credential))
}

/// Sends a request without a runtime: nothing in the benchmarks waits.
pub fn send<S, B>(service: &S, credential: &Credential) -> Response<B>
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone,
{
    let answer = service.clone().oneshot(request(credential));
    let Ok(answer) = answer.now_or_never().expect("nothing waits");
    answer
}

pub fn request(credential: &Credential) -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static("/me");
    let headers = request.headers_mut();
    headers.reserve(4);
    headers.insert(header::HOST, HeaderValue::from_static("api.example.com"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some((name, value)) = credential {
        headers.insert(name, value.clone());
    }
    request
}
