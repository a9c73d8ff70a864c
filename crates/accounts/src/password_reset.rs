//! Password resets by a one-time token.

use tower_warder::UserStatus;
use tower_warder::password::{PasswordError, PasswordHasher};
use tower_warder::private::ThrottledRoute;

use super::actor::Actor;
use super::audit::{AuditActor, AuditEvent, AuditEventKind};
use super::error::AccountError;
use super::login_challenge::{LoginChallenge, LoginChallengeKind};
use super::model::User;
use super::one_time_token::{
    NewOneTimeToken, OneTimePasswordReset, OneTimeToken, OneTimeTokens, TokenPurpose,
};
use super::password::Password;
use super::password_policy;
use super::service::Accounts;
use super::store::AccountStore;
use super::store_error::StoreError;
use super::user_change::{UserAction, UserChange};

/// Operations with [one-time tokens](Accounts::one_time_tokens).
impl<S: AccountStore> Accounts<S> {
    /// Enables one-time tokens: for new passwords, temporary passwords, invitations and links by mail.
    /// Defaults to none.
    ///
    /// [`password_reset_routes`](crate::password_reset_routes) has the routes for new passwords.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer};
    /// use tower_warder_accounts::{
    ///     Accounts, InMemoryAccountStore, InMemoryOneTimeTokenStore, OneTimeTokens,
    ///     password_reset_routes, routes,
    /// };
    ///
    /// let issuer = JwtIssuer::hs256(&HmacSecret::generate());
    /// let accounts = Accounts::new(InMemoryAccountStore::new(), issuer)
    ///     .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    /// let routes = routes(accounts.clone()).merge(password_reset_routes(accounts));
    /// # drop(routes);
    /// ```
    pub fn one_time_tokens(mut self, tokens: OneTimeTokens) -> Self {
        self.one_time_tokens = Some(tokens);
        self
    }

    /// Returns `true` if [one-time tokens](Self::one_time_tokens) are configured.
    pub const fn has_one_time_tokens(&self) -> bool {
        self.one_time_tokens.is_some()
    }

    /// Creates a one-time token with which the account `id` gets a new password, on behalf of `by`. The
    /// page of the application whose link has the token calls
    /// [`reset_password_by_token`](Self::reset_password_by_token).
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::NotApproved`],
    /// [`AccountError::NoOneTimeTokens`] or [`AccountError::Unavailable`].
    pub async fn create_password_reset_token(
        &self,
        id: i64,
        by: impl Into<Actor>,
    ) -> Result<NewOneTimeToken, AccountError> {
        let by = by.into();
        let tokens = self.expect_one_time_tokens()?;
        self.check_actor(by).await?;
        let user = self.store.find(id).await?.ok_or(AccountError::NotFound)?;
        if user.status != UserStatus::Approved {
            return Err(AccountError::NotApproved);
        }
        let kind = AuditEventKind::PasswordResetLinkCreated;
        let event = self.audit.begin(kind, by.into(), id);
        let created = tokens.create(TokenPurpose::RESET_PASSWORD, &user, None, by, self.now());
        Ok(event.settle(created.await, |_| id)?)
    }

    /// Sets a new password by a one-time token, and revokes all tokens and sessions of its account. The
    /// token is that of a link, or of a log-in with a [temporary](crate::PasswordReset::must_change)
    /// password.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::InvalidOneTimeToken`];
    /// [`AccountError::RejectedPassword`] and [`AccountError::Vetoed`], after which the token is still
    /// valid;
    /// [`AccountError::NoOneTimeTokens`] or [`AccountError::Unavailable`].
    #[doc(alias = "forgot-password")]
    pub async fn reset_password_by_token(
        &self,
        reset: OneTimePasswordReset,
    ) -> Result<(), AccountError> {
        let purpose = TokenPurpose::RESET_PASSWORD;
        self.use_password_link(&reset, purpose).await.map(drop)
    }

    /// Sets the password of an account by a token of this purpose: a new one, or the first one.
    pub(super) async fn use_password_link(
        &self,
        reset: &OneTimePasswordReset,
        purpose: TokenPurpose,
    ) -> Result<User, AccountError> {
        let accounts = self.for_client(&reset.client);
        let route = ThrottledRoute::PasswordReset;
        let attempt = accounts.begin_token_use(route, &reset.client).await?;
        let result = accounts.set_password_by_token(reset, purpose).await;
        match result {
            // They stay counted: the token is still valid, and the application or the hasher has worked.
            Err(AccountError::Vetoed(_) | AccountError::RejectedPassword(_)) => result,
            result => Self::settle(attempt, result).await,
        }
    }

    async fn set_password_by_token(
        &self,
        reset: &OneTimePasswordReset,
        purpose: TokenPurpose,
    ) -> Result<User, AccountError> {
        let tokens = self.expect_one_time_tokens()?;
        let found = self
            .find_password_token(tokens, &reset.token, purpose)
            .await;
        let token = found.inspect_err(|error| self.record_rejected_token(error, None))?;
        let id = Some(token.user_id);
        let user = self.account_of(&token).await;
        let user = user.inspect_err(|error| self.record_rejected_token(error, id))?;
        // Not by account: of two uses of a token, the later one is invalid and not rejected as busy.
        let hasher = self.hasher_for(reset.client.hash_caller().preferred(true));
        self.check_new_password(&reset.password, &user, &hasher)
            .await?;
        let hash = hasher.hash(reset.password.as_str()).await?;

        let generation = user.token_generation;
        // Only if nothing has revoked the token meanwhile: the store compares the generation. So of
        // concurrent uses one succeeds, and the link stays valid if the store fails.
        let (kind, action) = token.password_change(generation, hash);
        let change = UserChange {
            id: user.id,
            action,
            by: token.creator(),
            at: self.now(),
        };
        let actor = match token.purpose {
            // Only a log-in with the password of the account gives this one.
            TokenPurpose::CHANGE_PASSWORD => AuditActor::Account(user.id),
            _ => AuditActor::Anonymous,
        };
        let begin = || self.audit.begin(kind, actor, user.id);
        let user = match self.hooked_change(&change, actor, begin).await {
            Ok(Some(user)) => user,
            Ok(None) | Err(StoreError::Outdated | StoreError::NotAdmin(_)) => {
                let error = AccountError::InvalidOneTimeToken;
                self.record_rejected_token(&error, id);
                return Err(error);
            }
            Err(error) => return Err(error.into()),
        };
        // The change has revoked it: this removes its row.
        let _ = tokens.take(&token, self.now()).await;
        self.end_sessions_before(user.id, user.token_generation, None)
            .await;
        Ok(user)
    }

    /// Finds a token of this purpose; in place of one of a link for a new password also that of a log-in.
    async fn find_password_token(
        &self,
        tokens: &OneTimeTokens,
        text: &str,
        purpose: TokenPurpose,
    ) -> Result<OneTimeToken, AccountError> {
        let of_link = tokens.find(purpose, text, self.now());
        match of_link.await {
            Err(AccountError::InvalidOneTimeToken) if purpose == TokenPurpose::RESET_PASSWORD => {
                let of_login = tokens.find(TokenPurpose::CHANGE_PASSWORD, text, self.now());
                of_login.await
            }
            found => found,
        }
    }

    /// Checks a new password by the policy, and that it replaces a temporary one.
    pub(super) async fn check_new_password(
        &self,
        new: &Password,
        user: &User,
        hasher: &PasswordHasher,
    ) -> Result<(), AccountError> {
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, new, &user.email).await?;
        if !user.must_change_password {
            return Ok(());
        }
        match hasher.verify(new.as_str(), &user.hashed_password).await {
            Ok(verification) if verification.matches => {
                Err(AccountError::RejectedPassword(SAME_PASSWORD.into()))
            }
            // Whatever the old one was, it is another one.
            Ok(_) | Err(PasswordError::UnreadableHash) => Ok(()),
            Err(error) => Err(AccountError::unavailable(error)),
        }
    }

    /// Creates the challenge of a log-in, whose password was correct.
    pub(super) async fn challenge(
        &self,
        kind: LoginChallengeKind,
        user: &User,
    ) -> Result<LoginChallenge, AccountError> {
        let tokens = self.expect_one_time_tokens()?;
        let purpose = match kind {
            LoginChallengeKind::PasswordChange => TokenPurpose::CHANGE_PASSWORD,
        };
        // Bound to the generation that was read together with the hash.
        let created = tokens.create(purpose, user, None, Actor::System, self.now());
        let created = created.await?;
        Ok(LoginChallenge {
            kind,
            token: created.token,
            expires_in: created.expires_in,
        })
    }

    /// Returns the account of a token, if nothing has revoked it.
    async fn account_of(&self, token: &OneTimeToken) -> Result<User, AccountError> {
        match self.check_actor(token.creator()).await {
            Err(AccountError::NotAdmin(_)) => return Err(AccountError::InvalidOneTimeToken),
            checked => checked?,
        }
        let user = self.store.find(token.user_id).await?;
        user.filter(|user| token.is_of(user) && token.fits(user) && token.is_for_address_of(user))
            .ok_or(AccountError::InvalidOneTimeToken)
    }

    /// Records that a one-time token is invalid: that it is unknown, used or expired, or that it belongs
    /// to this account and is revoked.
    pub(super) fn record_rejected_token(&self, error: &AccountError, account: Option<i64>) {
        if matches!(error, AccountError::InvalidOneTimeToken) {
            let kind = AuditEventKind::OneTimeTokenRejected;
            let event = self.audit.event(kind, AuditActor::Anonymous, account);
            let reason = if account.is_some() {
                "revoked"
            } else {
                "unknown"
            };
            self.audit.record(&AuditEvent {
                reason: Some(reason.into()),
                ..event
            });
        }
    }

    pub(super) fn expect_one_time_tokens(&self) -> Result<&OneTimeTokens, AccountError> {
        let tokens = self.one_time_tokens.as_ref();
        tokens.ok_or(AccountError::NoOneTimeTokens)
    }
}

/// Message for a temporary password that is to stay.
const SAME_PASSWORD: &str = "This is the temporary password. Choose another one.";

impl OneTimeToken {
    fn creator(&self) -> Actor {
        self.created_by.map_or(Actor::System, Actor::Admin)
    }

    /// Returns `true` if the account is in the state that the purpose is for.
    fn fits(&self, user: &User) -> bool {
        match self.purpose {
            TokenPurpose::RESET_PASSWORD | TokenPurpose::CHANGE_PASSWORD => {
                user.status == UserStatus::Approved
            }
            _ => user.awaits_password(),
        }
    }

    /// Returns `true` if the account still has the address that the link was sent to, if it was.
    fn is_for_address_of(&self, user: &User) -> bool {
        let mut sent_to = self.email.iter();
        sent_to.all(|email| *email == user.email)
    }

    fn password_change(&self, generation: u64, hash: String) -> (AuditEventKind, UserAction) {
        let first = |approves, hash| UserAction::SetFirstPassword {
            hash,
            generation,
            // A link that was handed over proves nothing.
            verifies_email: self.email.is_some(),
            approves,
        };
        let new = |hash| UserAction::RevokeTokens {
            generation,
            hash: Some(hash),
        };
        match self.purpose {
            TokenPurpose::ACCEPT_INVITATION => {
                (AuditEventKind::InvitationAccepted, first(true, hash))
            }
            TokenPurpose::COMPLETE_REGISTRATION => {
                (AuditEventKind::RegistrationCompleted, first(false, hash))
            }
            TokenPurpose::CHANGE_PASSWORD => (AuditEventKind::PasswordChanged, new(hash)),
            _ => (AuditEventKind::PasswordResetByLink, new(hash)),
        }
    }
}
