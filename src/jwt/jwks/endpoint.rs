//! HTTP endpoint with the public keys of a ring.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::jwt::keys::KeyRing;

/// Service that publishes the public keys of a [`KeyRing`] as a JSON Web Key Set (RFC 7517), by
/// convention at `/.well-known/jwks.json`.
///
/// A tower service, for `route_service` of axum or for hyper. It answers GET and HEAD on any path,
/// and answers 304 if `If-None-Match` has the current entity tag. HMAC secrets are never published.
///
/// ```
/// use axum::Router;
/// use tower_warder::jwks::JwksEndpoint;
/// use tower_warder::keys::KeyRing;
///
/// fn app(ring: &KeyRing) -> Router {
///     Router::new().route_service("/.well-known/jwks.json", JwksEndpoint::new(ring))
/// }
/// ```
///
/// # Rotation
///
/// Clients may cache the keys for [`max_age`](Self::max_age). To rotate keys without rejected tokens,
/// [add](KeyRing::add) the new key at least that long before you
/// [sign](KeyRing::set_signing_key) with it (or as long as verifiers pause between two fetches, if
/// that is longer: `RemoteJwks` 30 seconds), and [remove](KeyRing::remove) the old key when its last
/// token has expired. A stolen key is rejected here as soon as you remove it, and by other services
/// after `max_age`.
#[doc(alias = "kid")]
#[doc(alias = "rotation")]
#[derive(Clone)]
#[must_use]
pub struct JwksEndpoint {
    ring: KeyRing,
    max_age: Duration,
}

impl JwksEndpoint {
    /// Creates an endpoint for the public keys in `ring`, including later changes.
    pub fn new(ring: &KeyRing) -> Self {
        Self {
            ring: ring.clone(),
            max_age: DEFAULT_MAX_AGE,
        }
    }

    /// Sets how long clients may cache the keys, in whole seconds (`Cache-Control: max-age`).
    /// Defaults to 5 minutes.
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    fn response(&self, method: &Method, headers: &HeaderMap) -> Response<String> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut rejection = Response::new(String::new());
            *rejection.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allowed = HeaderValue::from_static("GET, HEAD");
            rejection.headers_mut().insert(header::ALLOW, allowed);
            return rejection;
        }
        let (json, etag) = self.ring.with_jwk_set(|keys| {
            let is_known = is_known(headers, &keys.etag);
            let json = (!is_known).then(|| keys.json.clone());
            (json, HeaderValue::try_from(&keys.etag))
        });

        let mut response = Response::new(String::new());
        let head = response.headers_mut();
        if let Ok(etag) = etag {
            head.insert(header::ETAG, etag);
        }
        let max_age = format!("public, max-age={}", self.max_age.as_secs());
        if let Ok(max_age) = HeaderValue::try_from(max_age) {
            head.insert(header::CACHE_CONTROL, max_age);
        }
        let Some(json) = json else {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        };
        head.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        head.insert(header::CONTENT_LENGTH, json.len().into());
        if *method == Method::GET {
            *response.body_mut() = json;
        }
        response
    }
}

impl<B> Service<Request<B>> for JwksEndpoint {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.response(request.method(), request.headers())))
    }
}

impl_debug! { self: JwksEndpoint, max_age = self.max_age }

/// Evaluates `If-None-Match` (RFC 9110, section 13.1.2) by weak comparison. Splitting at commas is
/// safe, because entity tags of `JwkSetDocument` have none.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Media type of a JSON Web Key Set (RFC 7517, section 8.5.2).
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
