//! The rules of accounts, over any store.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tower_warder::cache::UserCache;
use tower_warder::clock::Clock;
use tower_warder::password::{PasswordError, PasswordHasher, PasswordVerification};
use tower_warder::private::{LogIn, LogLimit, LogLimits, foreign_issuer, log_limited, logged_in};
use tower_warder::{BoxError, Claims, JwtIssuer, UserLoader, UserStatus};

use super::actor::Actor;
use super::bootstrap::BootstrapPolicy;
use super::email::Email;
use super::error::AccountError;
use super::input::{PasswordReset, UserCreate, UserLogin, UserUpdate};
use super::invalidate_on_drop::InvalidateOnDrop;
use super::model::{Token, User};
use super::password_policy::{self, PasswordPolicy};
use super::session::Sessions;
use super::store::{AccountStore, NewUser, Page, StoreError};
use super::subject::SubjectClaim;
use super::user_change::UserChange;

/// Registers accounts, logs them in and lets admins change them.
///
/// A handle: clones share store and hasher. It is the [`UserLoader`] of its own tokens, and of no
/// others: `iss` has to be exactly what its [`JwtIssuer`] writes, and absent if that writes none.
/// A token of another issuer that the verifier accepts, such as a partner's behind
/// [`MultiIssuerVerifier`](tower_warder::jwt::MultiIssuerVerifier), is refused with 401 and the
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
    bootstrap: BootstrapPolicy,
    pub(super) subject: SubjectClaim,
    clock: Clock,
    cache: Option<UserCache<User>>,
    pub(super) sessions: Option<Sessions>,
}

impl<S: AccountStore> Accounts<S> {
    /// Accounts in `store`, whose tokens `issuer` makes.
    pub fn new(store: S, issuer: JwtIssuer) -> Self {
        Self {
            store: Arc::new(store),
            issuer,
            hasher: PasswordHasher::new(),
            password_policy: None,
            bootstrap: BootstrapPolicy::default(),
            subject: SubjectClaim::default(),
            clock: Clock::system(),
            cache: None,
            sessions: None,
        }
    }

    /// Hashes passwords with this. Defaults to [`PasswordHasher::new`].
    pub fn hasher(mut self, hasher: PasswordHasher) -> Self {
        self.hasher = hasher;
        self
    }

    /// Accepts only new passwords that this policy accepts, such as
    /// [`CommonPasswords`](crate::CommonPasswords). Defaults to every password of 8 to 128
    /// characters.
    pub fn password_policy(mut self, policy: impl PasswordPolicy) -> Self {
        self.password_policy = Some(Arc::new(policy));
        self
    }

    /// Who becomes the first admin. Defaults to whoever registers first.
    pub fn bootstrap(mut self, bootstrap: BootstrapPolicy) -> Self {
        self.bootstrap = bootstrap;
        self
    }

    /// What stands in `sub`. Defaults to the account's id.
    pub fn subject(mut self, subject: SubjectClaim) -> Self {
        self.subject = subject;
        self
    }

    /// Takes the times of accounts from this clock. Defaults to the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Forgets an account in this cache whenever it changes or deletes it. Give the layer a clone:
    /// `AuthLayer::new(verifier, accounts).user_cache(cache)`.
    ///
    /// Whoever changes accounts elsewhere, such as another process on the same database, is seen
    /// after the cache's time to live; so is a change that the store makes though nobody waits for
    /// it any more. With [`SubjectClaim::Email`] nothing is cached, and no stream is told of a change.
    pub fn user_cache(mut self, cache: UserCache<User>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Adds an account: the first one admin and approved, the others pending.
    ///
    /// # Errors
    ///
    /// [`AccountError::WrongBootstrapSecret`], [`AccountError::RejectedPassword`],
    /// [`AccountError::EmailTaken`] or [`AccountError::Unavailable`].
    pub async fn register(&self, new: UserCreate) -> Result<User, AccountError> {
        let admin_grant = self.bootstrap.seat(&new)?;
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, "password", &new.password, new.email.as_str()).await?;
        // Spares the hash; the store decides again.
        if self.store.find_by_email(&new.email).await?.is_some() {
            return Err(AccountError::EmailTaken);
        }
        let hashed_password = self.hasher.hash(new.password.as_str()).await?;
        let new = NewUser {
            email: new.email,
            hashed_password,
            created_at: self.now(),
            admin_grant,
        };
        let user = self.store.insert(new).await?;
        // Whoever asked for it before it was there.
        drop(self.forgetting(user.id));
        Ok(user)
    }

    /// Makes a token for whoever knows the password of an approved account; where there are
    /// [sessions](Self::sessions), a short one, and one to refresh it.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate).
    pub async fn login(&self, login: UserLogin) -> Result<Token, AccountError> {
        let device = login.given_device().to_owned();
        let user = self.authenticate(login).await?;
        match self.sessions {
            Some(_) => self.open_session(&user, &device).await,
            None => self.token(&user),
        }
    }

    /// The approved account of whoever knows its password.
    ///
    /// Password first, state second: with a wrong password every account, known or not, answers
    /// alike and takes about as long; [`PasswordHasher::verify_or_dummy`] says where that ends.
    ///
    /// # Errors
    ///
    /// [`AccountError::WrongCredentials`]; with the right password
    /// [`AccountError::Pending`] or [`AccountError::Disabled`]; [`AccountError::Unavailable`].
    pub async fn authenticate(&self, login: UserLogin) -> Result<User, AccountError> {
        let known = self.check_credentials(login).await;
        logged_in(match &known {
            Ok(_) => LogIn::Done,
            Err(AccountError::WrongCredentials) => LogIn::WrongCredentials,
            Err(AccountError::Pending) => LogIn::Pending,
            Err(AccountError::Disabled) => LogIn::Disabled,
            Err(_) => LogIn::Unavailable,
        });
        known
    }

    async fn check_credentials(&self, login: UserLogin) -> Result<User, AccountError> {
        // White space around it comes from a phone's keyboard; no account has it.
        let user = match Email::new(login.username().trim()) {
            Ok(email) => self.store.find_by_email(&email).await?,
            // No account has it. Goes on, to take as long.
            Err(_) => None,
        };
        let stored = user.as_ref().map(|user| user.hashed_password.as_str());
        let verified = self.hasher.verify_or_dummy(login.password(), stored).await;
        let id = user.as_ref().map(|user| user.id);
        let verdict = match_or(AccountError::WrongCredentials, verified, id)?;
        let user = user.ok_or(AccountError::WrongCredentials)?;
        match user.status {
            UserStatus::Approved => {}
            UserStatus::Pending => return Err(AccountError::Pending),
            // A status that this version does not know admits nobody.
            _ => return Err(AccountError::Disabled),
        }
        if let Some(fresh) = verdict.rehash {
            self.upgrade_hash(&user, &fresh).await;
        }
        Ok(user)
    }

    /// Makes a token for an account that has [authenticated](Self::authenticate) itself. It is of
    /// no session, and lives as long as the issuer says.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub fn token(&self, user: &User) -> Result<Token, AccountError> {
        // The generation that was read together with the hash: if a reset came between, the
        // token is dead already.
        let subject = self.subject.of(user);
        let token = self.issuer.token(&subject);
        let token = token.generation(user.token_generation).issue()?;
        Ok(Token::bearer(token, self.issuer.expires_in()))
    }

    /// The accounts, the newest first.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn list(&self, page: Page) -> Result<Vec<User>, AccountError> {
        Ok(self.store.list(page).await?)
    }

    /// How many accounts wait for approval.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn count_pending(&self) -> Result<u64, AccountError> {
        Ok(self.store.count_pending().await?)
    }

    /// Changes the account `id` in the name of `by`: an admin's `&User`, or [`Actor::System`].
    /// Disabling an approved account, or making it pending, ends all its tokens and sessions: they
    /// stay dead when it is approved again.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`],
    /// [`AccountError::EmailTaken`] or [`AccountError::Unavailable`]. A refused change changes
    /// nothing.
    pub async fn update(
        &self,
        id: i64,
        update: UserUpdate,
        by: impl Into<Actor>,
    ) -> Result<User, AccountError> {
        let change = UserChange {
            update,
            by: by.into(),
            at: self.now(),
        };
        let _forgetting = self.forgetting(id);
        Ok(self.store.update(id, change).await?)
    }

    /// Deletes the account `id` in the name of `by`. Its address is free at once, its id never comes
    /// back.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`] or
    /// [`AccountError::Unavailable`].
    pub async fn delete(&self, id: i64, by: impl Into<Actor>) -> Result<(), AccountError> {
        let forgetting = self.forgetting(id);
        self.store.delete(id, by.into()).await?;
        // The store of sessions may take its time.
        drop(forgetting);
        self.end_sessions_before(id, u64::MAX, None).await;
        Ok(())
    }

    /// Sets another password in the name of `by`, which ends every token that was made before.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::RejectedPassword`] or
    /// [`AccountError::Unavailable`].
    pub async fn reset_password(
        &self,
        id: i64,
        reset: PasswordReset,
        by: impl Into<Actor>,
    ) -> Result<(), AccountError> {
        let by = by.into();
        // Spares the hash; the store decides again.
        let actor = match by.id() {
            Some(id) => self.store.find(id).await?,
            None => None,
        };
        by.check(actor.as_ref())?;
        let user = self.store.find(id).await?.ok_or(AccountError::NotFound)?;
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, "password", &reset.password, &user.email).await?;
        let hash = self.hasher.hash(reset.password.as_str()).await?;
        let _forgetting = self.forgetting(id);
        Ok(self.store.reset_password(id, &hash, by).await?)
    }

    /// Whether these accounts issued the token: a subject is unique within its issuer only (RFC
    /// 7519, section 4.1.2), so the `1` of another issuer is not the account 1.
    pub(super) fn is_issuer_of(&self, claims: &Claims) -> bool {
        claims.issuer() == self.issuer.issuer_name()
    }

    /// Forgets the account when it is dropped.
    pub(super) fn forgetting(&self, id: i64) -> InvalidateOnDrop<'_> {
        InvalidateOnDrop::new(self.cache.as_ref(), id)
    }

    /// Renews an outdated hash, unless somebody reset the password meanwhile. Who knows the
    /// password comes in either way.
    async fn upgrade_hash(&self, user: &User, fresh: &str) {
        static LIMIT: LogLimit = LogLimit::new();

        let replaced = self
            .store
            .update_hash_if(user.id, &user.hashed_password, fresh);
        if let Err(error) = replaced.await {
            let source = error.into_source();
            log_limited!(
                LIMIT,
                error,
                id = user.id,
                %source,
                "an outdated password hash was not renewed"
            );
        }
    }

    /// In whole microseconds, which every database can keep.
    pub(super) fn now(&self) -> SystemTime {
        let since = self.clock.now().duration_since(UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// The verdict on a password that is the one of the account `id`; `wrong` where it is not.
pub(super) fn match_or(
    wrong: AccountError,
    verified: Result<PasswordVerification, PasswordError>,
    id: Option<i64>,
) -> Result<PasswordVerification, AccountError> {
    match verified {
        Ok(verdict) if verdict.matches => Ok(verdict),
        Ok(_) | Err(PasswordError::TooLong) => Err(wrong),
        Err(PasswordError::UnreadableHash) => {
            // Whoever knows the address causes it.
            static LIMITS: LogLimits = LogLimits::new();

            log_limited!(
                LIMITS.of(id),
                error,
                id,
                "the stored password hash of an account cannot be read"
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
        user.map_err(StoreError::into_source)
    }

    fn cache_key<'a>(&self, claims: &'a Claims) -> Option<Cow<'a, str>> {
        match self.subject {
            // A cached account is found without `load_user`.
            _ if !self.is_issuer_of(claims) => None,
            SubjectClaim::Id => Some(claims.subject().into()),
            // Changes of accounts are told by id.
            SubjectClaim::Email => None,
        }
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
            subject: self.subject,
            clock: self.clock.clone(),
            cache: self.cache.clone(),
            sessions: self.sessions.clone(),
        }
    }
}

impl<S> fmt::Debug for Accounts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("issuer", &self.issuer)
            .field("hasher", &self.hasher)
            .field("bootstrap", &self.bootstrap)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
