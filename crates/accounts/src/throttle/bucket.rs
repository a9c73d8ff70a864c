//! Buckets of attempts, and the store that several instances share.

use std::time::Duration;

use async_trait::async_trait;
use tower_warder::BoxError;

use super::limit::Limit;

/// What attempts are counted by: a key and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bucket {
    /// Keyed digest of the address or account. With the same
    /// [secret](crate::throttle::Throttle::secret) it is the same in all instances.
    pub key: [u8; 16],
    /// Its limit.
    pub limit: Limit,
    /// What the key is made of.
    pub kind: BucketKind,
}

impl Bucket {
    /// Creates a bucket, to test a [`ThrottleStore`].
    pub const fn new(key: [u8; 16], limit: Limit, kind: BucketKind) -> Self {
        Self { key, limit, kind }
    }
}

/// What the key of a [`Bucket`] is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BucketKind {
    /// Client address and account.
    Pair,
    /// Account, for clients that have not logged in to it before.
    Account,
    /// Client address.
    Address,
    /// Client address, for wrong passwords.
    AddressFailures,
    /// A device that has logged in to the account before.
    Device,
    /// All devices that have logged in to the account before.
    Devices,
    /// Client address of a registration.
    Registration,
    /// The user whose password confirms a change of the password or address, a deletion or an export.
    Password,
    /// The user whose display name is changed.
    DisplayName,
    /// Client address of a renewal of tokens.
    Refresh,
    /// Client address of a use of a one-time token.
    OneTimeToken,
    /// Client address of a request for a mail.
    MailAddress,
    /// Address and purpose of a mail that is requested, also without an account.
    MailAccount,
    /// All clients together.
    Overall,
}

impl BucketKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "address and account",
            Self::Account => "account",
            Self::Address => "address",
            Self::AddressFailures => "wrong passwords of the address",
            Self::Device => "known device",
            Self::Devices => "known devices of the account",
            Self::Registration => "registrations of the address",
            Self::Password => "password changes of the account",
            Self::DisplayName => "display names of the account",
            Self::Refresh => "refreshes of the address",
            Self::OneTimeToken => "one-time tokens of the address",
            Self::MailAddress => "mail requests of the address",
            Self::MailAccount => "mail to the account",
            Self::Overall => "all clients",
        }
    }
}

/// Store of the buckets of several instances, such as Redis: `tower-warder-redis` has one. Test yours
/// with `testing::throttle_store_contract`.
///
/// After an error, or no answer within half a second, the instance counts by itself, with the same
/// limits, and asks again after a second. The begin of an outage is logged at WARN, its end at INFO.
#[async_trait]
pub trait ThrottleStore: Send + Sync + 'static {
    /// Takes one attempt from each bucket, or from none: atomically, by the algorithm that
    /// [`Limit`] describes. Returns `None` if the attempt is admitted, else how long to wait.
    async fn take(&self, buckets: &[Bucket]) -> Result<Option<Duration>, BoxError>;

    /// Gives one attempt back to each bucket. No bucket has more than its burst then.
    async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError>;
}
