//! Operations on sessions, over any stores.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower_warder::private::{LogLimit, log_limited};
use tower_warder::{BoxError, Claims, UserStatus};

use super::actor::Actor;
use super::audit::{AuditActor, AuditEvent, AuditEventKind};
use super::error::AccountError;
use super::login_service::match_or;
use super::model::{Token, User};
use super::service::Accounts;
use super::session::{
    COOKIE, PasswordChange, RefreshToken, SESSION_KIND, Session, SessionEnd, SessionKind, Sessions,
};
use super::store::AccountStore;
use super::store_error::StoreError;
use super::user_change::UserAction;

/// Operations on [sessions](Accounts::sessions).
impl<S: AccountStore> Accounts<S> {
    /// Enables sessions: short-lived access tokens with refresh tokens to renew them, and log-ins by
    /// cookie that can be ended. Defaults to no sessions; tokens then have the issuer's lifetime, also
    /// in cookies.
    ///
    /// With sessions, [`login`](Self::login) opens one, and so do the routes for log-in by
    /// [cookie](crate::cookie_routes). [`session_routes`](crate::session_routes) lists and ends them,
    /// [`refresh_routes`](crate::refresh_routes) renews tokens.
    ///
    /// ```
    /// use axum::Router;
    /// use tower_warder_accounts::{self as accounts, Accounts, InMemorySessionStore, InMemoryAccountStore, Sessions};
    /// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
    ///     .sessions(Sessions::new(InMemorySessionStore::new()));
    /// let routes = accounts::routes(accounts.clone())
    ///     .merge(accounts::session_routes(accounts.clone()))
    ///     .merge(accounts::refresh_routes(accounts.clone()));
    /// let app: Router = Router::new()
    ///     .nest("/api/auth", routes)
    ///     .layer(AuthLayer::new(JwtVerifier::hs256(&secret), accounts));
    /// ```
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Returns `true` if [sessions](Self::sessions) are configured.
    pub const fn has_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    /// Returns `true` if [`login`](Self::login) returns a refresh token.
    pub fn has_refresh_tokens(&self) -> bool {
        let sessions = self.sessions.as_ref();
        sessions.is_some_and(|sessions| sessions.refresh_tokens)
    }

    /// Opens a session of an account that was [authenticated](Self::authenticate), and returns the
    /// token for a [cookie](tower_warder::credentials::AuthCookie::set) with its lifetime. `device`
    /// is its name in the list of sessions. For a log-in of your own;
    /// [`cookie_routes`](crate::cookie_routes) call it.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`]; [`AccountError::NoSessions`];
    /// [`AccountError::SessionsNotChecked`] if no layer was created with these accounts.
    pub async fn open_cookie_session(
        &self,
        user: &User,
        device: &str,
    ) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let added = self.added_claims(user).await?;
        let session = sessions.open_for_cookie(user, device, self.now());
        let session = session.await?;
        self.record_opened(&session);
        self.session_token(user, &session, None, &added)
    }

    /// Opens a session of an account that was [authenticated](Self::authenticate), and returns its
    /// access token and refresh token. `device` is its name in the list of sessions.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn open_session(&self, user: &User, device: &str) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let added = self.added_claims(user).await?;
        let opened = sessions.open(user, device, self.now()).await?;
        self.record_opened(&opened.0);
        self.session_token(user, &opened.0, Some(&opened.1), &added)
    }

    fn record_opened(&self, session: &Session) {
        let (kind, id) = (AuditEventKind::SessionOpened, session.user_id);
        let event = self.audit.event(kind, AuditActor::Account(id), Some(id));
        self.audit.record(&AuditEvent {
            session: Some(session.id.clone()),
            ..event
        });
    }

    /// Rotates the refresh token of a session, and issues a new access token.
    ///
    /// The account has to be approved and to have the session's token generation: disabling the
    /// account ends its sessions.
    ///
    /// If this future is dropped or its result is lost, retry with the same token within the
    /// [grace period](Sessions::reuse_grace). After that, reusing a rotated token ends the session.
    ///
    /// # Errors
    ///
    /// [`AccountError::InvalidRefreshToken`] for every invalid token;
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    #[doc(alias = "rotation")]
    pub async fn refresh(&self, refresh_token: &str) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let token = RefreshToken::parse(refresh_token).ok_or(AccountError::InvalidRefreshToken)?;
        let now = self.now();
        let session = sessions.find(&token, now, &self.audit).await?;
        let user = self.store.find(session.user_id).await?;
        // A session of another generation is not ended here: a password change first raises the
        // generation of the account, and then that of the session which it keeps.
        let user = user
            .filter(|user| user.status == UserStatus::Approved)
            .filter(|user| session.is_of(user))
            .ok_or(AccountError::InvalidRefreshToken)?;
        // Before the rotation, so that the client keeps a valid token if this fails.
        let added = self.added_claims(&user).await?;
        let renewed = sessions.renew(session, &token, now, &self.audit);
        let (session, successor) = renewed.await?;
        self.session_token(&user, &session, Some(&successor), &added)
    }

    /// Ends the session of a refresh token, if there is one. A token that was already rotated is
    /// accepted, too, because the client may hold one. Access tokens of the session stay valid until
    /// they expire.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn logout(&self, refresh_token: &str) -> Result<(), AccountError> {
        let sessions = self.expect_sessions()?;
        let Some(token) = RefreshToken::parse(refresh_token) else {
            return Ok(());
        };
        match sessions.store().find(&token.session_id()).await? {
            Some(session) if session.kind() == SessionKind::RefreshToken => {
                sessions
                    .end(&session, SessionEnd::Logout, &self.audit)
                    .await
            }
            _ => Ok(()),
        }
    }

    /// Ends the session that a token belongs to, if there is one.
    pub(super) async fn end_session_of(&self, claims: &Claims) -> Result<(), AccountError> {
        let sessions = self.expect_sessions()?;
        let Some(id) = self.session_of(claims) else {
            return Ok(());
        };
        let Some(session) = sessions.store().find(&id).await? else {
            return Ok(());
        };
        // Streams of the session end at once.
        let _invalidation = self.invalidate_on_drop(session.user_id);
        sessions
            .end(&session, SessionEnd::Logout, &self.audit)
            .await
    }

    /// Revokes all sessions and all tokens of an account, also tokens in cookies.
    ///
    /// # Errors
    ///
    /// [`AccountError::TokensRevoked`], [`AccountError::Unavailable`].
    pub async fn logout_all(&self, user: &User) -> Result<(), AccountError> {
        self.revoke_tokens(user, None, None).await.map(drop)
    }

    /// Returns the active sessions of an account, most recently used first, to the hour.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn list_sessions(&self, user: &User) -> Result<Vec<Session>, AccountError> {
        let sessions = self.expect_sessions()?;
        let mut listed = sessions.store().list(user.id).await?;
        let now = self.now();
        listed.retain(|session| session.is_of(user) && !sessions.is_over(session, now));
        listed.sort_by(|one, other| {
            // To the hour, as displayed: an exact order would disclose each renewal.
            let age = |session: &Session| (session.shown_use(), session.created_at);
            age(other)
                .cmp(&age(one))
                .then_with(|| one.id.cmp(&other.id))
        });
        Ok(listed)
    }

    /// Ends a session of an account by its id. A session of a cookie ends at once; access tokens that
    /// came with a refresh token stay valid until they expire.
    ///
    /// # Errors
    ///
    /// [`AccountError::SessionNotFound`], also if it belongs to another account;
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn end_session(&self, user: &User, id: &str) -> Result<(), AccountError> {
        let sessions = self.expect_sessions()?;
        let invalidation = self.invalidate_on_drop(user.id);
        if !sessions.store().end(id, user.id).await? {
            // Other processes would be notified of each request for a session that does not exist.
            invalidation.cancel();
            return Err(AccountError::SessionNotFound);
        }
        let event = SessionEnd::Owner.event(id, user.id, &self.audit);
        self.audit.record(&event);
        Ok(())
    }

    /// Ends the sessions of an account except `current`, as [`end_session`](Self::end_session) does.
    /// Tokens that belong to no session stay valid: [`logout_all`](Self::logout_all) revokes them.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`]: some may have ended; or [`AccountError::NoSessions`].
    pub async fn end_other_sessions(
        &self,
        user: &User,
        current: Option<&str>,
    ) -> Result<(), AccountError> {
        let sessions = self.expect_sessions()?;
        let mut others = sessions.store().list(user.id).await?;
        others.retain(|session| current != Some(&*session.id));
        if others.is_empty() {
            return Ok(());
        }
        let _invalidation = self.invalidate_on_drop(user.id);
        for session in others {
            sessions
                .end(&session, SessionEnd::Owner, &self.audit)
                .await?;
        }
        Ok(())
    }

    /// Changes the password on behalf of the account's owner, and requires the current one.
    ///
    /// Revokes all tokens that were issued before, and all sessions except `session`: that keeps its
    /// refresh token, and the result is a new access token for it, or the new token of its cookie.
    /// Returns `None` if there is no
    /// session to keep: none was given, it ended meanwhile, or the session store failed after the
    /// change.
    ///
    /// `user` is the caller, as the request was authorized. Works without sessions, too.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::WrongPassword`];
    /// [`AccountError::RejectedPassword`]; [`AccountError::Vetoed`];
    /// [`AccountError::TokensRevoked`] if the account was disabled or deleted meanwhile, or its tokens
    /// were revoked, also by another change; [`AccountError::Unavailable`].
    pub async fn change_password(
        &self,
        user: &User,
        change: PasswordChange,
        session: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        let stored = self.current_owner(user).await?;
        self.check_current_password(&stored, &change.current_password)
            .await?;
        let (hasher, new) = (self.hasher_for_user(&stored), &change.new_password);
        self.check_new_password(new, &stored, &hasher).await?;
        let hash = hasher.hash(new.as_str()).await?;
        self.revoke_tokens(user, Some(hash), session).await
    }

    /// Returns the account of a caller as it is stored. `user` may come from a cache; the hash has to be
    /// the current one.
    pub(super) async fn current_owner(&self, user: &User) -> Result<User, AccountError> {
        let stored = self.store.find(user.id).await?;
        stored
            .filter(|stored| stored.token_generation == user.token_generation)
            .ok_or(AccountError::TokensRevoked)
    }

    /// Checks the current password, unless there were too many wrong ones.
    pub(super) async fn check_current_password(
        &self,
        stored: &User,
        password: &str,
    ) -> Result<(), AccountError> {
        let attempt = self.begin_password_change(stored).await?;
        let hash = stored.password_hash();
        let hasher = self.hasher_for_user(stored);
        let verified = self.verify_password(password, hash, &hasher);
        let verified = verified.await;
        let matched = match_or(AccountError::WrongPassword, verified, Some(stored.id));
        if let Err(AccountError::WrongPassword) = matched {
            self.record_failed_login(Some(stored.id), "wrong_current_password");
        }
        Self::settle(attempt, matched).await.map(drop)
    }

    /// Raises the token generation, which ends all sessions, and then moves the session `kept` to the
    /// new generation.
    async fn revoke_tokens(
        &self,
        user: &User,
        hash: Option<String>,
        kept: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        let generation = user.token_generation;
        let action = UserAction::RevokeTokens { generation, hash };
        // Before the change, so that nothing is changed if this fails.
        let added = match kept {
            Some(_) => self.added_claims(user).await?,
            None => Map::new(),
        };
        self.change(user.id, action, Actor::System).await?;
        let user = User {
            token_generation: generation + 1,
            ..user.clone()
        };
        let kept = self.end_sessions_before(user.id, user.token_generation, kept);
        let Some(session) = kept.await else {
            return Ok(None);
        };
        self.session_token(&user, &session, None, &added).map(Some)
    }

    /// Removes the sessions of earlier token generations. Returns the session `kept`, if it still
    /// exists.
    ///
    /// These sessions have ended already: if the store fails, their rows stay until the next log-in.
    pub(super) async fn end_sessions_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Option<Session> {
        let store = self.sessions.as_ref()?.store();
        let ended = async {
            store.revoke_before(user_id, generation, kept).await?;
            match kept {
                Some(kept) => store.find(kept).await,
                None => Ok(None),
            }
        };
        let session = ended.await.unwrap_or_else(|error: StoreError| {
            static LIMIT: LogLimit = LogLimit::new();

            let source = BoxError::from(error);
            log_limited!(
                LIMIT,
                error,
                id = user_id,
                %source,
                "ended sessions were not removed; the next log-in tries again"
            );
            None
        });
        session.filter(|it| it.user_id == user_id && it.generation == generation)
    }

    /// Issues a token of a session. It expires with the session at the latest: the one of a cookie at
    /// the end of its maximum lifetime, because nothing renews it.
    fn session_token(
        &self,
        user: &User,
        session: &Session,
        refresh: Option<&RefreshToken>,
        added: &Map<String, Value>,
    ) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let until = |end: SystemTime| end.duration_since(self.now()).unwrap_or_default();
        let left = until(session.expires_at);
        let (lifetime, claims) = match session.kind() {
            SessionKind::RefreshToken => (
                sessions.access_lifetime.min(left),
                json!({"sid": session.id}),
            ),
            SessionKind::Cookie => (
                // Rounded up to whole seconds: some microseconds have passed since it was opened.
                until(sessions.latest_end(session)) + ALMOST_A_SECOND,
                json!({"sid": session.id, SESSION_KIND: COOKIE}),
            ),
        };
        let issuer = self.issuer.clone().lifetime(lifetime);
        let subject = self.subject.of(user);
        let access = issuer
            .token(&subject)
            .generation(user.token_generation)
            // Not that of a renewal.
            .auth_time(session.created_at)
            .claims(added)
            .claims(&self.subject.claims_of(user))
            .claims(&claims)
            .issue()?;
        let token = Token::bearer(access, issuer.expires_in());
        Ok(match refresh {
            Some(refresh) => token.refresh(refresh.to_text(), left),
            None => token,
        })
    }

    /// Returns the id of the session that a token belongs to. Tokens of other issuers may have a `sid`
    /// with another meaning.
    pub fn session_of(&self, claims: &Claims) -> Option<String> {
        #[derive(Deserialize)]
        struct Session {
            sid: String,
        }

        if !self.is_issuer_of(claims) {
            return None;
        }
        claims
            .deserialize::<Session>()
            .ok()
            .map(|session| session.sid)
    }

    fn expect_sessions(&self) -> Result<&Sessions, AccountError> {
        self.sessions.as_ref().ok_or(AccountError::NoSessions)
    }
}

const ALMOST_A_SECOND: Duration = Duration::from_nanos(999_999_999);
