//! Content of the `sub` claim.

use std::borrow::Cow;

use tower_warder::Claims;

use super::email::Email;
use super::model::User;
use super::store::{AccountStore, StoreError};

/// Content of the `sub` claim of an account's tokens. Defaults to the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectClaim {
    /// The account's id, which is unique within a database and never reused.
    ///
    /// After a backup is restored, or if the database is lost and the signing key is kept, an id can
    /// be assigned again. Tokens whose `iat` is in a second before the account's `created_at` are
    /// therefore rejected. A token without `iat`, such as a minimal one made by Python, cannot be
    /// distinguished and stays valid until its `exp`: after a loss of the database, change the key.
    #[default]
    Id,
    /// The account's address, to migrate from a system whose tokens contain it.
    ///
    /// It has three disadvantages:
    ///
    /// - A change of the address invalidates the account's tokens.
    /// - If an address is given up and registered again, old tokens without `iat` are accepted for the
    ///   new account until they expire. Those with `iat` are rejected as with [`Id`](Self::Id).
    /// - [`Accounts::user_cache`](crate::Accounts::user_cache) caches nothing.
    Email,
}

impl SubjectClaim {
    /// Returns the `sub` of an account.
    pub(super) fn of(self, user: &User) -> Cow<'_, str> {
        match self {
            Self::Id => user.id.to_string().into(),
            Self::Email => user.email.as_str().into(),
        }
    }

    /// Finds the account that the token identifies.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    pub(super) async fn find(
        self,
        store: &impl AccountStore,
        claims: &Claims,
    ) -> Result<Option<User>, StoreError> {
        let subject = claims.subject();
        match self {
            Self::Id => match subject.parse::<i64>() {
                // Only the canonical form: `+1` and `01` are not `1`.
                Ok(id) if id.to_string() == subject => store.find(id).await,
                _ => Ok(None),
            },
            Self::Email => match Email::new(subject) {
                Ok(email) if email.as_str() == subject => store.find_by_email(&email).await,
                _ => Ok(None),
            },
        }
    }
}
