//! Registration with a password, over any store.

use tower_warder::UserStatus;
use tower_warder::password::PasswordHasher;

use super::actor::Actor;
use super::audit::{AuditActor, AuditEventKind};
use super::error::AccountError;
use super::input::UserCreate;
use super::model::User;
use super::password_policy;
use super::registration::Registration;
use super::service::Accounts;
use super::store::{AccountStore, AdminGrant, NewUser};
use super::user_change::{UserAction, UserChange};
use super::user_query::UserQuery;

impl<S: AccountStore> Accounts<S> {
    /// Adds an account. The first one is an approved admin by default, all others are pending: see
    /// [`BootstrapPolicy`](crate::BootstrapPolicy). Unless [registration](Self::registration) is open,
    /// only the first admin is added.
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
}
