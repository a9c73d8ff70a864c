//! The service: its configuration, and what its operations share, which are in `*_service.rs`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tower_warder::cache::UserCache;
use tower_warder::clock::Clock;
use tower_warder::jwt::Verifier;
use tower_warder::password::PasswordHasher;
use tower_warder::policy::RecentLogin;
use tower_warder::private::foreign_issuer;
use tower_warder::{BoxError, Claims, JwtIssuer, UserLoader};

use super::actor::Actor;
use super::audit::{Audit, AuditActor, AuditEventKind, AuditLog, PendingEvents};
use super::bootstrap::BootstrapPolicy;
use super::error::AccountError;
use super::hooks::AccountHooks;
use super::invalidate_on_drop::InvalidateOnDrop;
use super::mail::MailQueue;
use super::model::{User, whole_micros};
use super::one_time_token::OneTimeTokens;
use super::password_policy::PasswordPolicy;
use super::registration::Registration;
use super::session::{SessionVerifier, Sessions};
use super::store::{AccountStore, NewUser};
use super::store_error::StoreError;
use super::subject::SubjectClaim;
use super::throttle::{Throttle, TrustedProxies};
use super::user_change::{UserAction, UserChange};
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
    pub(super) registration: Registration,
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

    /// Sets a receiver of audit events. Defaults to none. To store them, use
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
