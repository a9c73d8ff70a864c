//! The public keys of a ring, for other services.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::jwt::keys::KeyRing;

/// Serves the public keys of a [`KeyRing`] as a JSON Web Key Set (RFC 7517), by convention at
/// `/.well-known/jwks.json`.
///
/// A tower service: a route of axum, or what a hyper service calls. It answers GET and HEAD on
/// whatever path it is, and 304 to whoever has the keys already. Secrets are never among them.
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
/// Who fetched the keys keeps them for [`max_age`](Self::max_age). To rotate without a token being
/// refused anywhere, [add](KeyRing::add) the new key at least that long before you
/// [sign](KeyRing::set_signing_key) with it (or as long as verifiers pause between two fetches, if that
/// is longer: `RemoteJwks` 30 seconds), and [remove](KeyRing::remove) the old one when the last of its
/// tokens has expired. A key that was stolen is refused here as soon as you remove it, and
/// elsewhere after that time.
#[derive(Clone)]
#[must_use]
pub struct JwksEndpoint {
    ring: KeyRing,
    max_age: Duration,
}

impl JwksEndpoint {
    /// Serves the public keys that are in `ring` at the time.
    pub fn new(ring: &KeyRing) -> Self {
        Self {
            ring: ring.clone(),
            max_age: DEFAULT_MAX_AGE,
        }
    }

    /// How long others may keep the keys, in whole seconds (`Cache-Control`). Defaults to 5
    /// minutes.
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<String> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut refusal = Response::new(String::new());
            *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allowed = HeaderValue::from_static("GET, HEAD");
            refusal.headers_mut().insert(header::ALLOW, allowed);
            return refusal;
        }
        let (json, etag) = self.ring.publication(|keys| {
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
        ready(Ok(self.answer(request.method(), request.headers())))
    }
}

impl fmt::Debug for JwksEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksEndpoint")
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// `If-None-Match` (RFC 9110, section 13.1.2): compared weakly. Our tags have no commas in them.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// RFC 7517, section 8.5.2.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
