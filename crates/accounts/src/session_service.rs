//! The rules of sessions, over any stores.

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

/// With [sessions](Accounts::sessions).
impl<S: AccountStore> Accounts<S> {
    /// Keeps whoever logs in logged in by refresh tokens, and access tokens short. By default there
    /// are no sessions, and access tokens live as long as the issuer says.
    ///
    /// [`login`](Self::login) opens a session then. The routes are
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

    /// Whether there are [sessions](Self::sessions), and so their routes to mount.
    pub const fn has_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    /// Opens a session of an account that has [authenticated](Self::authenticate) itself; `device`
    /// is what its owner sees in the list of sessions.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn open_session(&self, user: &User, device: &str) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let opened = sessions.open(user, device, self.now()).await?;
        self.session_token(user, &opened.0, Some(&opened.1))
    }

    /// The next access token of a session, and the next refresh token.
    ///
    /// The account has to be approved, and of the token generation that the session has: disabling
    /// the account has ended the session.
    ///
    /// Whoever drops this future, or does not get its answer, asks again with the same token, within
    /// the [grace](Sessions::reuse_grace): later it may be spent, and end the session.
    ///
    /// # Errors
    ///
    /// [`AccountError::InvalidRefreshToken`], whatever it is that is not good;
    /// [`AccountError::Unavailable`], or [`AccountError::NoSessions`].
    pub async fn refresh(&self, refresh_token: &str) -> Result<Token, AccountError> {
        let sessions = self.expect_sessions()?;
        let token = RefreshToken::parse(refresh_token).ok_or(AccountError::InvalidRefreshToken)?;
        let now = self.now();
        let session = sessions.find(&token, now).await?;
        let user = self.store.find(session.user_id).await?;
        // One of another generation is not ended here: a change of the password raises that of the
        // account first, and then that of the session which it keeps.
        let user = user
            .filter(|user| user.status == UserStatus::Approved)
            .filter(|user| session.is_of(user))
            .ok_or(AccountError::InvalidRefreshToken)?;
        let (session, successor) = sessions.renew(session, &token, now).await?;
        self.session_token(&user, &session, Some(&successor))
    }

    /// Ends the session of a refresh token, if there is one: also by a token that was spent, which
    /// whoever logs out may hold. Its access tokens live on for their minutes.
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

    /// Ends all sessions and all tokens of an account, those of cookies too.
    ///
    /// # Errors
    ///
    /// [`AccountError::TokensRevoked`], [`AccountError::Unavailable`].
    pub async fn logout_all(&self, user: &User) -> Result<(), AccountError> {
        self.revoke_tokens(user, None, None).await.map(drop)
    }

    /// The sessions of an account that go on, the one that was used last first, by the whole hour.
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
            // As shown: the order would tell of a renewal, too.
            let age = |session: &Session| (session.shown_use(), session.created_at);
            age(other)
                .cmp(&age(one))
                .then_with(|| one.id.cmp(&other.id))
        });
        Ok(listed)
    }

    /// Ends a session of an account by its id. Its access tokens live on for their minutes.
    ///
    /// # Errors
    ///
    /// [`AccountError::SessionNotFound`], also if it is somebody else's;
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

    /// Sets another password in the name of the account's owner, who knows the present one. That
    /// ends every token that was made before, and every session but `session`, for which it makes
    /// an access token; its refresh token stays good. `None` where there is no session to go on with:
    /// none was given, it was ended meanwhile, or the store of sessions failed after the change.
    ///
    /// `user` is who asks, as the door let it in. Works without sessions, too.
    ///
    /// # Errors
    ///
    /// [`AccountError::WrongPassword`]; [`AccountError::RejectedPassword`];
    /// [`AccountError::TokensRevoked`] if the account was disabled or
    /// deleted meanwhile, or its tokens were ended, also by another change; [`AccountError::Unavailable`].
    pub async fn change_password(
        &self,
        user: &User,
        change: PasswordChange,
        session: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        // Who was let in may come out of a cache; the hash has to be the present one.
        let stored = self.store.find(user.id).await?;
        let stored = stored
            .filter(|stored| stored.token_generation == user.token_generation)
            .ok_or(AccountError::TokensRevoked)?;
        let hash = &stored.hashed_password;
        let verified = self.hasher.verify(change.current_password(), hash).await;
        let _ = match_or(AccountError::WrongPassword, verified, Some(user.id))?;
        let (policy, new) = (self.password_policy.as_deref(), &change.new_password);
        password_policy::check(policy, "new_password", new, &stored.email).await?;
        let hash = self.hasher.hash(new.as_str()).await?;
        self.revoke_tokens(user, Some(&hash), session).await
    }

    /// Raises the token generation, and then keeps one session of those that have ended by that.
    async fn revoke_tokens(
        &self,
        user: &User,
        hash: Option<&str>,
        kept: Option<&str>,
    ) -> Result<Option<Token>, AccountError> {
        let generation = user.token_generation;
        let forgetting = self.forgetting(user.id);
        if !self.store.revoke_tokens(user.id, generation, hash).await? {
            return Err(AccountError::TokensRevoked);
        }
        drop(forgetting);
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

    /// Ends the sessions of earlier token generations; the one that is kept, if it is still there.
    ///
    /// They are over already: if the store cannot answer, their rows stay until the next log-in.
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
                "sessions that are over were not removed"
            );
            None
        });
        session.filter(|it| it.user_id == user_id && it.generation == generation)
    }

    /// An access token of a session, which it does not outlive.
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

    /// The session that an access token of these accounts belongs to. Other issuers have a `sid` of
    /// their own.
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
