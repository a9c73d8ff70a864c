//! Query of the list of accounts.

use tower_warder::UserStatus;

use super::email_prefix::EmailPrefix;
use super::model::User;

/// Query of the list of accounts. Defaults to all accounts, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Which accounts are listed.
    pub filter: UserFilter,
    /// Order, and where the list starts.
    pub order: UserOrder,
    /// Maximum number of accounts. `None` means all.
    pub limit: Option<u32>,
}

/// Condition on the accounts of a list. Defaults to all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// The beginning of the address. `None` means any address.
    pub search: Option<EmailPrefix>,
    /// The status. `None` means any status.
    pub status: Option<UserStatus>,
    /// Leaves out accounts that are pending, were never approved, have a password, and whose address is
    /// not verified. Defaults to `false`.
    pub hides_unverified: bool,
    /// Whether the account [has a password](User::has_password). `None` means both.
    pub has_password: Option<bool>,
}

impl UserFilter {
    /// Returns `true` if the account fulfills the condition.
    pub fn matches(&self, user: &User) -> bool {
        let search = self.search.as_ref();
        search.is_none_or(|search| search.matches(&user.email))
            && self.status.is_none_or(|status| status == user.status)
            && !(self.hides_unverified && user.is_new_and_unverified())
            && self
                .has_password
                .is_none_or(|has| has == user.has_password())
    }
}

/// Order of the list of accounts, and where it starts. Defaults to newest first, from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserOrder {
    /// By `created_at`, then by `id`.
    CreatedAt {
        /// Newest first.
        descending: bool,
        /// Starts after the account with this id, whether it fulfills the filter or not. If it was
        /// deleted, starts with the account of the next id in the direction of the order.
        after: Option<i64>,
    },
    /// By address, byte by byte.
    Email {
        /// From `z` to `a`.
        descending: bool,
        /// Starts after this address, whether an account has it or not.
        after: Option<String>,
    },
}

impl UserOrder {
    /// Returns the same order, starting after `user`: for the page after the one that ends with it.
    #[must_use]
    pub fn after(&self, user: &User) -> Self {
        match *self {
            Self::CreatedAt { descending, .. } => Self::CreatedAt {
                descending,
                after: Some(user.id),
            },
            Self::Email { descending, .. } => Self::Email {
                descending,
                after: Some(user.email.clone()),
            },
        }
    }

    /// Returns `true` if the list starts with its first account.
    pub const fn is_from_start(&self) -> bool {
        matches!(
            self,
            Self::CreatedAt { after: None, .. } | Self::Email { after: None, .. }
        )
    }

    /// Returns the name of the order: the parameter `sort` of the route.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CreatedAt {
                descending: true, ..
            } => "-created_at",
            Self::CreatedAt {
                descending: false, ..
            } => "created_at",
            Self::Email {
                descending: false, ..
            } => "email",
            Self::Email {
                descending: true, ..
            } => "-email",
        }
    }
}

impl Default for UserOrder {
    fn default() -> Self {
        Self::CreatedAt {
            descending: true,
            after: None,
        }
    }
}

/// Page of the list of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// The accounts.
    pub users: Vec<User>,
    /// Number of accounts of all pages. Accounts that change between two pages make it change.
    pub total: u64,
    /// Query of the next page. `None` if this is the last page.
    pub next: Option<UserQuery>,
}
