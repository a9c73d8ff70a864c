//! Configuration of remote keys.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::client::{HttpClient, JwksClient};
use super::document::Accepted;
use super::error::FetchError;
use super::fetch::{Fetcher, Source};
use super::refresh::{self, Outcome};
use super::remote::{RemoteJwks, Times};
use super::url::JwksUrl;
use crate::error::ConfigError;
use crate::jwt::keys::Algorithm;

/// Configuration of a [`RemoteJwks`]. Awaiting it fetches the keys.
///
/// ```no_run
/// use std::time::Duration;
///
/// use tower_warder::error::ConfigError;
/// use tower_warder::jwks::RemoteJwks;
/// use tower_warder::keys::Algorithm;
///
/// async fn keys() -> Result<RemoteJwks, ConfigError> {
///     RemoteJwks::from_url("https://login.example/.well-known/jwks.json")
///         .algorithm(Algorithm::RS256)
///         .refresh_interval(Duration::from_secs(60))
///         .await
/// }
/// ```
///
/// # Errors
///
/// Awaiting it fails with [`ConfigError::InvalidUrl`] for a URL that is neither `https` nor on this
/// machine (see [`dangerous_allow_http`](Self::dangerous_allow_http)), with
/// [`ConfigError::KeyTypeMismatch`] if an HMAC algorithm is given, and with [`ConfigError::KeySet`]
/// if the keys cannot be fetched: without keys a service rejects every token. To start before the
/// keys are available, call [`connect_lazy`](Self::connect_lazy).
///
/// # Panics
///
/// If called outside a tokio runtime.
#[must_use = "nothing is fetched until it is awaited"]
pub struct JwksBuilder {
    target: Target,
    client: Option<Arc<dyn JwksClient>>,
    algorithms: Vec<Algorithm>,
    times: Times,
    timeout: Duration,
    max_document_bytes: usize,
    allows_http: bool,
}

enum Target {
    KeySet(String),
    Issuer(String),
}

impl RemoteJwks {
    /// Fetches the key set at `url`.
    ///
    /// Await the returned [`JwksBuilder`], after setting its options. To require an issuer, call
    /// [`JwtVerifier::issuer`](crate::JwtVerifier::issuer): the key set does not name one.
    pub fn from_url(url: impl Into<String>) -> JwksBuilder {
        JwksBuilder::new(Target::KeySet(url.into()))
    }

    /// Discovers and fetches the key set of `issuer` (OpenID Connect Discovery 1.0, section 4).
    ///
    /// The document at `{issuer}/.well-known/openid-configuration` must name exactly this `issuer`,
    /// and its `jwks_uri` must be an allowed URL, too; it is read again after a failed fetch. A
    /// verifier with these keys requires the issuer as `iss`.
    ///
    /// For all tenants of Microsoft Entra, the document of `…/common/v2.0` names a template,
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`. It is accepted, and a verifier rejects
    /// every tenant until [`issuers`](crate::JwtVerifier::issuers) or
    /// [`issuer_template`](crate::JwtVerifier::issuer_template) lists the allowed ones.
    ///
    /// Await the returned [`JwksBuilder`], after setting its options.
    #[doc(alias = "openid")]
    #[doc(alias = "oidc")]
    #[doc(alias = "discovery")]
    pub fn from_oidc_issuer(issuer: impl Into<String>) -> JwksBuilder {
        JwksBuilder::new(Target::Issuer(issuer.into()))
    }
}

impl JwksBuilder {
    const fn new(target: Target) -> Self {
        Self {
            target,
            client: None,
            algorithms: Vec::new(),
            times: Times {
                refresh_interval: Duration::from_secs(5 * 60),
                cooldown: Duration::from_secs(30),
                max_staleness: Duration::from_secs(24 * 3600),
            },
            timeout: Duration::from_secs(5),
            max_document_bytes: 256 * 1024,
            allows_http: false,
        }
    }

    /// Accepts only keys for this algorithm; each further call adds one. The first RSA algorithm is
    /// that of RSA keys without `alg`.
    ///
    /// Defaults to every asymmetric algorithm, and RS256 for RSA keys without `alg`.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithms.push(algorithm);
        self
    }

    /// Sets the interval of background fetches, of which a random part of up to a fifth is subtracted.
    /// Defaults to 5 minutes.
    ///
    /// The key server can shorten it with `Cache-Control: max-age`, but not below the
    /// [cooldown](Self::cooldown). A key removed by the issuer is accepted until the next fetch.
    pub const fn refresh_interval(mut self, interval: Duration) -> Self {
        self.times.refresh_interval = interval;
        self
    }

    /// Sets the minimum time between a fetch and the next one for an unknown key or after a failure.
    /// Defaults to 30 seconds. At least 1 second.
    pub const fn cooldown(mut self, cooldown: Duration) -> Self {
        self.times.cooldown = cooldown;
        self
    }

    /// Sets how long keys stay valid while the key server is unavailable. Defaults to 24 hours. At
    /// least twice the refresh interval.
    ///
    /// An attacker that can block the connection to the key server can keep a removed key valid for
    /// this time.
    pub const fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.times.max_staleness = max_staleness;
        self
    }

    /// Sets the time limit of a fetch, and so of the wait of a request for it. Defaults to 5 seconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum size of a document, in bytes. Defaults to 256 KiB.
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    /// Allows plain `http` to other machines. Defaults to `https` only, and `http` on this machine.
    ///
    /// Dangerous: an attacker on the network path, or in place of the key server, can insert its own
    /// key and sign any token. Use it only in a private network that is trusted as a whole, such as
    /// one between containers, if the issuer has no certificate. The other rules still apply: no
    /// redirects, no credentials in the URL, and a discovery document fetched over `https` must name
    /// a `jwks_uri` with `https`. Proxies of the environment are not used for `http`.
    pub const fn dangerous_allow_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Sets the HTTP client. Defaults to a built-in client that uses reqwest.
    pub fn client(mut self, client: impl JwksClient) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Starts the first fetch without waiting for it, and retries after each
    /// [cooldown](Self::cooldown). Until one succeeds, requests with a token wait for it or are
    /// answered with 503.
    ///
    /// For services that may start before their issuer. A wrong URL then shows only in the log.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUrl`], [`ConfigError::KeyTypeMismatch`]; [`ConfigError::KeySet`] if
    /// the HTTP client cannot be built.
    ///
    /// # Panics
    ///
    /// If called outside a tokio runtime.
    pub fn connect_lazy(self) -> Result<RemoteJwks, ConfigError> {
        Ok(self.validate()?.spawn(None))
    }

    fn validate(self) -> Result<Validated, ConfigError> {
        let (source, issuer) = match self.target {
            Target::KeySet(url) => (
                Source::KeySet(JwksUrl::parse(&url, self.allows_http)?),
                None,
            ),
            Target::Issuer(issuer) => {
                let document = JwksUrl::discovery(&issuer, self.allows_http)?;
                let issuer: Box<str> = issuer.into();
                let named = issuer.clone();
                (Source::Discovery { issuer, document }, Some(named))
            }
        };
        let first_url = match &source {
            Source::KeySet(keys) => keys,
            Source::Discovery { document, .. } => document,
        };
        for algorithm in &self.algorithms {
            algorithm.asymmetric()?;
        }
        let url = first_url.to_string();
        let client = match self.client {
            Some(client) => client,
            None => match HttpClient::new(first_url.is_plain()) {
                Ok(client) => Arc::new(client) as Arc<dyn JwksClient>,
                Err(error) => return Err(fetch_failed(url, error)),
            },
        };
        let fetcher = Fetcher {
            source,
            client,
            accepted: Accepted(self.algorithms),
            timeout: self.timeout,
            max_document_bytes: self.max_document_bytes,
            last: None,
        };
        Ok(Validated {
            url,
            issuer,
            times: self.times.clamped(),
            fetcher,
        })
    }
}

impl IntoFuture for JwksBuilder {
    type Output = Result<RemoteJwks, ConfigError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut parts = self.validate()?;
            let began = Instant::now();
            let fetched = match parts.fetcher.fetch().await {
                Ok(fetched) => fetched,
                Err(error) => return Err(fetch_failed(parts.url, error)),
            };
            Ok(parts.spawn(Some((began, Ok(fetched)))))
        })
    }
}

impl_debug! { self: JwksBuilder, algorithms = self.algorithms }

/// Validated configuration.
struct Validated {
    url: String,
    issuer: Option<Box<str>>,
    times: Times,
    fetcher: Fetcher,
}

impl Validated {
    fn spawn(self, first: Option<Outcome>) -> RemoteJwks {
        refresh::spawn(self.url, self.issuer, self.times, self.fetcher, first)
    }
}

impl Times {
    /// Raises times that are too short: fetches need a pause, and keys must not expire before the next
    /// background fetch.
    fn clamped(self) -> Self {
        let cooldown = self.cooldown.max(Duration::from_secs(1));
        let refresh_interval = self.refresh_interval.max(cooldown);
        Self {
            cooldown,
            refresh_interval,
            max_staleness: self.max_staleness.max(refresh_interval.saturating_mul(2)),
        }
    }
}

fn fetch_failed(url: String, error: FetchError) -> ConfigError {
    ConfigError::KeySet {
        url,
        source: Box::new(error),
    }
}
