//! How keys are fetched.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::client::{HttpClient, JwksClient};
use super::document::Accepted;
use super::error::FetchError;
use super::fetch::{Fetcher, Place};
use super::refresh;
use super::remote::{RemoteJwks, Times};
use super::url::JwksUrl;
use crate::error::ConfigError;
use crate::jwt::keys::Algorithm;

/// Configures a [`RemoteJwks`]. Awaited, it fetches the keys.
///
/// ```no_run
/// use std::time::Duration;
/// use tower_warder::error::ConfigError;
/// use tower_warder::jwks::RemoteJwks;
/// use tower_warder::keys::Algorithm;
///
/// # async fn example() -> Result<(), ConfigError> {
/// let keys = RemoteJwks::from_url("https://login.example/.well-known/jwks.json")
///     .algorithm(Algorithm::RS256)
///     .refresh_interval(Duration::from_secs(60))
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Awaiting it fails with [`ConfigError::InvalidUrl`] for what is neither `https` nor on this
/// machine (see [`dangerous_allow_http`](Self::dangerous_allow_http)), with [`ConfigError::KeyTypeMismatch`] if HS256 or its kin is to be accepted, and with
/// [`ConfigError::KeySet`] if the keys cannot be fetched: who starts without keys can let nobody
/// in. A service that is to start nonetheless calls [`connect_lazy`](Self::connect_lazy).
///
/// # Panics
///
/// Outside of a tokio runtime.
#[must_use = "nothing is fetched until it is awaited"]
pub struct JwksBuilder {
    place: Target,
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
    /// Fetches the key set at this URL.
    ///
    /// Await it, or configure it before: see [`JwksBuilder`]. The tokens' issuer is for you to
    /// demand with [`JwtVerifier::issuer`](crate::JwtVerifier::issuer).
    pub fn from_url(url: impl Into<String>) -> JwksBuilder {
        JwksBuilder::key_set(url.into())
    }

    /// Finds the key set of this issuer, and fetches it: OpenID Connect Discovery 1.0, section 4.
    ///
    /// The document at `{issuer}/.well-known/openid-configuration` has to name exactly this
    /// `issuer`, and its `jwks_uri` is held to the same rules; it is looked up again after a failed
    /// fetch. A verifier with these keys demands the issuer as `iss`.
    ///
    /// For all tenants of Microsoft Entra the document of `…/common/v2.0` names a template,
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`. It is accepted, and a verifier refuses
    /// every tenant until [`issuers`](crate::JwtVerifier::issuers) or
    /// [`issuer_template`](crate::JwtVerifier::issuer_template) says which are meant.
    ///
    /// Await it, or configure it before: see [`JwksBuilder`].
    pub fn from_oidc_issuer(issuer: impl Into<String>) -> JwksBuilder {
        JwksBuilder::issuer(issuer.into())
    }
}

impl JwksBuilder {
    pub(super) fn key_set(url: String) -> Self {
        Self::new(Target::KeySet(url))
    }

    pub(super) fn issuer(issuer: String) -> Self {
        Self::new(Target::Issuer(issuer))
    }

    const fn new(place: Target) -> Self {
        Self {
            place,
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

    /// Takes only keys for this algorithm; called again, also for that one. The first that is one
    /// of RSA is the algorithm of the RSA keys that do not say theirs.
    ///
    /// Defaults to every algorithm with a public key, and RS256 for RSA keys that do not say.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithms.push(algorithm);
        self
    }

    /// How often the keys are fetched in the background, by chance up to a fifth sooner. Defaults
    /// to 5 minutes; the key server can make it less (`Cache-Control: max-age`), but not less than
    /// the [cooldown](Self::cooldown).
    ///
    /// A key that was removed is accepted until then.
    pub const fn refresh_interval(mut self, interval: Duration) -> Self {
        self.times.refresh_interval = interval;
        self
    }

    /// How long after a fetch none is made for the sake of a token that names an unknown key, and
    /// after which a failed one is tried again. Defaults to 30 seconds, and is at least one.
    pub const fn cooldown(mut self, cooldown: Duration) -> Self {
        self.times.cooldown = cooldown;
        self
    }

    /// How long keys are good while the key server does not answer. Defaults to 24 hours: a night
    /// in which nobody looks. It is at least twice the refresh interval.
    ///
    /// Who can cut off the key server from this service can have a key that was removed accepted
    /// for this long.
    pub const fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.times.max_staleness = max_staleness;
        self
    }

    /// How long a fetch may take in all, and so a request may wait for one. Defaults to 5 seconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How large a document may be, in bytes. Defaults to 256 KiB.
    pub const fn max_document_bytes(mut self, bytes: usize) -> Self {
        self.max_document_bytes = bytes;
        self
    }

    /// Fetches by plain `http` from other machines, too. Defaults to `https` only, and `http` on this
    /// machine.
    ///
    /// Dangerous: whoever can answer in the key server's place, or is on the way to it, puts in a key
    /// of their own and signs any token. For a private network that is trusted as a whole, such as
    /// one between containers, where the issuer has no certificate. Nothing else changes: no
    /// redirects, no passwords in the URL, and a discovery document that came by `https` still has to
    /// name a `jwks_uri` with `https`. Proxies of the environment are not used for `http`.
    pub const fn dangerous_allow_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Sends requests by this client. Defaults to one of ours, made with reqwest.
    pub fn client(mut self, client: impl JwksClient) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Does not wait for the first fetch: begins it, and tries again after each
    /// [cooldown](Self::cooldown). Until one succeeds, requests with a token wait for it or are
    /// answered 503.
    ///
    /// For services that are to start before their issuer does. A mistake in the URL is then seen
    /// in the log only.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUrl`], [`ConfigError::KeyTypeMismatch`]; [`ConfigError::KeySet`] if
    /// the HTTP client cannot be made.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn connect_lazy(self) -> Result<RemoteJwks, ConfigError> {
        let start = self.start()?;
        Ok(refresh::begin(
            start.url,
            start.issuer,
            start.times,
            start.fetcher,
            None,
        ))
    }

    fn start(self) -> Result<Start, ConfigError> {
        let (place, issuer) = match self.place {
            Target::KeySet(url) => (Place::KeySet(JwksUrl::parse(&url, self.allows_http)?), None),
            Target::Issuer(issuer) => {
                let document = JwksUrl::discovery(&issuer, self.allows_http)?;
                let issuer: Box<str> = issuer.into();
                let named = issuer.clone();
                (Place::Discovery { issuer, document }, Some(named))
            }
        };
        let address = match &place {
            Place::KeySet(address) => address,
            Place::Discovery { document, .. } => document,
        };
        for algorithm in &self.algorithms {
            algorithm.asymmetric()?;
        }
        let url = address.to_string();
        let client = match self.client {
            Some(client) => client,
            None => match HttpClient::new(address.is_plain()) {
                Ok(client) => Arc::new(client) as Arc<dyn JwksClient>,
                Err(error) => return Err(unfetched(url, error)),
            },
        };
        let fetcher = Fetcher {
            place,
            client,
            accepted: Accepted(self.algorithms),
            timeout: self.timeout,
            max_document_bytes: self.max_document_bytes,
            last: None,
        };
        Ok(Start {
            url,
            issuer,
            times: self.times.sane(),
            fetcher,
        })
    }
}

impl IntoFuture for JwksBuilder {
    type Output = Result<RemoteJwks, ConfigError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut start = self.start()?;
            let began = Instant::now();
            let fetched = match start.fetcher.fetch().await {
                Ok(fetched) => fetched,
                Err(error) => return Err(unfetched(start.url, error)),
            };
            Ok(refresh::begin(
                start.url,
                start.issuer,
                start.times,
                start.fetcher,
                Some((began, Ok(fetched))),
            ))
        })
    }
}

impl fmt::Debug for JwksBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksBuilder")
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// What was found to be in order.
struct Start {
    url: String,
    issuer: Option<Box<str>>,
    times: Times,
    fetcher: Fetcher,
}

impl Times {
    /// So that nothing is asked without a pause, and nothing is too old before it is asked for.
    fn sane(self) -> Self {
        let cooldown = self.cooldown.max(Duration::from_secs(1));
        let refresh_interval = self.refresh_interval.max(cooldown);
        Self {
            cooldown,
            refresh_interval,
            max_staleness: self.max_staleness.max(refresh_interval.saturating_mul(2)),
        }
    }
}

fn unfetched(url: String, error: FetchError) -> ConfigError {
    ConfigError::KeySet {
        url,
        source: Box::new(error),
    }
}
