//! One fetch: discovery, request and validation of the response.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
use http::header::{HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use super::client::JwksClient;
use super::document::{self, Accepted, KeySet};
use super::error::FetchError;
use super::url::JwksUrl;

/// Fetches keys, and keeps their URL and entity tag to make the next fetch less expensive.
pub(super) struct Fetcher {
    pub(super) source: Source,
    pub(super) client: Arc<dyn JwksClient>,
    pub(super) accepted: Accepted,
    pub(super) timeout: Duration,
    pub(super) max_document_bytes: usize,
    pub(super) last: Option<LastFetch>,
}

/// Configured source of the keys.
pub(super) enum Source {
    KeySet(JwksUrl),
    Discovery { issuer: Box<str>, document: JwksUrl },
}

/// URL and entity tag of the last successful fetch.
pub(super) struct LastFetch {
    url: JwksUrl,
    etag: Option<HeaderValue>,
}

/// Result of a successful fetch.
pub(super) struct Fetched {
    /// `None` if they are unchanged (304).
    pub(super) keys: Option<KeySet>,
    /// `max-age` of the response.
    pub(super) max_age: Option<Duration>,
}

impl Fetcher {
    pub(super) async fn fetch(&mut self) -> Result<Fetched, FetchError> {
        let timeout = self.timeout;
        let attempt = AssertUnwindSafe(self.attempt()).catch_unwind();
        let fetched = match tokio::time::timeout(timeout, attempt).await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err(FetchError::Panicked),
            Err(_) => Err(FetchError::TimedOut),
        };
        if fetched.is_err() {
            // The key set may have moved to another URL.
            self.last = None;
        }
        fetched
    }

    async fn attempt(&mut self) -> Result<Fetched, FetchError> {
        let url = self.url().await?;
        let known = self.last.as_ref().and_then(|last| last.etag.as_ref());
        let response = self.get(&url, known).await?;
        let max_age = max_age(response.headers());
        if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(Fetched {
                keys: None,
                max_age,
            });
        }
        let keys = self.body(&response)?;
        let keys = document::read_keys(keys, &self.accepted)?;
        let etag = response.headers().get(ETAG).cloned();
        // Only now, so that a 304 cannot confirm a document that was rejected.
        self.last = Some(LastFetch { url, etag });
        Ok(Fetched {
            keys: Some(keys),
            max_age,
        })
    }

    /// Returns the URL of the key set, by discovery if necessary.
    async fn url(&self) -> Result<JwksUrl, FetchError> {
        let (issuer, document) = match (&self.source, &self.last) {
            (_, Some(last)) => return Ok(last.url.clone()),
            (Source::KeySet(url), None) => return Ok(url.clone()),
            (Source::Discovery { issuer, document }, None) => (issuer, document),
        };
        let response = self.get(document, None).await?;
        let jwks_uri = document::read_discovery(self.body(&response)?, issuer)?;
        let url = document.parse_linked(&jwks_uri);
        url.ok_or(FetchError::InvalidJwksUri)
    }

    async fn get(
        &self,
        url: &JwksUrl,
        known: Option<&HeaderValue>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = url.request();
        // A compressed document has another size than the one sent, and another entity tag.
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
        if let Some(etag) = known {
            request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
        }
        let response = self.client.get(request, self.max_document_bytes).await;
        response.map_err(FetchError::Client)
    }

    fn body<'a>(&self, response: &'a Response<Vec<u8>>) -> Result<&'a [u8], FetchError> {
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        if response.body().len() > self.max_document_bytes {
            return Err(FetchError::TooLarge);
        }
        // A custom client may have decompressed the document and kept the header.
        let is_json = response.body().trim_ascii_start().starts_with(b"{");
        match response.headers().contains_key(CONTENT_ENCODING) && !is_json {
            true => Err(FetchError::Compressed),
            false => Ok(response.body()),
        }
    }
}

/// Reads `max-age` of `Cache-Control` (RFC 9111, section 5.2.2.1). `max-age=0` and `no-store` are
/// ignored: verification needs stored keys.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).into_iter();
    let mut directives = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|directive| directive.trim().split_once('='));
    let (_, seconds) = directives.find(|(name, _)| name.eq_ignore_ascii_case("max-age"))?;
    let seconds = seconds.trim_matches('"').parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
