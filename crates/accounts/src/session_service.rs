//! Operations on sessions, over any stores.

use serde::Deserialize;
use serde_json::json;
use tower_warder::private::{LogLimit, log_limited};
use tower_warder::{Claims, UserStatus};
use tracing::debug;

use super::error::AccountError;
use super::model::{Token, User};
use super::password_policy;
use super::service::{Accounts, match_or};
use super::session::{PasswordChange, RefreshToken, Session, Sessions, TARGET};
use super::store::{AccountStore, StoreError};

/// Operations on [sessions](Accounts::sessions).
impl<S: AccountStore> Accounts<S> {
    /// Enables sessions: short-lived access tokens, and refresh tokens to renew them. Defaults to no
    /// sessions; access tokens then have the issuer's lifetime.
    ///
    /// With sessions, [`login`](Self::login) opens one. The routes are
    /// [`session_routes`](crate::session_routes).
    ///
    /// ```
    /// use axum::Router;
    /// use tower_warder_accounts::{self as accounts, Accounts, InMemorySessionStore, InMemoryAccountStore, Sessions};
    /// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
    ///     .sessions(Sessions::new(InMemorySessionStore::new()));
    /// let routes =
    ///     accounts::routes(accounts.clone()).merge(accounts::session_routes(accounts.clone()));
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

    /// Opens a session of an account that was [authenticated](Self::authenticate). `device` is its
    /// name in the list of sessions.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn open_session(&self, user: &User, device: &str) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let opened = sessions.open(user, device, self.now()).await?;
        self.session_token(user, &opened.0, Some(&opened.1))
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
        let session = sessions.find(&token, now).await?;
        let user = self.store.find(session.user_id).await?;
        // A session of another generation is not ended here: a password change first raises the
        // generation of the account, and then that of the session which it keeps.
        let user = user
            .filter(|user| user.status == UserStatus::Approved)
            .filter(|user| session.is_of(user))
            .ok_or(AccountError::InvalidRefreshToken)?;
        let (session, successor) = sessions.renew(session, &token, now).await?;
        self.session_token(&user, &session, Some(&successor))
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
            Some(session) => sessions.end(&session, "logout").await,
            None => Ok(()),
        }
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

    /// Ends a session of an account by its id. Its access tokens stay valid until they expire.
    ///
    /// # Errors
    ///
    /// [`AccountError::SessionNotFound`], also if it belongs to another account;
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn end_session(&self, user: &User, id: &str) -> Result<(), AccountError> {
        let sessions = self.expect_sessions()?;
        if !sessions.store().end(id, user.id).await? {
            return Err(AccountError::SessionNotFound);
        }
        let reason = "owner";
        debug!(target: TARGET, id = user.id, session = id, reason, "session ended");
        Ok(())
    }

    /// Changes the password on behalf of the account's owner, and requires the current one.
    ///
    /// Revokes all tokens that were issued before, and all sessions except `session`: that keeps its
    /// refresh token, and the result is a new access token for it. Returns `None` if there is no
    /// session to keep: none was given, it ended meanwhile, or the session store failed after the
    /// change.
    ///
    /// `user` is the caller, as the request was authorized. Works without sessions, too.
    ///
    /// # Errors
    ///
    /// [`AccountError::WrongPassword`]; [`AccountError::RejectedPassword`];
    /// [`AccountError::TokensRevoked`] if the account was disabled or deleted meanwhile, or its tokens
    /// were revoked, also by another change; [`AccountError::Unavailable`].
    pub async fn change_password(
        &self,
        user: &User,
        change: PasswordChange,
        session: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        // `user` may come from a cache; the hash has to be the current one.
        let stored = self.store.find(user.id).await?;
        let stored = stored
            .filter(|stored| stored.token_generation == user.token_generation)
            .ok_or(AccountError::TokensRevoked)?;
        let hash = &stored.hashed_password;
        let verified = self.hasher.verify(&change.current_password, hash).await;
        let _ = match_or(AccountError::WrongPassword, verified, Some(user.id))?;
        let (policy, new) = (self.password_policy.as_deref(), &change.new_password);
        password_policy::check(policy, new, &stored.email).await?;
        let hash = self.hasher.hash(new.as_str()).await?;
        self.revoke_tokens(user, Some(&hash), session).await
    }

    /// Raises the token generation, which ends all sessions, and then moves the session `kept` to the
    /// new generation.
    async fn revoke_tokens(
        &self,
        user: &User,
        hash: Option<&str>,
        kept: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        let generation = user.token_generation;
        let invalidation = self.invalidate_on_drop(user.id);
        if !self.store.revoke_tokens(user.id, generation, hash).await? {
            return Err(AccountError::TokensRevoked);
        }
        drop(invalidation);
        let user = User {
            token_generation: generation + 1,
            ..user.clone()
        };
        let kept = self.end_sessions_before(user.id, user.token_generation, kept);
        let Some(session) = kept.await else {
            return Ok(None);
        };
        self.session_token(&user, &session, None).map(Some)
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
            debug!(target: TARGET, id = user_id, reason = "tokens ended", "sessions ended");
            match kept {
                Some(kept) => store.find(kept).await,
                None => Ok(None),
            }
        };
        let session = ended.await.unwrap_or_else(|error: StoreError| {
            static LIMIT: LogLimit = LogLimit::new();

            let source = error.into_source();
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

    /// Issues an access token of a session. It expires with the session at the latest.
    fn session_token(
        &self,
        user: &User,
        session: &Session,
        refresh: Option<&RefreshToken>,
    ) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let left = session.expires_at.duration_since(self.now());
        let left = left.unwrap_or_default();
        let issuer = self.issuer.clone();
        let issuer = issuer.lifetime(sessions.access_lifetime.min(left));
        let subject = self.subject.of(user);
        let access = issuer
            .token(&subject)
            .generation(user.token_generation)
            .claims(&json!({"sid": session.id}))
            .issue()?;
        let token = Token::bearer(access, issuer.expires_in());
        Ok(match refresh {
            Some(refresh) => token.refresh(refresh.to_text(), left),
            None => token,
        })
    }

    /// Returns the id of the session that an access token belongs to. Tokens of other issuers may
    /// have a `sid` with another meaning.
    pub(super) fn session_of(&self, claims: &Claims) -> Option<String> {
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
