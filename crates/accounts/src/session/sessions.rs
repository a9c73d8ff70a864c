//! Rules of sessions: opening, renewal, use, expiry.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ctutils::CtEq;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tower_warder::BoxError;
use tower_warder::private::{LogLimit, LogLimits, log_limited};

use super::model::{Rotation, Session, SessionKind, device};
use super::store::SessionStore;
use super::token::RefreshToken;
use crate::audit::{Audit, AuditActor, AuditEvent, AuditEventKind};
use crate::error::AccountError;
use crate::model::User;

/// Sessions, passed to [`Accounts::sessions`](crate::Accounts::sessions): of clients with refresh
/// tokens, and of browsers with a cookie.
///
/// # Refresh tokens
///
/// Access tokens are short-lived. A refresh token is exchanged for the next access token and is
/// rotated by that: the response has its successor. A client keeps both, and sends one renewal at a
/// time.
///
/// Reusing a rotated token ends its session: either the client lost the successor, or two parties
/// hold the token and the owner cannot be told apart. Only within
/// [`reuse_grace`](Self::reuse_grace) does the previous token get the same successor again, because
/// responses get lost and browsers have two tabs. A session never has more than one valid token.
///
/// If a token is stolen, thief and owner can both renew it as long as each does so within the grace
/// of the other. The first late renewal ends the session for both, and the log warns. Within the
/// grace the log has `spent refresh token came back within the grace` (info), at most once a minute
/// for a session and with a count: once for a lost response, repeatedly for a thief. The owner
/// cannot detect this in the list of sessions, whose times are whole hours. A grace of zero closes
/// this window, and logs out clients whose response is lost.
///
/// # Log-in by cookie
///
/// A log-in by [cookie](crate::cookie_routes) opens a session, too. Its token names the session, and
/// a layer that is created with the accounts looks the session up on each request that needs the
/// identity: ending it takes effect on the next request, also where a
/// [`UserCache`](tower_warder::cache::UserCache) has the user. That costs one
/// [`SessionStore::find`] for each of these requests, and one write every five minutes in which the
/// session is used. No request waits for that write: a Tokio task does it, one at a time for all
/// sessions. A use while another write is under way is not recorded, but the next one is; without a
/// Tokio runtime none is. Public routes, and requests with other tokens, cost nothing. A store that
/// cannot answer the look-up makes the response 503.
///
/// A service that verifies the token without the accounts, such as one with
/// [`AuthLayer::claims_only`](tower_warder::AuthLayer::claims_only), accepts it until it expires.
#[doc(alias = "logout")]
#[doc(alias = "refresh token")]
#[doc(alias = "rotation")]
#[derive(Clone)]
#[must_use]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    pub(crate) access_lifetime: Duration,
    lifetime: Duration,
    cookie_lifetime: Option<Duration>,
    idle_lifetime: Duration,
    grace: Duration,
    most: u32,
    pub(crate) refresh_tokens: bool,
    // A layer looks up the sessions of cookies.
    checked: Arc<AtomicBool>,
    // Held by the task that records a use.
    recording: Arc<Semaphore>,
    limits: Arc<Limits>,
}

impl Sessions {
    /// Creates sessions that are kept in `store`.
    pub fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(store),
            access_lifetime: Duration::from_secs(15 * 60),
            lifetime: Duration::from_secs(30 * DAY),
            cookie_lifetime: None,
            idle_lifetime: Duration::from_secs(7 * DAY),
            grace: Duration::from_secs(30),
            most: 100,
            refresh_tokens: true,
            checked: Arc::default(),
            recording: Arc::new(Semaphore::new(1)),
            limits: Arc::new(Limits {
                within_grace: LogLimits::new(),
                unrecorded: LogLimit::new(),
            }),
        }
    }

    /// Sets whether [`Accounts::login`](crate::Accounts::login) opens a session and returns a refresh
    /// token. With `false` it returns a token of the issuer's lifetime that belongs to no session,
    /// and only log-ins by cookie open one. Defaults to `true`.
    pub const fn refresh_tokens(mut self, enabled: bool) -> Self {
        self.refresh_tokens = enabled;
        self
    }

    /// Lifetime of the access tokens of a session, in whole seconds. An access token stays valid
    /// for up to this time after its session has ended. Defaults to 15 minutes.
    pub const fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_lifetime = lifetime;
        self
    }

    /// Maximum lifetime of a session, however much it is used. At most ten years. Defaults to 30
    /// days.
    ///
    /// A shorter lifetime ends older sessions at once. A longer one, and another idle lifetime,
    /// take effect at the next renewal.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.min(MAX_LIFETIME);
        self
    }

    /// Maximum lifetime of a session of a cookie, and of the cookie, in whole seconds. At most ten
    /// years. Defaults to [`lifetime`](Self::lifetime).
    pub fn cookie_lifetime(mut self, lifetime: Duration) -> Self {
        self.cookie_lifetime = Some(lifetime.min(MAX_LIFETIME));
        self
    }

    /// Lifetime of a session after its last use: the last renewal of its refresh token, or the last
    /// request with its cookie. At most ten years. Defaults to 7 days.
    ///
    /// Requests with a cookie are recorded once in five minutes, or in a tenth of this lifetime if
    /// that is shorter. A session can expire earlier by that time, or if its uses could not be
    /// recorded.
    pub fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.idle_lifetime = lifetime.min(MAX_LIFETIME);
        self
    }

    /// Time after a rotation in which the previous token gets the same successor again. At most
    /// five minutes; zero disables it. Defaults to 30 seconds.
    ///
    /// The clocks of all nodes must agree better than this.
    pub fn reuse_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(MAX_GRACE);
        self
    }

    /// Maximum number of sessions of an account, of both kinds: a new one replaces the least recently
    /// used. At least one. Defaults to 100.
    pub fn max_per_user(mut self, sessions: u32) -> Self {
        self.most = sessions.max(1);
        self
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.store
    }

    /// Opens a session after a log-in, and returns it with its first token.
    pub(crate) async fn open(
        &self,
        user: &User,
        user_agent: &str,
        now: SystemTime,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let token = RefreshToken::random()?;
        let (id, digest) = (token.session_id(), token.digest());
        let session = self.insert(id, digest, user, user_agent, now).await?;
        Ok((session, token))
    }

    /// Opens a session after a log-in by cookie.
    pub(crate) async fn open_for_cookie(
        &self,
        user: &User,
        user_agent: &str,
        now: SystemTime,
    ) -> Result<Session, AccountError> {
        // Without the look-up a log-out would not end the session.
        if !self.checked.load(Ordering::Relaxed) {
            return Err(AccountError::SessionsNotChecked);
        }
        // The ID of a token that is dropped, so that none can renew the session.
        let id = RefreshToken::random()?.session_id();
        let token = Session::cookie_token(now);
        self.insert(id, token, user, user_agent, now).await
    }

    async fn insert(
        &self,
        id: String,
        token: [u8; 32],
        user: &User,
        user_agent: &str,
        now: SystemTime,
    ) -> Result<Session, AccountError> {
        let mut session = Session {
            id,
            user_id: user.id,
            generation: user.token_generation,
            device: device(user_agent),
            created_at: now,
            last_used_at: now,
            expires_at: now,
            token,
            previous: None,
        };
        session.expires_at = self.expiry(&session, now);
        self.store.open(session.clone(), self.most).await?;
        Ok(session)
    }

    /// Tells that a layer looks up the sessions of cookies.
    pub(super) fn set_checked(&self) {
        self.checked.store(true, Ordering::Relaxed);
    }

    /// Records the use of a session of a cookie in the background, unless one was recorded shortly
    /// before.
    ///
    /// The request was authorized by what was read, so it does not wait for the write, which a lock
    /// in the database may delay. If the use is not recorded, the session expires earlier.
    pub(super) fn record_use(&self, session: Session, now: SystemTime) {
        let since = now.duration_since(session.last_used_at).unwrap_or_default();
        if since < RECORDED_USE.min(self.idle_lifetime / 10) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        // One at a time: writes that wait for a lock must not occupy all connections of a pool.
        let Ok(permit) = Arc::clone(&self.recording).try_acquire_owned() else {
            return;
        };
        let sessions = self.clone();
        runtime.spawn(async move {
            sessions.write_use(&session, now).await;
            drop(permit);
        });
    }

    async fn write_use(&self, session: &Session, now: SystemTime) {
        let rotation = Rotation {
            token: Session::cookie_token(now),
            successor: [0; 32],
            at: now,
            expires_at: self.expiry(session, now),
        };
        // Of concurrent requests one writes. A session that was ended meanwhile does not come back:
        // the write finds no row.
        let recorded = self.store.rotate(&session.id, &session.token, rotation);
        if let Err(error) = recorded.await {
            let source = BoxError::from(error);
            log_limited!(
                self.limits.unrecorded,
                error,
                %source,
                "the use of a session was not recorded; the next request tries again"
            );
        }
    }

    /// Finds the session that a token may renew. Ends the session if it has expired or the token is
    /// reused.
    pub(crate) async fn find(
        &self,
        token: &RefreshToken,
        now: SystemTime,
        audit: &Audit,
    ) -> Result<Session, AccountError> {
        let session = self.store.find(&token.session_id()).await?;
        let session = session
            .filter(|session| session.kind() == SessionKind::RefreshToken)
            .ok_or(AccountError::InvalidRefreshToken)?;
        match self.token_state(&session, token, now) {
            TokenState::Reused => self.reject_reused(&session, audit).await,
            _ if self.is_over(&session, now) => {
                self.end(&session, SessionEnd::Expired, audit).await?;
                Err(AccountError::InvalidRefreshToken)
            }
            _ => Ok(session),
        }
    }

    /// Returns the successor of a token that [`find`](Self::find) accepted, and the session after
    /// the renewal.
    pub(crate) async fn renew(
        &self,
        session: Session,
        token: &RefreshToken,
        now: SystemTime,
        audit: &Audit,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let session = match self.token_state(&session, token, now) {
            TokenState::Current => {
                let successor = token.successor()?;
                let rotation = Rotation {
                    token: successor.digest(),
                    successor: token.seal(&successor),
                    at: now,
                    expires_at: self.expiry(&session, now),
                };
                let rotated = self.store.rotate(&session.id, &session.token, rotation);
                if rotated.await? {
                    let session = session.rotated(&rotation);
                    tracing::debug!(
                        target: TARGET,
                        id = session.user_id,
                        session = session.id,
                        "session renewed"
                    );
                    return Ok((session, successor));
                }
                // Another request with the same token was faster, or the session was ended.
                let session = self.store.find(&session.id).await?;
                session.ok_or(AccountError::InvalidRefreshToken)?
            }
            _ => session,
        };
        match self.token_state(&session, token, now) {
            TokenState::WithinGrace(successor) => {
                log_limited!(
                    self.limits.within_grace.of(&session.id),
                    info,
                    target: TARGET,
                    id = session.user_id,
                    session = session.id,
                    "spent refresh token came back within the grace"
                );
                Ok((session, successor))
            }
            TokenState::Reused => self.reject_reused(&session, audit).await,
            // The rotation found another token, so a store that is up to date has one, too.
            TokenState::Current => Err(AccountError::unavailable(
                "the session store returned an outdated row; read from the primary",
            )),
        }
    }

    /// Ends a session, and records the reason.
    pub(crate) async fn end(
        &self,
        session: &Session,
        end: SessionEnd,
        audit: &Audit,
    ) -> Result<(), AccountError> {
        if self.store.end(&session.id, session.user_id).await? {
            audit.record(&end.event(&session.id, session.user_id, audit));
        }
        Ok(())
    }

    /// Returns `true` if the session has reached its expiry or its maximum lifetime.
    pub(crate) fn is_over(&self, session: &Session, now: SystemTime) -> bool {
        session.has_expired(now) || self.expiry(session, now) <= now
    }

    /// Returns the time when the session ends, however much it is used.
    pub(crate) fn latest_end(&self, session: &Session) -> SystemTime {
        let cookie_lifetime = self.cookie_lifetime.unwrap_or(self.lifetime);
        session.created_at
            + match session.kind() {
                SessionKind::Cookie => cookie_lifetime,
                SessionKind::RefreshToken => self.lifetime,
            }
    }

    async fn reject_reused<T>(&self, session: &Session, audit: &Audit) -> Result<T, AccountError> {
        let kind = AuditEventKind::RefreshTokenReused;
        let event = audit.event(kind, AuditActor::Anonymous, Some(session.user_id));
        audit.record(&AuditEvent {
            session: Some(session.id.clone()),
            ..event
        });
        self.end(session, SessionEnd::ReusedToken, audit).await?;
        Err(AccountError::InvalidRefreshToken)
    }

    fn token_state(&self, session: &Session, token: &RefreshToken, now: SystemTime) -> TokenState {
        let digest = token.digest();
        if bool::from(digest.ct_eq(&session.token)) {
            return TokenState::Current;
        }
        let Some(previous) = session
            .previous
            .filter(|previous| digest.ct_eq(&previous.digest).into())
        else {
            return TokenState::Reused;
        };
        // In both directions: the clocks of nodes differ, and the request that lost the race has
        // the earlier time.
        let rotated_at = session.last_used_at;
        let since = now
            .duration_since(rotated_at)
            .unwrap_or_else(|ahead| ahead.duration());
        let successor = token.unseal(&previous.successor);
        if since < self.grace && successor.digest().ct_eq(&session.token).into() {
            return TokenState::WithinGrace(successor);
        }
        TokenState::Reused
    }

    fn expiry(&self, session: &Session, now: SystemTime) -> SystemTime {
        self.latest_end(session).min(now + self.idle_lifetime)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("access_lifetime", &self.access_lifetime)
            .field("lifetime", &self.lifetime)
            .field("cookie_lifetime", &self.cookie_lifetime)
            .field("idle_lifetime", &self.idle_lifetime)
            .field("grace", &self.grace)
            .field("most", &self.most)
            .field("refresh_tokens", &self.refresh_tokens)
            .finish_non_exhaustive()
    }
}

/// Rate limits of log lines, the first by session.
struct Limits {
    within_grace: LogLimits,
    unrecorded: LogLimit,
}

/// Why a session is ended.
#[derive(Clone, Copy)]
pub(crate) enum SessionEnd {
    /// A log-out, with the token of the session.
    Logout,
    /// The owner, from the list of sessions.
    Owner,
    /// Its expiry, noticed by a request with its token.
    Expired,
    /// A refresh token that was used again after its rotation.
    ReusedToken,
}

impl SessionEnd {
    /// Returns the event of a session of the account `user_id` that was ended.
    pub(crate) fn event(self, id: &str, user_id: i64, audit: &Audit) -> AuditEvent {
        let (actor, reason) = match self {
            Self::Logout => (AuditActor::Account(user_id), "logout"),
            Self::Owner => (AuditActor::Account(user_id), "owner"),
            Self::Expired => (AuditActor::System, "expired"),
            Self::ReusedToken => (AuditActor::System, "reused_token"),
        };
        let kind = AuditEventKind::SessionEnded;
        AuditEvent {
            session: Some(id.to_owned()),
            reason: Some(reason.into()),
            ..audit.event(kind, actor, Some(user_id))
        }
    }
}

/// Relation of a token to its session.
enum TokenState {
    /// Current token.
    Current,
    /// Previous token, within the grace; contains the current one.
    WithinGrace(RefreshToken),
    /// Any other token.
    Reused,
}

const TARGET: &str = "tower_warder::sessions";

const DAY: u64 = 24 * 3600;

const MAX_LIFETIME: Duration = Duration::from_secs(3653 * DAY);

const RECORDED_USE: Duration = Duration::from_secs(5 * 60);

const MAX_GRACE: Duration = Duration::from_secs(300);
