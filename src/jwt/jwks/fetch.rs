//! One fetch: where the keys are, what they are.

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

/// Asks a key server, and remembers what makes the next time cheaper.
pub(super) struct Fetcher {
    pub(super) place: Place,
    pub(super) client: Arc<dyn JwksClient>,
    pub(super) accepted: Accepted,
    pub(super) timeout: Duration,
    pub(super) max_document_bytes: usize,
    pub(super) last: Option<LastFetch>,
}

/// What was configured.
pub(super) enum Place {
    KeySet(JwksUrl),
    Discovery { issuer: Box<str>, document: JwksUrl },
}

/// Where the keys were last, and which they were.
pub(super) struct LastFetch {
    address: JwksUrl,
    etag: Option<HeaderValue>,
}

/// What a key server said.
pub(super) struct Fetched {
    /// `None` if they are those of the last time.
    pub(super) keys: Option<KeySet>,
    /// How long they may be kept without asking.
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
            // The keys may have moved.
            self.last = None;
        }
        fetched
    }

    async fn attempt(&mut self) -> Result<Fetched, FetchError> {
        let address = self.address().await?;
        let known = self.last.as_ref().and_then(|last| last.etag.as_ref());
        let answer = self.get(&address, known).await?;
        let max_age = max_age(answer.headers());
        if answer.status() == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(Fetched {
                keys: None,
                max_age,
            });
        }
        let keys = self.body(&answer)?;
        let keys = document::read_keys(keys, &self.accepted)?;
        let etag = answer.headers().get(ETAG).cloned();
        // Only now: what was refused is not to be confirmed by a 304.
        self.last = Some(LastFetch { address, etag });
        Ok(Fetched {
            keys: Some(keys),
            max_age,
        })
    }

    /// Where the keys are.
    async fn address(&self) -> Result<JwksUrl, FetchError> {
        let (issuer, document) = match (&self.place, &self.last) {
            (_, Some(last)) => return Ok(last.address.clone()),
            (Place::KeySet(address), None) => return Ok(address.clone()),
            (Place::Discovery { issuer, document }, None) => (issuer, document),
        };
        let answer = self.get(document, None).await?;
        let jwks_uri = document::read_discovery(self.body(&answer)?, issuer)?;
        let address = document.leads_to(&jwks_uri);
        address.ok_or(FetchError::UnfitAddress)
    }

    async fn get(
        &self,
        address: &JwksUrl,
        known: Option<&HeaderValue>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let mut request = address.request();
        // What is compressed has another size than what was sent, and another entity tag.
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
        if let Some(etag) = known {
            request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
        }
        let answer = self.client.get(request, self.max_document_bytes).await;
        answer.map_err(FetchError::Client)
    }

    fn body<'a>(&self, answer: &'a Response<Vec<u8>>) -> Result<&'a [u8], FetchError> {
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        if answer.body().len() > self.max_document_bytes {
            return Err(FetchError::TooLarge);
        }
        // A client of the application's may have decompressed it, and left the header.
        let is_json = answer.body().trim_ascii_start().starts_with(b"{");
        match answer.headers().contains_key(CONTENT_ENCODING) && !is_json {
            true => Err(FetchError::Compressed),
            false => Ok(answer.body()),
        }
    }
}

/// `max-age` of `Cache-Control` (RFC 9111, section 5.2.2.1). Keys that are not to be kept at all
/// say nothing: without keeping them nobody could verify.
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
