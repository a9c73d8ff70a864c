//! Errors of the stores.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tower_warder::BoxError;

use super::actor::NotAdmin;

/// Error of an [`AccountStore`](crate::AccountStore), a [`SessionStore`](crate::SessionStore) or a
/// [`OneTimeTokenStore`](crate::OneTimeTokenStore).
///
/// Every other error converts with `?` into [`Unavailable`](Self::Unavailable). That is why this type
/// does not implement [`Error`]; it converts into a [`BoxError`].
///
/// ```
/// use tower_warder_accounts::StoreError;
///
/// fn parse(generation: &str) -> Result<u64, StoreError> {
///     Ok(generation.parse()?)
/// }
///
/// assert!(matches!(parse("x"), Err(StoreError::Unavailable(_))));
/// ```
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
    /// The account is not, or no longer, as the change expects, or there is none.
    Outdated,
    /// Code of the application [rejected](crate::HookError::Veto) the change in its transaction, with this
    /// text for the client.
    Vetoed(Cow<'static, str>),
    /// The account has no password yet, so that it cannot be approved.
    NoPassword,
    /// The store failed. The client gets 503, and the source is logged.
    Unavailable(BoxError),
}

/// Error of a change or deletion after which no account would be admin *and* approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastAdminError {
    /// The account would no longer be an admin. Takes precedence over [`Disabling`](Self::Disabling).
    Demotion,
    /// The account would no longer be approved.
    Disabling,
    /// The account would be deleted.
    Deletion,
}

impl StoreError {
    /// Returns the error for a failure that is not an [`Error`] itself, such as a text.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for StoreError {
    fn from(source: E) -> Self {
        Self::Unavailable(source.into())
    }
}

/// Returns the error to log: the source, if there is one.
impl From<StoreError> for BoxError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => source,
            StoreError::NotAdmin(error) => error.into(),
            StoreError::LastAdmin(error) => error.into(),
            error => error.to_string().into(),
        }
    }
}

impl From<StoreError> for Box<dyn Error> {
    fn from(error: StoreError) -> Self {
        BoxError::from(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmailTaken => f.write_str("the e-mail address is already registered"),
            Self::NotAdmin(error) => error.fmt(f),
            Self::NotFound => f.write_str("there is no such account"),
            Self::LastAdmin(error) => error.fmt(f),
            Self::Outdated => f.write_str("the account was changed meanwhile"),
            Self::Vetoed(text) => f.write_str(text),
            Self::NoPassword => f.write_str(NO_PASSWORD),
            Self::Unavailable(_) => f.write_str("the account store cannot answer"),
        }
    }
}

/// The remedy is to wait, or to invite the owner again.
pub(super) const NO_PASSWORD: &str = "the account has no password yet; it can be approved when its \
    owner has set one by the link that was sent";

impl fmt::Display for LastAdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demotion => "the last admin cannot be demoted",
            Self::Disabling => "the last admin cannot be disabled",
            Self::Deletion => "the last admin cannot be deleted",
        })
    }
}

impl Error for LastAdminError {}
