//! Store under test, with helpers that the rules share.

use std::panic;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tower_warder::UserStatus;

use crate::{
    AccountStore, Actor, AdminGrant, DisplayName, Email, NewUser, StoreError, User, UserAction,
    UserChange, UserFilter, UserQuery, UserUpdate,
};

/// Number of concurrent attempts.
pub(in crate::testing) const MANY: u32 = 50;
/// Number of rounds in which two calls race.
pub(in crate::testing) const ROUNDS: u32 = 20;

pub(in crate::testing) struct Fixture<S>(Arc<S>);

impl<S> Clone for Fixture<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Fixture<S> {
    pub(in crate::testing) fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    pub(in crate::testing) fn store(&self) -> &S {
        &self.0
    }

    /// Runs `attempt` with 0, 1, 2, … concurrently.
    pub(in crate::testing) async fn race<T, A, Fut>(&self, attempts: u32, attempt: A) -> Vec<T>
    where
        A: Fn(Self, u32) -> Fut,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let attempts = (0..attempts).map(|n| attempt(self.clone(), n));
        let Ok(runtime) = Handle::try_current() else {
            return join_all(attempts).await;
        };
        let tasks: Vec<_> = attempts.map(|attempt| runtime.spawn(attempt)).collect();
        let ended = join_all(tasks).await.into_iter();
        ended
            .map(|result| result.unwrap_or_else(|error| panic::resume_unwind(error.into_panic())))
            .collect()
    }
}

impl<S: AccountStore> Fixture<S> {
    /// Registers the pending account `name@example.org`.
    pub(super) async fn register(&self, name: &str) -> User {
        self.insert(name, AdminGrant::Never)
            .await
            .expect("a free address can be registered")
    }

    pub(super) async fn insert(
        &self,
        name: &str,
        admin_grant: AdminGrant,
    ) -> Result<User, StoreError> {
        self.0.insert(new_user(name, admin_grant)).await
    }

    /// Registers the first admin of a store that has none.
    pub(super) async fn first_admin(&self, name: &str) -> User {
        self.insert(name, AdminGrant::IfNoAdmin)
            .await
            .expect("the first admin can be registered")
    }

    /// Registers an account that `by` approves.
    pub(super) async fn approved(&self, name: &str, is_admin: bool, by: impl Into<Actor>) -> User {
        let id = self.register(name).await.id;
        let update = UserUpdate {
            is_admin: Some(is_admin),
            ..to_status(UserStatus::Approved)
        };
        self.update(id, update, by)
            .await
            .expect("a pending account can be approved")
    }

    pub(super) async fn update(
        &self,
        id: i64,
        update: UserUpdate,
        by: impl Into<Actor>,
    ) -> Result<User, StoreError> {
        let changed = self.change(id, UserAction::Update(update), by).await?;
        Ok(changed.expect("an update returns the account after it"))
    }

    pub(super) async fn delete(&self, id: i64, by: impl Into<Actor>) -> Result<(), StoreError> {
        let deleted = self.change(id, UserAction::Delete, by).await?;
        assert_eq!(deleted, None, "a deletion returns no account");
        Ok(())
    }

    /// Returns `None` if the account has another generation, or is not approved.
    pub(super) async fn name(
        &self,
        id: i64,
        generation: u64,
        name: Option<&str>,
    ) -> Result<Option<User>, StoreError> {
        let name = name.map(|name| DisplayName::new(name).expect("a valid name"));
        let action = UserAction::SetDisplayName { generation, name };
        unless_outdated(self.change(id, action, Actor::System).await)
    }

    pub(super) async fn delete_own(&self, id: i64, generation: u64) -> Result<(), StoreError> {
        let action = UserAction::DeleteOwn { generation };
        let deleted = self.change(id, action, Actor::System).await?;
        assert_eq!(deleted, None, "a deletion returns no account");
        Ok(())
    }

    pub(super) async fn reset(
        &self,
        id: i64,
        hash: &str,
        by: impl Into<Actor>,
    ) -> Result<User, StoreError> {
        self.reset_to(id, hash, false, by).await
    }

    pub(super) async fn reset_to(
        &self,
        id: i64,
        hash: &str,
        must_change: bool,
        by: impl Into<Actor>,
    ) -> Result<User, StoreError> {
        let hash = hash.to_owned();
        let reset = self.change(id, UserAction::ResetPassword { hash, must_change }, by);
        Ok(reset
            .await?
            .expect("a password reset returns the account after it"))
    }

    /// Returns `None` if the account has another hash than `old`.
    pub(super) async fn rehash(
        &self,
        id: i64,
        old: &str,
        new: &str,
    ) -> Result<Option<User>, StoreError> {
        let action = UserAction::Rehash {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        unless_outdated(self.change(id, action, Actor::System).await)
    }

    /// Returns `None` if the account has another generation, or is not approved.
    pub(super) async fn revoke(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<Option<User>, StoreError> {
        let hash = hash.map(str::to_owned);
        let action = UserAction::RevokeTokens { generation, hash };
        unless_outdated(self.change(id, action, Actor::System).await)
    }

    /// Confirms an address of the account. Returns `None` if it has another address than `from` or
    /// another generation, or is disabled.
    pub(super) async fn confirm(
        &self,
        id: i64,
        generation: u64,
        from: &str,
        to: &str,
    ) -> Result<Option<User>, StoreError> {
        let action = UserAction::ConfirmEmail {
            generation,
            from: email(from),
            to: email(to),
        };
        unless_outdated(self.change(id, action, Actor::System).await)
    }

    /// Adds the pending account `name@example.org`, which has no password.
    pub(super) async fn invited(&self, name: &str) -> User {
        self.without_password(name, AdminGrant::Never).await
    }

    pub(super) async fn invited_with_grant(&self, name: &str) -> User {
        self.without_password(name, AdminGrant::IfNoAdmin).await
    }

    async fn without_password(&self, name: &str, admin_grant: AdminGrant) -> User {
        let new = NewUser {
            hashed_password: User::NO_PASSWORD.to_owned(),
            ..new_user(name, admin_grant)
        };
        let inserted = self.0.insert(new).await;
        inserted.expect("a free address can be invited")
    }

    /// Returns `false` if the account is not pending, was approved, or is younger.
    pub(super) async fn expire(&self, id: i64, seconds: u64) -> Result<bool, StoreError> {
        let created_before = moment(seconds);
        let action = UserAction::DeletePending { created_before };
        match self.change(id, action, Actor::System).await {
            Err(StoreError::Outdated) => Ok(false),
            expired => Ok(expired?.is_none()),
        }
    }

    /// Returns `None` if the account has a password, or is not pending.
    pub(super) async fn invite(
        &self,
        id: i64,
        is_admin: bool,
        by: impl Into<Actor>,
    ) -> Result<Option<User>, StoreError> {
        unless_outdated(self.change(id, UserAction::Invite { is_admin }, by).await)
    }

    /// Returns `None` if the account has a password or another generation, or is not pending.
    pub(super) async fn set_first_password(
        &self,
        id: i64,
        generation: u64,
        name: &str,
        by: impl Into<Actor>,
    ) -> Result<Option<User>, StoreError> {
        let action = UserAction::SetFirstPassword {
            hash: hash(name),
            generation,
            verifies_email: true,
            approves: true,
        };
        unless_outdated(self.change(id, action, by).await)
    }

    /// As at the end of a registration, which does not approve.
    pub(super) async fn set_first_password_of_registration(
        &self,
        id: i64,
        name: &str,
    ) -> Result<Option<User>, StoreError> {
        let action = UserAction::SetFirstPassword {
            hash: hash(name),
            generation: 0,
            verifies_email: false,
            approves: false,
        };
        unless_outdated(self.change(id, action, Actor::System).await)
    }

    async fn change(
        &self,
        id: i64,
        action: UserAction,
        by: impl Into<Actor>,
    ) -> Result<Option<User>, StoreError> {
        let change = UserChange {
            id,
            action,
            by: by.into(),
            at: moment(1000),
        };
        self.0.change(&change).await
    }

    pub(super) async fn find(&self, id: i64) -> Option<User> {
        self.0.find(id).await.expect("accounts can be found by id")
    }

    pub(super) async fn must_find(&self, id: i64) -> User {
        self.find(id)
            .await
            .expect("an account that was not deleted is found by its id")
    }

    pub(super) async fn find_by_email(&self, name: &str) -> Option<User> {
        self.0
            .find_by_email(&email(name))
            .await
            .expect("accounts can be found by address")
    }

    pub(super) async fn list(&self, query: UserQuery) -> Vec<User> {
        self.0.list(&query).await.expect("accounts can be listed")
    }

    pub(super) async fn count(&self, filter: UserFilter) -> u64 {
        let counted = self.0.count(&filter).await;
        counted.expect("accounts can be counted")
    }

    pub(super) async fn all(&self) -> Vec<User> {
        self.list(UserQuery::default()).await
    }

    pub(super) async fn active_admins(&self) -> Vec<User> {
        let mut users = self.all().await;
        users.retain(User::is_active_admin);
        users
    }
}

pub(super) fn email(name: &str) -> Email {
    Email::new(&format!("{name}@example.org")).expect("a name that fits into an address")
}

pub(super) fn new_user(name: &str, admin_grant: AdminGrant) -> NewUser {
    NewUser {
        email: email(name),
        hashed_password: hash(name),
        is_admin: false,
        status: UserStatus::Pending,
        created_at: moment(0),
        admin_grant,
    }
}

/// Returns a text in place of a hash. Stores do not parse it.
pub(super) fn hash(name: &str) -> String {
    format!("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ${name}")
}

/// Returns a time with microseconds.
pub(in crate::testing) fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_767_225_600_123_457) + Duration::from_secs(seconds)
}

pub(super) fn to_status(status: UserStatus) -> UserUpdate {
    UserUpdate {
        status: Some(status),
        ..UserUpdate::default()
    }
}

pub(super) fn to_admin(is_admin: bool) -> UserUpdate {
    UserUpdate {
        is_admin: Some(is_admin),
        ..UserUpdate::default()
    }
}

pub(super) fn to_email(name: &str) -> UserUpdate {
    UserUpdate {
        email: Some(email(name)),
        ..UserUpdate::default()
    }
}

/// Returns the successful results, and checks that the others failed with the expected error.
pub(super) fn winners<T>(
    results: Vec<Result<T, StoreError>>,
    is_expected: fn(&StoreError) -> bool,
    rule: &str,
) -> Vec<T> {
    results
        .into_iter()
        .filter_map(|result| match result {
            Ok(winner) => Some(winner),
            Err(error) => {
                assert!(
                    is_expected(&error),
                    "{rule}, but was rejected with: {error:?}"
                );
                None
            }
        })
        .collect()
}

fn unless_outdated(result: Result<Option<User>, StoreError>) -> Result<Option<User>, StoreError> {
    match result {
        Err(StoreError::Outdated) => Ok(None),
        Ok(None) => panic!("an account that is not deleted is returned"),
        result => result,
    }
}

pub(super) const fn is_email_taken(error: &StoreError) -> bool {
    matches!(error, StoreError::EmailTaken)
}

pub(super) const fn is_not_found(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound)
}

pub(super) const fn is_not_admin(error: &StoreError) -> bool {
    matches!(error, StoreError::NotAdmin(_))
}

pub(super) const fn is_last_admin(error: &StoreError) -> bool {
    matches!(error, StoreError::LastAdmin(_))
}
