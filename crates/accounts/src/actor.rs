//! Who changes accounts, and whether they still may.

use std::error::Error;
use std::fmt;

use tower_warder::UserStatus;

use super::model::User;

/// Who changes an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The account with this id, as long as it is admin and approved.
    Admin(i64),
    /// The application itself, for example a command line that resets a password. Always may.
    System,
}

/// Why a change was refused: who asked for it is not, or no longer, admin *and* approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotAdmin {
    /// The account is gone, or not approved: its tokens open no door.
    Inactive,
    /// The account is approved, but no admin's.
    Demoted,
}

impl Actor {
    /// The account that has to be an admin's, if any.
    pub const fn id(self) -> Option<i64> {
        match self {
            Self::Admin(id) => Some(id),
            Self::System => None,
        }
    }

    /// Whether the actor may change accounts; `account` is the one with [`id`](Self::id), if there
    /// is one.
    ///
    /// A request is let in before its body arrives, and its sender may be disabled meanwhile. So a
    /// store reads the row and asks here in the transaction that makes the change, before it looks
    /// for the account that is to change.
    ///
    /// # Errors
    ///
    /// [`NotAdmin`], and then nothing may be written.
    pub fn check(self, account: Option<&User>) -> Result<(), NotAdmin> {
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
            Self::Inactive => "who asked has no approved account any more",
            Self::Demoted => "who asked is no admin any more",
        })
    }
}

impl Error for NotAdmin {}
