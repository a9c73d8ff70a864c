//! Operations on accounts, over any store.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tower_warder::cache::UserCache;
use tower_warder::clock::Clock;
use tower_warder::jwt::Verifier;
use tower_warder::password::{HashCaller, PasswordError, PasswordHasher, PasswordVerification};
use tower_warder::policy::RecentLogin;
use tower_warder::private::{LogIn, LogLimit, LogLimits, foreign_issuer, log_limited, logged_in};
use tower_warder::{BoxError, Claims, JwtIssuer, UserLoader, UserStatus};

use super::actor::Actor;
use super::audit::{Audit, AuditActor, AuditEvent, AuditEventKind, AuditLog, PendingEvents};
use super::bootstrap::BootstrapPolicy;
use super::email::Email;
use super::error::AccountError;
use super::hooks::AccountHooks;
use super::input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
use super::invalidate_on_drop::InvalidateOnDrop;
use super::login_challenge::LoginChallengeKind;
use super::mail::MailQueue;
use super::model::{Token, User, whole_micros};
use super::one_time_token::OneTimeTokens;
use super::password::composed;
use super::password_policy::{self, PasswordPolicy};
use super::registration::Registration;
use super::session::{SessionVerifier, Sessions};
use super::store::{AccountStore, AdminGrant, NewUser};
use super::store_error::StoreError;
use super::subject::SubjectClaim;
use super::throttle::{Throttle, TrustedProxies};
use super::user_change::{UserAction, UserChange};
use super::user_query::{UserFilter, UserPage, UserQuery};
use super::verification_policy::EmailVerification;

/// Registration, log-in and administration of accounts.
///
/// Clones share the store and the hasher. It is the [`UserLoader`] of its own tokens
/// only: `iss` has to be exactly what its [`JwtIssuer`] writes, and absent if that writes none. A token
/// of another issuer that the verifier accepts, such as a partner's behind
/// [`MultiIssuerVerifier`](tower_warder::jwt::MultiIssuerVerifier), is rejected with 401 and the
/// [reason](tower_warder::AuthError::reason) `foreign_issuer`.
///
/// ```
/// use axum::Router;
/// use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore};
/// use tower_warder::{AuthLayer, HmacSecret, JwtIssuer, JwtVerifier};
///
/// let secret = HmacSecret::generate();
/// let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret));
/// let app: Router = Router::new()
///     .nest("/api/auth", accounts::routes(accounts.clone()))
///     .layer(AuthLayer::new(JwtVerifier::hs256(&secret), accounts));
/// ```
#[must_use]
pub struct Accounts<S> {
    pub(super) store: Arc<S>,
    pub(super) issuer: JwtIssuer,
    pub(super) hasher: PasswordHasher,
    pub(super) password_policy: Option<Arc<dyn PasswordPolicy>>,
    pub(super) bootstrap: BootstrapPolicy,
    registration: Registration,
    pub(super) max_pending: Option<u64>,
    pub(super) subject: SubjectClaim,
    pub(super) clock: Clock,
    pub(super) throttle: Option<Arc<Throttle>>,
    pub(super) proxies: Arc<TrustedProxies>,
    admin_login_age: Option<Duration>,
    pub(super) audit: Audit,
    cache: Option<UserCache<User>>,
    pub(super) sessions: Option<Sessions>,
    pub(super) one_time_tokens: Option<OneTimeTokens>,
    pub(super) mail: Option<MailQueue>,
    pub(super) hooks: Option<Arc<dyn AccountHooks>>,
    pub(super) email_verification: Option<EmailVerification>,
}

impl<S: AccountStore> Accounts<S> {
    /// Creates the service over `store`; `issuer` signs its tokens.
    pub fn new(store: S, issuer: JwtIssuer) -> Self {
        Self {
            store: Arc::new(store),
            issuer,
            hasher: PasswordHasher::new(),
            password_policy: None,
            bootstrap: BootstrapPolicy::default(),
            registration: Registration::default(),
            max_pending: None,
            subject: SubjectClaim::default(),
            clock: Clock::system(),
            throttle: Some(Arc::default()),
            proxies: Arc::default(),
            admin_login_age: None,
            audit: Audit::default(),
            cache: None,
            sessions: None,
            one_time_tokens: None,
            mail: None,
            hooks: None,
            email_verification: None,
        }
    }

    /// Sets the hasher of passwords. Defaults to [`PasswordHasher::new`]. Clients and accounts share its
    /// queue fairly, if there is a [throttle](Self::throttle).
    pub fn hasher(mut self, hasher: PasswordHasher) -> Self {
        self.hasher = hasher;
        self
    }

    /// Sets the policy for new passwords, such as [`CommonPasswords`](crate::CommonPasswords).
    /// Defaults to none: every password of 8 to 128 characters is accepted.
    pub fn password_policy(mut self, policy: impl PasswordPolicy) -> Self {
        self.password_policy = Some(Arc::new(policy));
        self
    }

    /// Sets the policy for the first admin. Defaults to [`BootstrapPolicy::FirstUser`].
    pub fn bootstrap(mut self, bootstrap: BootstrapPolicy) -> Self {
        self.bootstrap = bootstrap;
        self
    }

    /// Sets who can register. Defaults to [`Registration::Open`].
    #[doc(alias = "signup")]
    pub const fn registration(mut self, registration: Registration) -> Self {
        self.registration = registration;
        self
    }

    /// Returns who can register.
    pub const fn registration_mode(&self) -> Registration {
        self.registration
    }

    /// Sets the content of the `sub` claim. Defaults to [`SubjectClaim::Id`].
    pub fn subject(mut self, subject: SubjectClaim) -> Self {
        self.subject = subject;
        self
    }

    /// Sets the clock for the times of accounts and sessions. Defaults to the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.audit.clock = clock.clone();
        self.clock = clock;
        self
    }

    /// Sets the maximum age of the log-in of an admin who changes or deletes an account or resets its
    /// password through the [routes](crate::routes), in whole seconds. Reading is not affected.
    /// Defaults to no maximum.
    ///
    /// An admin whose log-in is older is answered as by the policy
    /// [`RecentLogin`](tower_warder::policy::RecentLogin).
    #[doc(alias = "step-up")]
    pub const fn admin_login_age(mut self, maximum: Duration) -> Self {
        self.admin_login_age = Some(maximum);
        self
    }

    /// Sets a receiver of [`AuditEvent`]s. Defaults to none. To store them, use
    /// [`audit_store`](Self::audit_store).
    #[doc(alias = "audit trail")]
    pub fn audit_log(mut self, log: impl AuditLog) -> Self {
        self.audit.log = Some(Arc::new(log));
        self
    }

    /// Names [`AuditActor::System`] as the author of all events, instead of the client or the owner of
    /// the account: for a command line.
    pub const fn audit_as_system(mut self) -> Self {
        self.audit.is_system = true;
        self
    }

    /// Sets the cache in which an account is invalidated when it is changed or deleted. Give the layer
    /// a clone: `AuthLayer::new(verifier, accounts).user_cache(cache)`. Defaults to none.
    ///
    /// Changes from elsewhere, such as another process on the same database, take effect after the
    /// cache's time to live; so does a change that the store completes after its future was dropped.
    /// With [`SubjectClaim::Email`] nothing is cached, and streams are not notified of changes.
    pub fn user_cache(mut self, cache: UserCache<User>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Adds an account. The first one is an approved admin by default, all others are pending: see
    /// [`BootstrapPolicy`]. Unless [registration](Self::registration) is open, only the first admin is
    /// added.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`], [`AccountError::WrongBootstrapSecret`],
    /// [`AccountError::RegistrationClosed`], [`AccountError::TooManyPending`],
    /// [`AccountError::RejectedPassword`], [`AccountError::EmailTaken`],
    /// [`AccountError::Vetoed`] or
    /// [`AccountError::Unavailable`].
    pub async fn register(&self, new: UserCreate) -> Result<User, AccountError> {
        let accounts = self.for_client(&new.client);
        // By address alone: the account does not exist yet, and one client must not keep another one
        // from registering it.
        let hasher = accounts.hasher_for(new.client.hash_caller());
        let attempt = accounts.begin_registration(&new.client).await?;
        let (email, locale) = (new.email.clone(), new.locale.clone());
        let result = accounts.insert(new, &hasher).await;
        match result {
            // A new account stays counted, too; and a veto, for which the application has worked.
            Ok(user) => {
                if self.has_email_verification() {
                    accounts.mail_unverified(email, locale);
                }
                Ok(user)
            }
            Err(AccountError::Vetoed(_)) => result,
            Err(error) => Self::settle(attempt, Err(error)).await,
        }
    }

    async fn insert(&self, new: UserCreate, hasher: &PasswordHasher) -> Result<User, AccountError> {
        let admin_grant = self.bootstrap.admin_grant(new.given_secret())?;
        self.check_registration(admin_grant).await?;
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, &new.password, new.email.as_str()).await?;
        // Saves the cost of a hash; the store checks again.
        if self.store.find_by_email(&new.email).await?.is_some() {
            return Err(AccountError::EmailTaken);
        }
        let actor = AuditActor::Anonymous;
        self.before_register(&new.email, actor).await?;
        let hashed_password = hasher.hash(new.password.as_str()).await?;
        let new = NewUser {
            email: new.email,
            hashed_password,
            is_admin: false,
            status: UserStatus::Pending,
            created_at: self.now(),
            admin_grant,
        };
        let event = self.audit.begin_registration();
        let user = self.insert_account(new, actor, event).await?;
        if self.registration != Registration::Open && !user.is_active_admin() {
            // Of several at the same moment, another one became the first admin.
            let change = UserChange {
                id: user.id,
                action: UserAction::Delete,
                by: Actor::System,
                at: self.now(),
            };
            // Not for the application's hooks, which could keep it.
            let events = self.audit.begin_change(&change, AuditActor::System);
            events.settle(self.store.change(&change).await, |_| user.id)?;
            return Err(AccountError::RegistrationClosed);
        }
        if user.is_admin {
            let kind = AuditEventKind::FirstAdminCreated;
            self.record(kind, actor, user.id);
        }
        self.after_register(&user, actor).await;
        Ok(user)
    }

    /// Checks that an account can be registered, before anything that is expensive.
    async fn check_registration(&self, admin_grant: AdminGrant) -> Result<(), AccountError> {
        if self.registration == Registration::Open {
            return self.check_pending_limit(admin_grant).await;
        }
        let may_be_first = match admin_grant {
            AdminGrant::Never => false,
            AdminGrant::IfFirstAccount => {
                let any = UserQuery {
                    limit: Some(1),
                    ..UserQuery::default()
                };
                self.store.list(&any).await?.is_empty()
            }
            // Only with the secret.
            AdminGrant::IfNoAdmin => true,
        };
        if may_be_first {
            Ok(())
        } else {
            Err(AccountError::RegistrationClosed)
        }
    }

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

    /// Returns a page of the list of accounts.
    ///
    /// The store counts the accounts only if there are more of them than on this page.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    #[doc(alias = "search")]
    #[doc(alias = "pagination")]
    pub async fn list(&self, query: &UserQuery) -> Result<UserPage, AccountError> {
        // One account more than the limit shows that there is another page.
        let mut one_more = query.clone();
        one_more.filter = self.listed(&query.filter);
        one_more.limit = query.limit.map(|limit| limit.saturating_add(1));
        let mut users = self.store.list(&one_more).await?;
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok());
        let is_last = limit.is_none_or(|limit| users.len() <= limit);
        users.truncate(limit.unwrap_or(usize::MAX));
        let total = match u64::try_from(users.len()) {
            Ok(total) if is_last && query.order.is_from_start() => total,
            _ => self.store.count(&one_more.filter).await?,
        };
        let next = users.last().filter(|_| !is_last).map(|last| UserQuery {
            order: query.order.after(last),
            ..query.clone()
        });
        Ok(UserPage { users, total, next })
    }

    /// Returns the number of accounts that wait for approval. Those whose owner has not set a password
    /// yet do not.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn count_pending(&self) -> Result<u64, AccountError> {
        let pending = UserFilter {
            status: Some(UserStatus::Pending),
            has_password: Some(true),
            ..UserFilter::default()
        };
        Ok(self.store.count(&self.listed(&pending)).await?)
    }

    /// Changes the account `id` on behalf of `by`: an admin's `&User`, or [`Actor::System`].
    ///
    /// Disabling an approved account, or making it pending, revokes all its tokens and sessions.
    /// They stay revoked when it is approved again.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`],
    /// [`AccountError::EmailTaken`], [`AccountError::EmailNotVerified`], [`AccountError::NoPassword`],
    /// [`AccountError::Vetoed`] or [`AccountError::Unavailable`]. On an error nothing is changed.
    pub async fn update(
        &self,
        id: i64,
        update: UserUpdate,
        by: impl Into<Actor>,
    ) -> Result<User, AccountError> {
        let by = by.into();
        self.check_approval(id, &update, by).await?;
        let email = update.email.clone();
        let changed = self.change(id, UserAction::Update(update), by).await?;
        let changed = changed.ok_or(AccountError::NotFound)?;
        if let Some(email) = email
            && self.has_email_verification()
            && changed.email_verified_at.is_none()
        {
            self.mail_unverified(email, None);
        }
        Ok(changed)
    }

    /// Deletes the account `id` on behalf of `by`. Its address can be registered again at once; its
    /// id is never reused.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`],
    /// [`AccountError::Vetoed`] or [`AccountError::Unavailable`].
    pub async fn delete(&self, id: i64, by: impl Into<Actor>) -> Result<(), AccountError> {
        self.change(id, UserAction::Delete, by.into()).await?;
        self.end_sessions_before(id, ALL_GENERATIONS, None).await;
        Ok(())
    }

    /// Sets a new password on behalf of `by`, and revokes all tokens that were issued before. The owner
    /// has to set another one at the next log-in if the input [says so](PasswordReset::must_change).
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::RejectedPassword`],
    /// [`AccountError::NoOneTimeTokens`], [`AccountError::Vetoed`] or [`AccountError::Unavailable`].
    pub async fn reset_password(
        &self,
        id: i64,
        reset: PasswordReset,
        by: impl Into<Actor>,
    ) -> Result<(), AccountError> {
        let by = by.into();
        // Saves the cost of a hash; the store checks again.
        self.check_actor(by).await?;
        if reset.must_change {
            // Otherwise the owner could not log in.
            self.expect_one_time_tokens()?;
        }
        let user = self.store.find(id).await?.ok_or(AccountError::NotFound)?;
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, &reset.password, &user.email).await?;
        // Not by the account of an admin, who may reset several at once.
        let caller = HashCaller::new().preferred(by.id().is_some());
        let hasher = self.hasher_for(caller);
        let hash = hasher.hash(reset.password.as_str()).await?;
        let action = UserAction::ResetPassword {
            hash,
            must_change: reset.must_change,
        };
        self.change(id, action, by).await?;
        Ok(())
    }

    /// Returns the policy for actions of admins, if their log-in has to be recent.
    pub(super) fn recent_admin_login(&self) -> Option<RecentLogin> {
        let policy = RecentLogin::new(self.admin_login_age?);
        Some(policy.clock(self.clock.clone()))
    }

    /// Checks that `by` may change accounts.
    pub(super) async fn check_actor(&self, by: Actor) -> Result<(), AccountError> {
        let actor = match by.id() {
            Some(id) => self.store.find(id).await?,
            None => None,
        };
        Ok(by.check(actor.as_ref())?)
    }

    /// Returns `true` if this service issued the token. A subject is unique within its issuer only
    /// (RFC 7519, section 4.1.2), so the `1` of another issuer is not the account 1.
    pub(super) fn is_issuer_of(&self, claims: &Claims) -> bool {
        claims.issuer() == self.issuer.issuer_name()
    }

    /// Returns a guard that invalidates the cached account on drop.
    pub(super) fn invalidate_on_drop(&self, id: i64) -> InvalidateOnDrop<'_> {
        InvalidateOnDrop::new(self.cache.as_ref(), id)
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

    /// Adds an account to the store, and records the event.
    pub(super) async fn insert_account(
        &self,
        new: NewUser,
        actor: AuditActor,
        event: PendingEvents<'_>,
    ) -> Result<User, StoreError> {
        let inserted = event.settle(self.store.insert(new).await, |user| user.id);
        if let Err(StoreError::Vetoed(_)) = &inserted {
            self.record_veto("register", actor, None);
        }
        // The cache may hold that the id is unknown.
        inserted.inspect(|user| drop(self.invalidate_on_drop(user.id)))
    }

    /// Changes the account `id` in the store between the hooks, and records the events. `by` is checked
    /// there.
    pub(super) async fn change(
        &self,
        id: i64,
        action: UserAction,
        by: Actor,
    ) -> Result<Option<User>, StoreError> {
        let actor = match action {
            // The store does not check the author of these: see `UserAction`.
            UserAction::RevokeTokens { .. }
            | UserAction::DeleteOwn { .. }
            | UserAction::SetDisplayName { .. } => AuditActor::Account(id),
            // By a link, whose client is not logged in.
            UserAction::ConfirmEmail { .. } => AuditActor::Anonymous,
            _ => by.into(),
        };
        let at = self.now();
        let change = UserChange { id, action, by, at };
        let begin = || self.audit.begin_change(&change, actor);
        self.hooked_change(&change, actor, begin).await
    }

    pub(super) fn record(&self, kind: AuditEventKind, actor: AuditActor, id: i64) {
        let event = self.audit.event(kind, actor, Some(id));
        self.audit.record(&event);
    }

    /// Returns the time in whole microseconds.
    pub(super) fn now(&self) -> SystemTime {
        whole_micros(self.clock.now())
    }
}

/// Higher than the token generation of any account.
pub(super) const ALL_GENERATIONS: u64 = i64::MAX.unsigned_abs();

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

#[async_trait]
impl<S: AccountStore> UserLoader for Accounts<S> {
    type User = User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<User>, BoxError> {
        if !self.is_issuer_of(claims) {
            return Err(foreign_issuer().into());
        }
        let user = self.subject.find(&*self.store, claims).await;
        user.map_err(BoxError::from)
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        match self.subject {
            // A cached account is returned without `load_user`, which checks the issuer, too.
            _ if !self.is_issuer_of(claims) => None,
            SubjectClaim::Id => Some(claims.subject().into()),
            // Accounts are invalidated by id.
            SubjectClaim::Email => None,
        }
    }

    /// With [sessions](Accounts::sessions) the layer looks up the session of each token that was sent
    /// in a cookie, or that was taken out of one.
    fn wrap_verifier(&self, verifier: Arc<dyn Verifier>) -> Arc<dyn Verifier> {
        let Some(sessions) = self.sessions.clone() else {
            return verifier;
        };
        let issuer = self.issuer.issuer_name();
        Arc::new(SessionVerifier::new(
            verifier,
            sessions,
            issuer,
            self.clock.clone(),
        ))
    }
}

impl<S> Clone for Accounts<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            issuer: self.issuer.clone(),
            hasher: self.hasher.clone(),
            password_policy: self.password_policy.clone(),
            bootstrap: self.bootstrap.clone(),
            registration: self.registration,
            max_pending: self.max_pending,
            subject: self.subject,
            clock: self.clock.clone(),
            throttle: self.throttle.clone(),
            proxies: Arc::clone(&self.proxies),
            admin_login_age: self.admin_login_age,
            audit: self.audit.clone(),
            cache: self.cache.clone(),
            sessions: self.sessions.clone(),
            one_time_tokens: self.one_time_tokens.clone(),
            mail: self.mail.clone(),
            hooks: self.hooks.clone(),
            email_verification: self.email_verification,
        }
    }
}

impl<S> fmt::Debug for Accounts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("issuer", &self.issuer)
            .field("hasher", &self.hasher)
            .field("bootstrap", &self.bootstrap)
            .field("registration", &self.registration)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
