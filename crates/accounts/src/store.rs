//! Storage of accounts.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tower_warder::{BoxError, UserStatus};

use super::actor::{Actor, NotAdmin};
use super::email::Email;
use super::model::User;
use super::user_change::{LastAdminError, UserChange};
use super::user_query::{UserFilter, UserQuery};

/// Storage of accounts, to be implemented for a database.
///
/// Every method is atomic and serializable: it takes effect as a whole or not at all, and concurrent
/// calls, in one process or in several on one database, have the result of some sequential order. On
/// an error nothing is changed. With SQL, use one transaction per method, and read the rows that
/// decide under the lock that the write needs (SQLite: `BEGIN IMMEDIATE`; PostgreSQL: a table lock or
/// an advisory lock for [`insert`](Self::insert), [`update`](Self::update), [`delete`](Self::delete)
/// and [`reset_password`](Self::reset_password)).
///
/// The last three are done on behalf of an [`Actor`]: call [`Actor::check`] first, in the same
/// transaction.
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

    /// Changes an account: writes the whole result of [`User::apply`], including the token generation,
    /// at once. Returns the account after the change.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`], else [`StoreError::LastAdmin`], else
    /// [`StoreError::EmailTaken`].
    async fn update(&self, id: i64, change: UserChange) -> Result<User, StoreError>;

    /// Deletes an account if [`User::check_deletion`] allows it. Its address can be registered again at
    /// once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`], else [`StoreError::LastAdmin`].
    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError>;

    /// Sets a new password hash and raises the token generation by one, in one write.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`].
    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError>;

    /// Replaces the hash `old` by `new`, a hash of the same password. Returns `false` if the account
    /// has another hash by now, or does not exist. The token generation is not changed.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn update_hash_if(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError>;

    /// Raises the token generation by one, and sets `hash` if one is given, in one write. Returns
    /// `false`, and changes nothing, unless the account is approved and its generation is still
    /// `generation`, that of the caller's token.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn revoke_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// Account to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The address.
    pub email: Email,
    /// Password hash as a PHC string.
    pub hashed_password: String,
    /// Time of registration.
    pub created_at: SystemTime,
    /// Condition on which the account becomes the first admin.
    pub admin_grant: AdminGrant,
}

impl NewUser {
    /// Returns the account with this `id`: an approved admin if `is_admin`, that is if the condition of
    /// its [`AdminGrant`] is met, else pending.
    pub fn into_user(self, id: i64, is_admin: bool) -> User {
        User {
            id,
            email: self.email.into(),
            hashed_password: self.hashed_password,
            is_admin,
            status: if is_admin {
                UserStatus::Approved
            } else {
                UserStatus::Pending
            },
            created_at: self.created_at,
            approved_at: is_admin.then_some(self.created_at),
            approved_by: None,
            token_generation: 0,
        }
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("email", &self.email)
            .field("hashed_password", &"[redacted]")
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

/// Error of an [`AccountStore`].
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another account has the address.
    EmailTaken,
    /// The actor is not, or no longer, an approved admin.
    NotAdmin(NotAdmin),
    /// There is no such account.
    NotFound,
    /// No approved admin would be left.
    LastAdmin(LastAdminError),
    /// The store failed. The client gets 503, and the source is logged.
    Unavailable(BoxError),
}

impl StoreError {
    /// Converts an error of the database: `.map_err(StoreError::unavailable)?`.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Returns the error to log: the source, if there is one.
    pub(super) fn into_source(self) -> BoxError {
        match self {
            Self::Unavailable(source) => source,
            error => error.into(),
        }
    }
}

impl From<NotAdmin> for StoreError {
    fn from(error: NotAdmin) -> Self {
        Self::NotAdmin(error)
    }
}

impl From<LastAdminError> for StoreError {
    fn from(error: LastAdminError) -> Self {
        Self::LastAdmin(error)
    }
}

impl From<BoxError> for StoreError {
    fn from(source: BoxError) -> Self {
        Self::Unavailable(source)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmailTaken => f.write_str("the e-mail address is already registered"),
            Self::NotAdmin(error) => error.fmt(f),
            Self::NotFound => f.write_str("there is no such account"),
            Self::LastAdmin(error) => error.fmt(f),
            Self::Unavailable(_) => f.write_str("the account store cannot answer"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) => Some(&**source),
            _ => None,
        }
    }
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

    async fn update(&self, id: i64, change: UserChange) -> Result<User, StoreError> {
        (**self).update(id, change).await
    }

    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError> {
        (**self).delete(id, by).await
    }

    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError> {
        (**self).reset_password(id, hash, by).await
    }

    async fn update_hash_if(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        (**self).update_hash_if(id, old, new).await
    }

    async fn revoke_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        (**self).revoke_tokens(id, generation, hash).await
    }
}
