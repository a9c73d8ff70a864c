//! Where accounts are kept.

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

/// A database of accounts.
///
/// Every method is atomic: it happens as a whole or not at all, and two at the same moment, in
/// one process or in several on one database, end as if one had come after the other. What is
/// refused changes nothing. With SQL that is one transaction each, in which the rows that decide
/// are read under the lock that the write needs (SQLite: `BEGIN IMMEDIATE`; PostgreSQL: a table
/// lock or an advisory lock for [`insert`](Self::insert), [`update`](Self::update),
/// [`delete`](Self::delete) and [`reset_password`](Self::reset_password)).
///
/// The last three are done in somebody's name: [`Actor::check`] decides first, in the same
/// transaction.
///
/// Times come in whole microseconds and come back exactly. Test your store with
/// `testing::account_store_contract`.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Adds an account, with an id that no account ever had, and says whether it got the
    /// [seat](AdminGrant) that it was offered: [`NewUser::into_user`] makes the record.
    ///
    /// # Errors
    ///
    /// [`StoreError::EmailTaken`], and then the seat stays free.
    async fn insert(&self, new: NewUser) -> Result<User, StoreError>;

    /// Finds an account by its id.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: nobody found is no error.
    async fn find(&self, id: i64) -> Result<Option<User>, StoreError>;

    /// Finds an account by its address.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: nobody found is no error.
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// The accounts, the newest first: by `created_at`, then by `id`, descending.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn list(&self, page: Page) -> Result<Vec<User>, StoreError>;

    /// How many accounts are pending.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn count_pending(&self) -> Result<u64, StoreError>;

    /// Changes an account: [`User::apply`] decides, and all that it says is written at once, the
    /// token generation included. Returns the account after the change.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`], else [`StoreError::LastAdmin`], else
    /// [`StoreError::EmailTaken`].
    async fn update(&self, id: i64, change: UserChange) -> Result<User, StoreError>;

    /// Deletes an account: [`User::check_deletion`] decides. The address is free at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`], else [`StoreError::LastAdmin`].
    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError>;

    /// Sets another hash and raises the token generation by one, in one write.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`].
    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError>;

    /// Puts `new` in the place of the hash `old` of the same password, and says whether it did: not
    /// if the account has another hash by now, or is gone. The token generation stays.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn update_hash_if(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError>;

    /// Raises the token generation by one, and sets `hash` if one is given, in one write. Says
    /// whether it did: only if the account is approved and its generation is still `generation`,
    /// that of the token that asks.
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

/// An account that wants to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The address.
    pub email: Email,
    /// A PHC string.
    pub hashed_password: String,
    /// When it was registered.
    pub created_at: SystemTime,
    /// Whether it may become the first admin.
    pub admin_grant: AdminGrant,
}

impl NewUser {
    /// The account under its `id`: admin and approved if it got the seat, else pending.
    pub fn into_user(self, id: i64, seated: bool) -> User {
        User {
            id,
            email: self.email.into(),
            hashed_password: self.hashed_password,
            is_admin: seated,
            status: if seated {
                UserStatus::Approved
            } else {
                UserStatus::Pending
            },
            created_at: self.created_at,
            approved_at: seated.then_some(self.created_at),
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
            .field("seat", &self.admin_grant)
            .finish()
    }
}

/// The seat of the first admin: on what condition a new account gets it.
///
/// The store judges the condition in the transaction that adds the account, so that of many who
/// come at the same moment exactly one gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdminGrant {
    /// Never.
    Never,
    /// If there is no account at all.
    IfFirstAccount,
    /// If nobody is admin *and* approved.
    IfNoAdmin,
}

/// A part of the list of accounts. Defaults to all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many accounts at most.
    pub limit: Option<u32>,
    /// Goes on after the account with this id. If it is gone, with the accounts of lower ids.
    pub after: Option<i64>,
}

/// Why a store did not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another account has the address.
    EmailTaken,
    /// Who asked is not, or no longer, admin and approved.
    NotAdmin(NotAdmin),
    /// There is no such account.
    NotFound,
    /// Nobody would be left who is admin and approved.
    LastAdmin(LastAdminError),
    /// The store cannot answer: 503 to the client, the source to the log.
    Unavailable(BoxError),
}

impl StoreError {
    /// What an error of the database becomes: `.map_err(StoreError::unavailable)?`.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }

    /// What the log is to say: the database's own words, where there are any.
    pub(super) fn into_source(self) -> BoxError {
        match self {
            Self::Unavailable(source) => source,
            error => error.into(),
        }
    }
}

impl From<NotAdmin> for StoreError {
    fn from(refusal: NotAdmin) -> Self {
        Self::NotAdmin(refusal)
    }
}

impl From<LastAdminError> for StoreError {
    fn from(refusal: LastAdminError) -> Self {
        Self::LastAdmin(refusal)
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
            Self::EmailTaken => f.write_str("another account has the address"),
            Self::NotAdmin(refusal) => refusal.fmt(f),
            Self::NotFound => f.write_str("there is no such account"),
            Self::LastAdmin(refusal) => refusal.fmt(f),
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

    async fn list(&self, page: Page) -> Result<Vec<User>, StoreError> {
        (**self).list(page).await
    }

    async fn count_pending(&self) -> Result<u64, StoreError> {
        (**self).count_pending().await
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
