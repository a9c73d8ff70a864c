//! Caller of a hasher.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::util::network::network;

/// Caller of a [`PasswordHasher`](crate::password::PasswordHasher), by which the places in its queue
/// are limited: see [`PasswordHasher::for_caller`](crate::password::PasswordHasher::for_caller).
///
/// The default is a client of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct HashCaller {
    account: Option<AccountKey>,
    /// The network by which the caller is counted.
    pub(super) address: Option<IpAddr>,
    pub(super) is_preferred: bool,
    pub(super) is_limited: bool,
}

impl HashCaller {
    /// The application itself.
    pub(super) const UNLIMITED: Self = Self {
        is_limited: false,
        ..Self::new()
    };

    /// Creates a caller without account and address, which is not preferred.
    pub const fn new() -> Self {
        Self {
            account: None,
            address: None,
            is_preferred: false,
            is_limited: true,
        }
    }

    /// Sets the account, in its canonical form. It need not exist: limits must not tell.
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(AccountKey::new(account));
        self
    }

    /// Sets the address of the client. IPv6 addresses are counted by their /64.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(network(address));
        self
    }

    /// Prefers the caller, if it has proved something that an attacker has not, such as a token or
    /// the cookie of a known device. Defaults to `false`.
    pub const fn preferred(mut self, is_preferred: bool) -> Self {
        self.is_preferred = is_preferred;
        self
    }

    /// Returns `true` if both have an account, and it is the same.
    pub(super) fn has_same_account(&self, other: &Self) -> bool {
        self.account.is_some() && self.account == other.account
    }

    /// Returns `true` if both have an address, and it is the same.
    pub(super) fn has_same_address(&self, other: &Self) -> bool {
        self.address.is_some() && self.address == other.address
    }
}

impl Default for HashCaller {
    fn default() -> Self {
        Self::new()
    }
}

/// Stands for an account: clients choose the name, so its length must not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AccountKey(u64);

impl AccountKey {
    fn new(account: &str) -> Self {
        // Random, so that nobody finds a name that takes the place of another account.
        static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

        Self(KEYS.hash_one(account))
    }
}
