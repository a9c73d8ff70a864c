//! How a document is fetched.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use reqwest::redirect::Policy;

use super::error::FetchError;
use crate::error::BoxError;

/// Sends the requests of a [`RemoteJwks`](crate::jwks::RemoteJwks): see
/// [`JwksBuilder::client`](crate::jwks::JwksBuilder::client).
///
/// Write your own for a certificate of the client, roots of your own, another proxy, or keys that
/// are not behind HTTP at all. What comes back is judged the same.
///
/// ```
/// use http::{Request, Response};
/// use tower_warder::{BoxError, async_trait};
/// use tower_warder::jwks::JwksClient;
///
/// /// Keys from a file that something else keeps up to date.
/// struct File;
///
/// #[async_trait]
/// impl JwksClient for File {
///     async fn get(&self, _: Request<()>, _: usize) -> Result<Response<Vec<u8>>, BoxError> {
///         Ok(Response::new(std::fs::read("/run/keys/jwks.json")?))
///     }
/// }
/// ```
#[async_trait]
pub trait JwksClient: Send + Sync + 'static {
    /// Sends a GET request and reads the answer, but no more than `limit` bytes of its body: what
    /// is longer is an error.
    ///
    /// Not for the client: to follow redirects, to decide about status codes, or to give up after
    /// some time.
    async fn get(&self, request: Request<()>, limit: usize) -> Result<Response<Vec<u8>>, BoxError>;
}

#[async_trait]
impl<C: JwksClient + ?Sized> JwksClient for Arc<C> {
    async fn get(&self, request: Request<()>, limit: usize) -> Result<Response<Vec<u8>>, BoxError> {
        (**self).get(request, limit).await
    }
}

/// By reqwest.
pub(super) struct HttpClient(reqwest::Client);

impl HttpClient {
    pub(super) fn new(is_plain: bool) -> Result<Self, FetchError> {
        let mut client = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .user_agent(concat!("tower-warder/", env!("CARGO_PKG_VERSION")));
        if is_plain {
            // Whoever carries it could put in other keys.
            client = client.no_proxy();
        } else {
            client = client.https_only(true);
        }
        let client = client.build();
        client
            .map(Self)
            .map_err(|error| FetchError::Client(error.into()))
    }
}

#[async_trait]
impl JwksClient for HttpClient {
    async fn get(&self, request: Request<()>, limit: usize) -> Result<Response<Vec<u8>>, BoxError> {
        let (head, ()) = request.into_parts();
        let request = self.0.get(head.uri.to_string()).headers(head.headers);
        let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if chunk.len() > limit - body.len() {
                return Err(FetchError::TooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}
