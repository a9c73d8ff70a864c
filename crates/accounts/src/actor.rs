//! The author of a change to an account, and the check of its permission.

use std::error::Error;
use std::fmt;

use tower_warder::UserStatus;

use super::model::User;

/// Author of a change to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The account with this id. It has to be an approved admin.
    Admin(i64),
    /// The application itself, for example a command line that resets a password. Always permitted.
    System,
}

/// Reason why an [`Actor`] may not change accounts: it is not, or no longer, an approved admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotAdmin {
    /// The account does not exist, or is not approved: all its requests are rejected.
    Inactive,
    /// The account is approved, but is not an admin.
    Demoted,
}

impl Actor {
    /// Returns the id of the account that has to be an admin, if any.
    pub const fn id(self) -> Option<i64> {
        match self {
            Self::Admin(id) => Some(id),
            Self::System => None,
        }
    }

    /// Checks that the actor may change accounts. `account` is the stored account with
    /// [`id`](Self::id), if it exists.
    pub(super) fn check(self, account: Option<&User>) -> Result<(), NotAdmin> {
        let Self::Admin(id) = self else {
            return Ok(());
        };
        match account.filter(|account| account.id == id && account.status == UserStatus::Approved) {
            Some(account) if account.is_admin => Ok(()),
            Some(_) => Err(NotAdmin::Demoted),
            None => Err(NotAdmin::Inactive),
        }
    }
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self::Admin(user.id)
    }
}

impl fmt::Display for NotAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inactive => "the account that makes the change is not approved",
            Self::Demoted => "the account that makes the change is not an admin",
        })
    }
}

impl Error for NotAdmin {}
