//! Keys of another issuer: the public handle and the state that its clones share.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::error::Dropped;
use crate::error::{AuthError, RejectReason, Reported};
use crate::jwt::claims::Claims;
use crate::jwt::keys::Keyset;
use crate::jwt::verifier::Verification;

/// Keys of another issuer's JSON Web Key Set (RFC 7517, section 5), for
/// [`JwtVerifier::jwks`](crate::JwtVerifier::jwks).
///
/// Clones share the keys. Fetching ends when the last clone is dropped, including the verifiers.
///
/// ```no_run
/// use tower_warder::JwtVerifier;
/// use tower_warder::error::ConfigError;
/// use tower_warder::jwks::RemoteJwks;
///
/// async fn verifier() -> Result<JwtVerifier, ConfigError> {
///     let keys = RemoteJwks::from_oidc_issuer("https://login.example").await?;
///     Ok(JwtVerifier::jwks(&keys).audience("orders"))
/// }
/// ```
///
/// # When keys are fetched
///
/// At the start, then in the background every [`refresh_interval`], and when a token names an unknown
/// key: one fetch for all requests that wait for it, and at most one in each [`cooldown`]. Requests
/// with a known key never wait, and a flood of invented key ids causes one fetch per cooldown. The
/// key id is never sent to the key server.
///
/// | the token names | and | result |
/// |---|---|---|
/// | a known key | | verified immediately |
/// | an unknown key | the last fetch was longer ago than the cooldown, or one is running | waits for the fetch |
/// | an unknown key | the last fetch succeeded | 401 |
/// | an unknown key | the last fetch failed | 503: the key may be new |
/// | an unknown key | exactly one key without an id has its algorithm | verified with that key; if that fails, as an unknown key |
/// | no key | exactly one key has its algorithm | verified with that key |
/// | no key | none or several keys have its algorithm | 401 |
/// | an unknown key | 1024 requests are waiting already | 503 |
/// | any | the keys are older than [`max_staleness`] | 503 |
///
/// While the key server is unavailable, the keys fetched last stay valid until [`max_staleness`], and
/// another fetch is tried after each cooldown. The first successful fetch ends the outage.
///
/// # Which keys are accepted
///
/// Public keys for signatures. Each has one algorithm, which never comes from a token: the key's
/// `alg`; or the algorithm of its curve; or RS256 for RSA keys without `alg` (optional in RFC 7517,
/// section 4.4), unless [`algorithm`](crate::jwks::JwksBuilder::algorithm) sets another. A token selects a key by
/// `kid` and `alg` together, so that several keys may have the same id if their algorithms differ;
/// of keys with the same id and algorithm the first is used.
///
/// Keys for encryption are ignored. Other unusable keys (unsupported types, weak keys, secrets,
/// private keys) are skipped, and the rest of the set is used: each is logged at `WARN` with its
/// `kid` and the reason, once per change of the set. A set without a usable key, or with more than
/// 100 keys, counts as a failed fetch.
///
/// Keys without an id cannot be rotated without rejected tokens: a token without `kid` does not show
/// that it needs a new key. Tokens of the new key are rejected until the next fetch, and tokens of
/// both keys while two keys of one algorithm are published.
///
/// # Allowed URLs
///
/// `https`, or `http` on this machine (`localhost`, `127.0.0.0/8`, `[::1]`); `http` elsewhere only
/// with [`dangerous_allow_http`](crate::jwks::JwksBuilder::dangerous_allow_http). Redirects are not followed. For
/// `https`, the proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are used, which see only the
/// host name; certificates are verified against the system's roots.
///
/// [`refresh_interval`]: crate::jwks::JwksBuilder::refresh_interval
/// [`cooldown`]: crate::jwks::JwksBuilder::cooldown
/// [`max_staleness`]: crate::jwks::JwksBuilder::max_staleness
#[doc(alias = "jwk set")]
#[doc(alias = "kid")]
#[doc(alias = "openid")]
#[doc(alias = "rotation")]
#[derive(Clone)]
pub struct RemoteJwks(pub(super) Arc<Shared>);

impl RemoteJwks {
    /// Returns the time since the last successful fetch; `None` if there was none.
    pub fn age(&self) -> Option<Duration> {
        self.0.state.load().age()
    }

    /// Returns the issuer of [`from_oidc_issuer`](Self::from_oidc_issuer).
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Verifies with the present keys, or waits for others if the token needs them.
    pub(crate) fn verify<'a>(
        &'a self,
        token: &'a str,
        verify: impl Fn(&Keyset) -> Result<Claims, RejectReason> + Send + 'a,
    ) -> Verification<'a> {
        match self.verify_with(&self.0.state.load(), token, &verify) {
            Some(result) => Verification::Ready(result),
            None if self.0.may_fetch() => Verification::Pending(Box::pin(async move {
                self.0.wait_for_fetch().await?;
                self.verify_or_reject(token, &verify)
            })),
            None => Verification::Ready(self.verify_or_reject(token, &verify)),
        }
    }

    /// Verifies without waiting. If other keys have to be fetched first, starts a fetch and returns
    /// an `Unavailable` error.
    pub(crate) fn verify_now(
        &self,
        token: &str,
        verify: impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Result<Claims, AuthError> {
        match self.verify_with(&self.0.state.load(), token, &verify) {
            Some(result) => result,
            None if self.0.may_fetch() => {
                self.0.wake.notify_one();
                Err(unavailable("the keys have to be fetched first"))
            }
            None => self.verify_or_reject(token, &verify),
        }
    }

    /// Verifies with the newest keys: those of a fetch are stored before the wait for it ends.
    ///
    /// The error comes from the state that was used, not from a later one with other keys.
    fn verify_or_reject(
        &self,
        token: &str,
        verify: &impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Result<Claims, AuthError> {
        let state = self.0.state.load();
        let result = self.verify_with(&state, token, verify);
        result.unwrap_or_else(|| Err(state.error_for_unknown_key(self.0.times.max_staleness)))
    }

    /// Verifies with these keys; `None` if the result depends on keys that are not among them.
    fn verify_with(
        &self,
        state: &State,
        token: &str,
        verify: &impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Option<Result<Claims, AuthError>> {
        if !state.is_fresh(self.0.times.max_staleness) {
            return None;
        }
        match verify(&state.keys) {
            // `Algorithm` and `Signature`: a single key without an id is tried for every token.
            Err(RejectReason::KeyId | RejectReason::Algorithm | RejectReason::Signature)
                if state.keys.lacks(header(token)) =>
            {
                None
            }
            result => Some(result.map_err(AuthError::rejected)),
        }
    }
}

impl fmt::Debug for RemoteJwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.load();
        f.debug_struct("RemoteJwks")
            .field("url", &self.0.url)
            .field("keys", &state.keys)
            .field("age", &state.age())
            .finish_non_exhaustive()
    }
}

/// State shared by the clones. The task that fetches holds only a weak reference.
pub(super) struct Shared {
    // For log lines.
    pub(super) url: String,
    pub(super) issuer: Option<Box<str>>,
    pub(super) times: Times,
    // Read without a lock: each fetch replaces the whole value.
    pub(super) state: ArcSwap<State>,
    pub(super) is_fetching: AtomicBool,
    pub(super) wake: Arc<Notify>,
    pub(super) finished: watch::Receiver<()>,
    // One permit per waiting request.
    pub(super) waiting: Semaphore,
    pub(super) task: OnceLock<AbortHandle>,
}

#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) refresh_interval: Duration,
    pub(super) cooldown: Duration,
    pub(super) max_staleness: Duration,
}

/// Keys, and the result of the last fetch.
pub(super) struct State {
    pub(super) keys: Arc<Keyset>,
    /// Unusable keys of the set that were logged.
    pub(super) dropped: Arc<[Dropped]>,
    /// Start of the last successful fetch.
    pub(super) confirmed: Option<Instant>,
    /// Start of the last fetch, successful or not.
    pub(super) attempted: Option<Instant>,
    pub(super) failed: bool,
}

impl Shared {
    /// Returns `true` if a fetch is running, or the cooldown is over.
    pub(super) fn may_fetch(&self) -> bool {
        self.is_fetching.load(Ordering::SeqCst) || self.is_due()
    }

    /// Returns `true` if the cooldown is over.
    pub(super) fn is_due(&self) -> bool {
        let attempted = self.state.load().attempted;
        attempted.is_none_or(|attempted| attempted.elapsed() >= self.times.cooldown)
    }

    /// Waits for the running or the next fetch, if one is allowed. Cancel-safe: the task fetches, and
    /// the caller only waits.
    pub(super) async fn wait_for_fetch(&self) -> Result<(), AuthError> {
        let Ok(_permit) = self.waiting.try_acquire() else {
            return Err(unavailable("too many requests wait for keys"));
        };
        // Before the state is read, so that a fetch that finishes after that is noticed.
        let mut finished = self.finished.clone();
        finished.mark_unchanged();
        if !self.may_fetch() {
            return Ok(());
        }
        self.wake.notify_one();
        let changed = finished.changed().await;
        changed.map_err(|_| AuthError::unavailable("the runtime that fetched the keys has ended"))
    }
}

/// Builds an error that is not logged for each request: clients can invent key ids without limit, and
/// the outage of the key server is logged once.
fn unavailable(reason: &'static str) -> AuthError {
    AuthError::unavailable(Reported(reason))
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl State {
    pub(super) fn age(&self) -> Option<Duration> {
        self.confirmed.map(|confirmed| confirmed.elapsed())
    }

    pub(super) fn is_fresh(&self, max_staleness: Duration) -> bool {
        self.age().is_some_and(|age| age < max_staleness)
    }

    /// Returns the error for a token that these keys cannot verify.
    pub(super) fn error_for_unknown_key(&self, max_staleness: Duration) -> AuthError {
        if self.confirmed.is_none() {
            unavailable("no keys could be fetched yet")
        } else if !self.is_fresh(max_staleness) {
            unavailable("the keys are too old, and others cannot be fetched")
        } else if self.failed {
            unavailable("the key is unknown, and the keys cannot be fetched")
        } else {
            AuthError::rejected(RejectReason::KeyId)
        }
    }
}

fn header(token: &str) -> &str {
    token.split('.').next().unwrap_or_default()
}

/// Limit of requests that wait for a fetch. Further requests are rejected, so that a flood of invented
/// key ids does not exhaust memory while the key server hangs.
pub(super) const MAX_WAITING_REQUESTS: usize = 1024;
