//! Storage of accounts.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tower_warder::UserStatus;

use super::email::Email;
use super::model::User;
use super::store_error::StoreError;
use super::user_change::UserChange;
use super::user_query::{UserFilter, UserQuery};

/// Storage of accounts, to be implemented for a database.
///
/// Every method is atomic and serializable: it takes effect as a whole or not at all, and concurrent
/// calls, in one process or in several on one database, have the result of some sequential order. On
/// an error nothing is changed. With SQL, use one transaction per method, and read the rows that
/// decide under the lock that the write needs (SQLite: `BEGIN IMMEDIATE`; PostgreSQL: a table lock or
/// an advisory lock for [`insert`](Self::insert) and [`change`](Self::change)).
///
/// Times are in whole microseconds and have to be returned exactly. Test your store with
/// `testing::account_store_contract`; the guide [`own_store`](crate::docs::own_store) builds one.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Adds an account with an id that no account ever had, and returns it.
    ///
    /// Evaluates the condition of [`NewUser::admin_grant`] in the same transaction;
    /// [`NewUser::into_user`] then makes the record.
    ///
    /// # Errors
    ///
    /// [`StoreError::EmailTaken`]; the next account can still become the first admin then.
    async fn insert(&self, new: NewUser) -> Result<User, StoreError>;

    /// Finds an account by its id.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: a missing account is not an error.
    async fn find(&self, id: i64) -> Result<Option<User>, StoreError>;

    /// Finds an account by its address.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: a missing account is not an error.
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// Returns the accounts of the [filter](UserQuery::filter), in the [order](UserQuery::order) and
    /// from the position of the query, at most as many as its [limit](UserQuery::limit).
    ///
    /// With SQL, start at the position (`WHERE (created_at, id) < …`), not with `OFFSET`, so that the
    /// last page takes no longer than the first one.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError>;

    /// Returns the number of accounts of the filter.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError>;

    /// Changes or deletes an account: reads the rows that decide, calls [`UserChange::apply`], writes
    /// the account that it returns as a whole, or else deletes the row, and returns the same.
    ///
    /// [`Rehash`](crate::UserAction::Rehash) and [`RevokeTokens`](crate::UserAction::RevokeTokens) by
    /// the [system](crate::Actor::System) may be a single statement, which compares and writes.
    ///
    /// # Errors
    ///
    /// Those of [`UserChange::apply`], else [`StoreError::EmailTaken`].
    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError>;
}

/// Account to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The address.
    pub email: Email,
    /// Password hash as a PHC string, or [`User::NO_PASSWORD`].
    pub hashed_password: String,
    /// Whether the account is an admin. Has effect only while it is approved.
    pub is_admin: bool,
    /// Status of the account.
    pub status: UserStatus,
    /// Time of registration.
    pub created_at: SystemTime,
    /// Condition on which the account becomes the first admin, whatever its role and status here.
    pub admin_grant: AdminGrant,
}

impl NewUser {
    /// Returns the account with this `id`: an approved admin if `is_granted`, that is if the condition
    /// of its [`AdminGrant`] is met, else with its own role and status. Without a password it is not
    /// approved before its owner has set one.
    pub fn into_user(self, id: i64, is_granted: bool) -> User {
        let status = if is_granted && self.hashed_password != User::NO_PASSWORD {
            UserStatus::Approved
        } else {
            self.status
        };
        User {
            id,
            email: self.email.into(),
            hashed_password: self.hashed_password,
            is_admin: is_granted || self.is_admin,
            status,
            created_at: self.created_at,
            approved_at: (status == UserStatus::Approved).then_some(self.created_at),
            approved_by: None,
            token_generation: 0,
            email_verified_at: None,
            display_name: None,
            must_change_password: false,
        }
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("email", &self.email)
            .field("hashed_password", &"[redacted]")
            .field("is_admin", &self.is_admin)
            .field("status", &self.status)
            .field("created_at", &self.created_at)
            .field("admin_grant", &self.admin_grant)
            .finish()
    }
}

/// Condition on which a new account becomes the first admin.
///
/// The store evaluates it in the transaction that adds the account, so that of concurrent
/// registrations exactly one becomes the admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdminGrant {
    /// Never.
    Never,
    /// If there is no account at all.
    IfFirstAccount,
    /// If no account is admin *and* approved.
    IfNoAdmin,
}

#[async_trait]
impl<S: AccountStore + ?Sized> AccountStore for Arc<S> {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        (**self).insert(new).await
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        (**self).find(id).await
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        (**self).find_by_email(email).await
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        (**self).list(query).await
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        (**self).count(filter).await
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        (**self).change(change).await
    }
}
