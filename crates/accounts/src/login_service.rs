//! Log-in with a password, over any store.

use tower_warder::password::{PasswordError, PasswordHasher, PasswordVerification};
use tower_warder::private::{LogIn, LogLimit, LogLimits, log_limited, logged_in};
use tower_warder::{BoxError, UserStatus};

use super::actor::Actor;
use super::audit::{AuditActor, AuditEvent, AuditEventKind};
use super::email::Email;
use super::error::AccountError;
use super::input::UserLogin;
use super::login_challenge::LoginChallengeKind;
use super::model::{Token, User};
use super::password::composed;
use super::service::Accounts;
use super::store::AccountStore;
use super::store_error::StoreError;
use super::user_change::UserAction;

impl<S: AccountStore> Accounts<S> {
    /// Checks the credentials and issues an access token. With [sessions](Self::sessions) it is
    /// short-lived, and comes with a refresh token.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate).
    pub async fn login(&self, login: UserLogin) -> Result<Token, AccountError> {
        let device = login.device.clone();
        let user = self.authenticate(login).await?;
        self.bearer_token(&user, &device).await
    }

    pub(super) async fn bearer_token(
        &self,
        user: &User,
        device: &str,
    ) -> Result<Token, AccountError> {
        match self.has_refresh_tokens() {
            true => self.open_session(user, device).await,
            false => self.token(user).await,
        }
    }

    /// Checks the credentials and returns the account, if it is approved.
    ///
    /// The password is checked before the status: with a wrong password the result is the same for
    /// known and unknown accounts, and takes about as long. [`PasswordHasher::verify_or_dummy`]
    /// describes the limits of that.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::WrongCredentials`]; with the right password
    /// [`AccountError::Pending`], [`AccountError::Disabled`], [`AccountError::ChallengeRequired`] or
    /// [`AccountError::Vetoed`];
    /// [`AccountError::Unavailable`].
    pub async fn authenticate(&self, login: UserLogin) -> Result<User, AccountError> {
        let accounts = self.for_client(&login.client);
        let result = accounts.throttled_login(login).await;
        logged_in(match &result {
            Ok(_) => LogIn::Done,
            Err(AccountError::WrongCredentials) => LogIn::WrongCredentials,
            Err(AccountError::Pending) => LogIn::Pending,
            Err(AccountError::Disabled) => LogIn::Disabled,
            Err(AccountError::ChallengeRequired(_)) => LogIn::Challenged,
            Err(AccountError::TooManyAttempts { .. }) => LogIn::Throttled,
            Err(AccountError::Vetoed(_)) => LogIn::Vetoed,
            Err(_) => LogIn::Unavailable,
        });
        if let Ok(user) = &result {
            accounts.after_login(user).await;
        }
        result
    }

    /// Counts the log-in before a place in the hasher is taken.
    async fn throttled_login(&self, login: UserLogin) -> Result<User, AccountError> {
        let attempt = self.begin_login(&login).await;
        let (attempt, hasher) =
            attempt.inspect_err(|_| self.record_failed_login(None, "throttled"))?;
        let result = self.check_credentials(login, &hasher).await;
        Self::settle(attempt, result).await
    }

    async fn check_credentials(
        &self,
        login: UserLogin,
        hasher: &PasswordHasher,
    ) -> Result<User, AccountError> {
        // Phone keyboards add white space; no address has any.
        let user = match Email::new(login.username.trim()) {
            Ok(email) => self.store.find_by_email(&email).await?,
            // No account has this address. Continues, to take as long as for one that exists.
            Err(_) => None,
        };
        let id = user.as_ref().map(|user| user.id);
        let mut result = self.verify_login(user, &login.password, hasher).await;
        if let Ok(user) = &result
            && let Err(error) = self.complete_login(user).await
        {
            result = Err(error);
        }
        self.record_login(id, &result);
        result
    }

    /// Asks the application, and returns an error if the log-in needs another step.
    async fn complete_login(&self, user: &User) -> Result<(), AccountError> {
        self.before_login(user).await?;
        if !user.must_change_password {
            return Ok(());
        }
        let challenge = self.challenge(LoginChallengeKind::PasswordChange, user);
        Err(AccountError::ChallengeRequired(challenge.await?))
    }

    async fn verify_login(
        &self,
        user: Option<User>,
        password: &str,
        hasher: &PasswordHasher,
    ) -> Result<User, AccountError> {
        let stored = user.as_ref().and_then(User::password_hash);
        let verified = self.verify_password(password, stored, hasher).await;
        let id = user.as_ref().map(|user| user.id);
        let verification = match_or(AccountError::WrongCredentials, verified, id)?;
        let user = user.ok_or(AccountError::WrongCredentials)?;
        match user.status {
            UserStatus::Approved => {}
            UserStatus::Pending => return Err(AccountError::Pending),
            // Also for statuses that this version does not know.
            _ => return Err(AccountError::Disabled),
        }
        if let Some(fresh) = verification.rehash {
            self.upgrade_hash(&user, &fresh).await;
        }
        Ok(user)
    }

    /// Verifies a password as it was typed, and if that fails in NFC, in which new passwords are
    /// hashed. Without a hash it is compared with a dummy, as often.
    ///
    /// The hash of a password that matches in another form only is renewed, so that it matches
    /// however it is typed from then on.
    pub(super) async fn verify_password(
        &self,
        typed: &str,
        stored: Option<&str>,
        hasher: &PasswordHasher,
    ) -> Result<PasswordVerification, PasswordError> {
        let verified = hasher.verify_or_dummy(typed, stored).await;
        let matches = match &verified {
            Ok(verification) => verification.matches,
            // Takes as long as a mismatch.
            Err(PasswordError::UnreadableHash) => false,
            Err(_) => return verified,
        };
        let Some(composed) = composed(typed) else {
            return verified;
        };
        if !matches {
            return hasher.verify_or_dummy(&composed, stored).await;
        }
        let mut verification = verified?;
        // A correct password stays correct if the new hash fails.
        verification.rehash = hasher.hash(&composed).await.ok();
        Ok(verification)
    }

    /// Replaces an outdated hash, unless the password was changed meanwhile. The log-in succeeds
    /// either way.
    async fn upgrade_hash(&self, user: &User, fresh: &str) {
        static LIMIT: LogLimit = LogLimit::new();

        let action = UserAction::Rehash {
            old: user.hashed_password.clone(),
            new: fresh.to_owned(),
        };
        let replaced = self.change(user.id, action, Actor::System).await;
        if let Err(error) = replaced
            && !matches!(error, StoreError::Outdated)
        {
            let source = BoxError::from(error);
            log_limited!(
                LIMIT,
                error,
                id = user.id,
                %source,
                "an outdated password hash was not replaced; the next log-in tries again"
            );
        }
    }

    /// Records the result of a log-in, unless it is an outage.
    fn record_login(&self, id: Option<i64>, result: &Result<User, AccountError>) {
        let reason = match result {
            Ok(user) => {
                let actor = AuditActor::Account(user.id);
                return self.record(AuditEventKind::LoginSucceeded, actor, user.id);
            }
            Err(AccountError::WrongCredentials) if id.is_none() => "unknown_account",
            Err(AccountError::WrongCredentials) => "wrong_password",
            Err(AccountError::Pending) => "account_pending",
            Err(AccountError::Disabled) => "account_disabled",
            Err(AccountError::Vetoed(_)) => "vetoed",
            Err(AccountError::ChallengeRequired(challenge)) => challenge.kind.code(),
            Err(_) => return,
        };
        self.record_failed_login(id, reason);
    }

    pub(super) fn record_failed_login(&self, id: Option<i64>, reason: &'static str) {
        let kind = AuditEventKind::LoginFailed;
        let event = self.audit.event(kind, AuditActor::Anonymous, id);
        self.audit.record(&AuditEvent {
            reason: Some(reason.into()),
            ..event
        });
    }

    /// Issues a token for an account that was just [authenticated](Self::authenticate): the present is
    /// the time of its log-in (`auth_time`). It belongs to no session and has the issuer's lifetime.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn token(&self, user: &User) -> Result<Token, AccountError> {
        // The generation was read together with the hash: if the password was reset in between,
        // the token is already revoked.
        let subject = self.subject.of(user);
        let added = self.added_claims(user).await?;
        let token = self.issuer.token(&subject).claims(&added);
        let token = token
            .generation(user.token_generation)
            .auth_time(self.now())
            .claims(&self.subject.claims_of(user))
            .issue()?;
        Ok(Token::bearer(token, self.issuer.expires_in()))
    }
}

/// Returns the verification if the password of the account `id` matches, else the error `wrong`.
pub(super) fn match_or(
    wrong: AccountError,
    verified: Result<PasswordVerification, PasswordError>,
    id: Option<i64>,
) -> Result<PasswordVerification, AccountError> {
    match verified {
        Ok(verification) if verification.matches => Ok(verification),
        Ok(_) | Err(PasswordError::TooLong) => Err(wrong),
        Err(PasswordError::UnreadableHash) => {
            // Limited, because anyone who knows the address can cause it.
            static LIMITS: LogLimits = LogLimits::new();

            log_limited!(
                LIMITS.of(id),
                error,
                id,
                "the stored password hash of an account cannot be read: reset its password"
            );
            Err(wrong)
        }
        Err(error) => Err(error.into()),
    }
}
