//! HTTP client that fetches documents.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use reqwest::redirect::Policy;

use super::error::FetchError;
use crate::error::BoxError;

/// HTTP client of a [`RemoteJwks`](crate::jwks::RemoteJwks), set with
/// [`JwksBuilder::client`](crate::jwks::JwksBuilder::client).
///
/// Implement it for client certificates, custom root certificates, another proxy, or keys that are
/// not served over HTTP. Responses pass the same checks as those of the default client.
///
/// ```
/// use http::{Request, Response};
/// use tower_warder::{BoxError, async_trait};
/// use tower_warder::jwks::JwksClient;
///
/// /// Reads keys from a file that another process keeps up to date.
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
    /// Sends a GET request and reads the response. A body longer than `limit` bytes is an error.
    ///
    /// The client must not follow redirects, and need not check the status code or time out: the
    /// caller does both.
    async fn get(&self, request: Request<()>, limit: usize) -> Result<Response<Vec<u8>>, BoxError>;
}

#[async_trait]
impl<C: JwksClient + ?Sized> JwksClient for Arc<C> {
    async fn get(&self, request: Request<()>, limit: usize) -> Result<Response<Vec<u8>>, BoxError> {
        (**self).get(request, limit).await
    }
}

/// Default client: reqwest.
pub(super) struct HttpClient(reqwest::Client);

impl HttpClient {
    pub(super) fn new(is_plain: bool) -> Result<Self, FetchError> {
        let mut client = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .user_agent(concat!("tower-warder/", env!("CARGO_PKG_VERSION")));
        if is_plain {
            // A proxy could replace the keys in a plain response.
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
        let mut received = request.send().await.map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = received
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)?
        {
            if chunk.len() > limit - body.len() {
                return Err(FetchError::TooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = received.status();
        *response.headers_mut() = std::mem::take(received.headers_mut());
        Ok(response)
    }
}
