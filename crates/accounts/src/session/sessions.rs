//! How sessions begin, go on and end, whosoever they are.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ctutils::CtEq;
use tower_warder::private::{LogLimits, log_limited};

use super::model::{Rotation, Session, device};
use super::store::SessionStore;
use super::token::RefreshToken;
use crate::error::AccountError;
use crate::model::User;

/// Sessions, to be given to [`Accounts::sessions`](crate::Accounts::sessions).
///
/// Access tokens live for minutes then. A refresh token gets the next one, and is spent by that: the
/// answer has its successor. A client keeps both, and asks for one renewal at a time.
///
/// A spent token that comes back ends its session: either the client has lost its successor, or
/// there are two who hold it, and nobody can tell which one is the owner. Only within the
/// [grace](Self::reuse_grace) the token before the present one gets the same successor once more, because
/// answers get lost and browsers have two tabs. There is never more than one token that is alive.
///
/// What that means where a token was stolen: thief and owner can both renew it as long as each does
/// so within the grace of the other. The first time that one comes later, the session ends for
/// both, and the log warns of it. Within the grace the log has `spent refresh token came back within
/// the grace` (info), at most once a minute for a session and with a count: once for a lost answer,
/// and again and again for a thief who keeps in step.
/// When the owner renews, he is not told: the list of sessions has whole hours, which say nothing as
/// long as [access tokens](Self::access_lifetime) live for less. A grace of zero leaves the thief no
/// such time, and logs out clients whose answer is lost.
#[derive(Clone)]
#[must_use]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    pub(crate) access_lifetime: Duration,
    lifetime: Duration,
    idle_lifetime: Duration,
    grace: Duration,
    most: u32,
    limits: Arc<Limits>,
}

impl Sessions {
    /// Sessions in `store`.
    pub fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(store),
            access_lifetime: Duration::from_secs(15 * 60),
            lifetime: Duration::from_secs(30 * DAY),
            idle_lifetime: Duration::from_secs(7 * DAY),
            grace: Duration::from_secs(30),
            most: 100,
            limits: Arc::new(Limits {
                within_grace: LogLimits::new(),
                reused: LogLimits::new(),
            }),
        }
    }

    /// How long the access tokens of a session live, in whole seconds: also how long one is good
    /// for after its session was ended. Defaults to 15 minutes.
    pub const fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_lifetime = lifetime;
        self
    }

    /// How long a session lives, however much it is used. Ten years at most. Defaults to 30 days.
    ///
    /// Where it is made shorter, sessions that are older are over at once. A longer one, and another
    /// idle lifetime, count from the next renewal on.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.min(MAX_LIFETIME);
        self
    }

    /// How long a session lives after its token was renewed last. Defaults to 7 days.
    pub fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.idle_lifetime = lifetime.min(MAX_LIFETIME);
        self
    }

    /// How long the token before the present one gets the same successor again, from the moment
    /// when it was spent. Five minutes at most; zero: never. Defaults to 30 seconds.
    ///
    /// The clocks of several nodes have to agree better than this.
    pub fn reuse_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(MAX_GRACE);
        self
    }

    /// How many sessions an account has at most: the one that was used the longest time ago makes
    /// room. At least one. Defaults to 100.
    pub fn max_per_user(mut self, sessions: u32) -> Self {
        self.most = sessions.max(1);
        self
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.store
    }

    /// A session of who has logged in, and its first token.
    pub(crate) async fn open(
        &self,
        user: &User,
        said: &str,
        now: SystemTime,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let token = RefreshToken::random()?;
        let session = Session {
            id: token.session_id(),
            user_id: user.id,
            generation: user.token_generation,
            device: device(said),
            created_at: now,
            last_used_at: now,
            expires_at: self.expiry(now, now),
            token: token.digest(),
            previous: None,
        };
        self.store.open(session.clone(), self.most).await?;
        tracing::debug!(target: TARGET, id = user.id, session = session.id, "session opened");
        Ok((session, token))
    }

    /// The session that a token may go on with. If it is over, or the token was spent, it is ended.
    pub(crate) async fn find(
        &self,
        token: &RefreshToken,
        now: SystemTime,
    ) -> Result<Session, AccountError> {
        let session = self.store.find(&token.session_id()).await?;
        let session = session.ok_or(AccountError::InvalidRefreshToken)?;
        match self.standing(&session, token, now) {
            TokenState::Reused => self.refuse_spent(&session).await,
            _ if self.is_over(&session, now) => {
                self.end(&session, "expired").await?;
                Err(AccountError::InvalidRefreshToken)
            }
            _ => Ok(session),
        }
    }

    /// The successor of a token that was [found](Self::find) good, and the session after that.
    pub(crate) async fn renew(
        &self,
        session: Session,
        token: &RefreshToken,
        now: SystemTime,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let session = match self.standing(&session, token, now) {
            TokenState::Current => {
                let successor = token.successor()?;
                let rotation = Rotation {
                    token: successor.digest(),
                    successor: token.seal(&successor),
                    at: now,
                    expires_at: self.expiry(session.created_at, now),
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
                // Somebody with the same token was faster, or the session was ended.
                let session = self.store.find(&session.id).await?;
                session.ok_or(AccountError::InvalidRefreshToken)?
            }
            _ => session,
        };
        match self.standing(&session, token, now) {
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
            TokenState::Reused => self.refuse_spent(&session).await,
            // It was not when it was to be renewed, and no token comes back.
            TokenState::Current => Err(AccountError::unavailable("the session store lags behind")),
        }
    }

    /// Ends a session, for a reason that the log is told.
    pub(crate) async fn end(
        &self,
        session: &Session,
        reason: &'static str,
    ) -> Result<(), AccountError> {
        if self.store.end(&session.id, session.user_id).await? {
            let id = session.user_id;
            tracing::debug!(target: TARGET, id, session = session.id, reason, "session ended");
        }
        Ok(())
    }

    /// Whether nothing goes on with it any more, whatever its token.
    pub(crate) fn is_over(&self, session: &Session, now: SystemTime) -> bool {
        session.has_expired(now) || self.expiry(session.created_at, now) <= now
    }

    async fn refuse_spent<T>(&self, session: &Session) -> Result<T, AccountError> {
        let id = session.user_id;
        log_limited!(
            self.limits.reused.of(&session.id),
            warn,
            target: TARGET,
            id,
            session = session.id,
            "spent refresh token came back"
        );
        self.end(session, "spent token").await?;
        Err(AccountError::InvalidRefreshToken)
    }

    fn standing(&self, session: &Session, token: &RefreshToken, now: SystemTime) -> TokenState {
        let digest = token.digest();
        if bool::from(digest.ct_eq(&session.token)) {
            return TokenState::Current;
        }
        let Some(spent) = session
            .previous
            .filter(|spent| digest.ct_eq(&spent.digest).into())
        else {
            return TokenState::Reused;
        };
        // Either way: nodes have clocks of their own, and who lost the race asked before.
        let spent_at = session.last_used_at;
        let since = now
            .duration_since(spent_at)
            .unwrap_or_else(|ahead| ahead.duration());
        let successor = token.unseal(&spent.successor);
        if since < self.grace && successor.digest().ct_eq(&session.token).into() {
            return TokenState::WithinGrace(successor);
        }
        TokenState::Reused
    }

    fn expiry(&self, created_at: SystemTime, now: SystemTime) -> SystemTime {
        (created_at + self.lifetime).min(now + self.idle_lifetime)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("access_lifetime", &self.access_lifetime)
            .field("lifetime", &self.lifetime)
            .field("idle_lifetime", &self.idle_lifetime)
            .field("grace", &self.grace)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// How often the log hears of a session that is asked for again and again.
struct Limits {
    within_grace: LogLimits,
    reused: LogLimits,
}

/// What a token is to its session.
enum TokenState {
    /// The one that is alive.
    Current,
    /// The one before, within the grace; this is the one that is alive.
    WithinGrace(RefreshToken),
    /// Any other.
    Reused,
}

pub(crate) const TARGET: &str = "tower_warder::sessions";

const DAY: u64 = 24 * 3600;

const MAX_LIFETIME: Duration = Duration::from_secs(3653 * DAY);

const MAX_GRACE: Duration = Duration::from_secs(300);
