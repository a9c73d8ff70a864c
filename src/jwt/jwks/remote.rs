//! The handle to the keys of another issuer, and what its clones share.

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

/// The keys of somebody else's JSON Web Key Set (RFC 7517, section 5), for
/// [`JwtVerifier::jwks`](crate::JwtVerifier::jwks).
///
/// ```no_run
/// use tower_warder::JwtVerifier;
/// use tower_warder::error::ConfigError;
/// use tower_warder::jwks::RemoteJwks;
///
/// # async fn example() -> Result<(), ConfigError> {
/// let keys = RemoteJwks::from_oidc_issuer("https://login.example").await?;
/// let verifier = JwtVerifier::jwks(&keys).audience("orders");
/// # Ok(())
/// # }
/// ```
///
/// # When they are fetched
///
/// At the start, and then in the background every [`refresh_interval`] and when a token names a
/// key that is not among them: once for all the requests that wait for it, and at most once in a
/// [`cooldown`]. Requests whose key is known never wait, and a flood of made-up key ids costs one
/// fetch in that time. The key id is never sent anywhere.
///
/// | the token names | and | answer |
/// |---|---|---|
/// | a known key | | judged at once |
/// | an unknown key | the last fetch is longer ago than the cooldown, or one is under way | waits for it |
/// | an unknown key | the last fetch succeeded | 401 |
/// | an unknown key | the last fetch failed | 503: the key may be a new one |
/// | an unknown key | exactly one key without an id fits its algorithm | judged by it; if that refuses it, as an unknown key |
/// | no key | exactly one key fits its algorithm | judged by it |
/// | no key | none or several fit its algorithm | 401 |
/// | an unknown key | 1024 requests wait already | 503 |
/// | any | the keys are older than [`max_age`] | 503 |
///
/// While the key server does not answer, the keys that were fetched before are good until
/// [`max_age`], and it is asked again after each cooldown. With the first answer all is as before.
///
/// # Which keys are taken
///
/// Public ones for signatures. Each has one algorithm, never given to it by a token: the key's
/// `alg`, or what its curve says, or for RSA keys without `alg` (RFC 7517, section 4.4, leaves it
/// out as one likes) RS256, unless [`algorithm`](JwksBuilder::algorithm) says otherwise. A token
/// selects among them by `kid` and `alg` together, so that several keys may have one id if their
/// algorithms differ; of those with the same id and algorithm the first is taken.
///
/// Keys for encryption are passed over in silence. What cannot be used otherwise (other types, weak
/// keys, secrets, private keys) is left out and spoils no others: the log has it at `WARN`, with its
/// `kid` and the reason, once for each change to the set. A set of which nothing can be used, or of
/// more than 100 keys, counts as a failed fetch.
///
/// Keys without ids cannot rotate unnoticed: a token that names no key says nothing of another one
/// either, so that those of the next key are refused until the keys are fetched again, and those of
/// both while two of one algorithm are published.
///
/// # Where they are fetched from
///
/// `https`, or `http` on this machine (`localhost`, `127.0.0.0/8`, `[::1]`); `http` elsewhere only
/// with [`dangerous_allow_http`](JwksBuilder::dangerous_allow_http). Redirects are not followed. For `https` the proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) are used, who
/// see no more than the host's name; certificates are judged by the system's roots.
///
/// A handle: clones share the keys. With the last one, verifiers included, the fetching ends.
///
/// [`refresh_interval`]: JwksBuilder::refresh_interval
/// [`cooldown`]: JwksBuilder::cooldown
/// [`max_age`]: JwksBuilder::max_staleness
#[derive(Clone)]
pub struct RemoteJwks(pub(super) Arc<Shared>);

impl RemoteJwks {
    /// How long ago the key server last said that these are the keys; `None` if it never did.
    pub fn age(&self) -> Option<Duration> {
        self.0.state.load().age()
    }

    /// Whom the keys were discovered for.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Judges by the keys that are here, or later by those that come.
    pub(crate) fn verify<'a>(
        &'a self,
        token: &'a str,
        judge: impl Fn(&Keyset) -> Result<Claims, RejectReason> + Send + 'a,
    ) -> Verification<'a> {
        match self.judge(&self.0.state.load(), token, &judge) {
            Some(judged) => Verification::Ready(judged),
            None if self.0.may_ask() => Verification::Pending(Box::pin(async move {
                self.0.ask().await?;
                self.judge_at_last(token, &judge)
            })),
            None => Verification::Ready(self.judge_at_last(token, &judge)),
        }
    }

    /// The same for those who cannot wait: whoever would have to is told to come again.
    pub(crate) fn verify_now(
        &self,
        token: &str,
        judge: impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Result<Claims, AuthError> {
        match self.judge(&self.0.state.load(), token, &judge) {
            Some(judged) => judged,
            None if self.0.may_ask() => {
                self.0.wake.notify_one();
                Err(unavailable("the keys have to be fetched first"))
            }
            None => self.judge_at_last(token, &judge),
        }
    }

    /// By the keys that came since, if any did: those that are fetched are here before it is over.
    /// What does not judge the token says why: by then there may be others, which could.
    fn judge_at_last(
        &self,
        token: &str,
        judge: &impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Result<Claims, AuthError> {
        let state = self.0.state.load();
        let judged = self.judge(&state, token, judge);
        judged.unwrap_or_else(|| Err(state.refuse(self.0.times.max_staleness)))
    }

    /// `None` if only other keys could tell.
    fn judge(
        &self,
        state: &State,
        token: &str,
        judge: &impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Option<Result<Claims, AuthError>> {
        if !state.is_good(self.0.times.max_staleness) {
            return None;
        }
        match judge(&state.keys) {
            // The other two: a lone key without an id is tried for every token.
            Err(RejectReason::KeyId | RejectReason::Algorithm | RejectReason::Signature)
                if state.keys.lacks(header(token)) =>
            {
                None
            }
            judged => Some(judged.map_err(AuthError::refused)),
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

/// What the handles have in common. The task that fetches does not hold it.
pub(super) struct Shared {
    // For the log.
    pub(super) url: String,
    pub(super) issuer: Option<Box<str>>,
    pub(super) times: Times,
    // Read without a lock: whoever fetched puts another in its place.
    pub(super) state: ArcSwap<State>,
    pub(super) under_way: AtomicBool,
    pub(super) wake: Arc<Notify>,
    pub(super) finished: watch::Receiver<()>,
    // For the requests that wait.
    pub(super) places: Semaphore,
    pub(super) task: OnceLock<AbortHandle>,
}

#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) refresh_interval: Duration,
    pub(super) cooldown: Duration,
    pub(super) max_staleness: Duration,
}

/// What is known of the keys.
pub(super) struct State {
    pub(super) keys: Arc<Keyset>,
    /// What of the set cannot be used, as the log knows it.
    pub(super) dropped: Arc<[Dropped]>,
    /// When the key server was asked and said that these are the keys.
    pub(super) confirmed: Option<Instant>,
    /// When it was asked last, whatever it said.
    pub(super) asked: Option<Instant>,
    pub(super) failed: bool,
}

impl Shared {
    /// Whether the key server is being asked, or may be asked again.
    pub(super) fn may_ask(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) || self.is_due()
    }

    pub(super) fn is_due(&self) -> bool {
        let asked = self.state.load().asked;
        asked.is_none_or(|asked| asked.elapsed() >= self.times.cooldown)
    }

    /// Waits until the key server has answered, if it may be asked. Who does not wait to the end
    /// leaves nothing behind: it is the task that asks.
    pub(super) async fn ask(&self) -> Result<(), AuthError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(unavailable("too many requests wait for keys"));
        };
        // Before the look at the state: what finishes after that is seen.
        let mut finished = self.finished.clone();
        finished.mark_unchanged();
        if !self.may_ask() {
            return Ok(());
        }
        self.wake.notify_one();
        let answered = finished.changed().await;
        answered.map_err(|_| AuthError::unavailable("the runtime that fetched the keys has ended"))
    }
}

/// Not an error for each request: strangers can ask for made-up keys as often as they like, and
/// that the key server is away, the log has once.
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

    pub(super) fn is_good(&self, max_staleness: Duration) -> bool {
        self.age().is_some_and(|age| age < max_staleness)
    }

    /// The answer to a token that none of these keys can judge.
    pub(super) fn refuse(&self, max_staleness: Duration) -> AuthError {
        if self.confirmed.is_none() {
            unavailable("no keys could be fetched yet")
        } else if !self.is_good(max_staleness) {
            unavailable("the keys are too old, and others cannot be fetched")
        } else if self.failed {
            unavailable("the key is unknown, and the keys cannot be fetched")
        } else {
            AuthError::refused(RejectReason::KeyId)
        }
    }
}

fn header(token: &str) -> &str {
    token.split('.').next().unwrap_or_default()
}

/// Requests that wait for one fetch. More are turned away, so that a flood of made-up key ids
/// while the key server hangs does not fill the memory.
pub(super) const MAX_WAITING: usize = 1024;
