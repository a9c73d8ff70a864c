//! Whom a token is about.

use std::borrow::Cow;

use tower_warder::Claims;

use super::email::Email;
use super::model::User;
use super::store::{AccountStore, StoreError};

/// What stands in the `sub` of an account's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectClaim {
    /// The account's id, which never belongs to another account of the same database.
    ///
    /// After a restored backup, or where the database is lost and the signing key is kept, an id
    /// can come back. Tokens whose `iat` is in a second before the account's `created_at` are
    /// refused, so that none opens whoever has the id by then. A token without `iat`, such as a
    /// minimal one made by Python, cannot be told apart and lives until its `exp`: after a loss of
    /// the database, change the key.
    #[default]
    Id,
    /// The account's address, for who comes over from a system whose tokens carry it.
    ///
    /// It costs three things. A change of address ends the account's tokens. An address that is
    /// given up and registered again opens the new account to those of the old one's tokens that
    /// have no `iat`, until they expire; the others are refused as with [`Id`](Self::Id). And nothing
    /// is cached by [`Accounts::user_cache`](crate::Accounts::user_cache).
    Email,
}

impl SubjectClaim {
    /// The `sub` of an account.
    pub(super) fn of(self, user: &User) -> Cow<'_, str> {
        match self {
            Self::Id => user.id.to_string().into(),
            Self::Email => user.email.as_str().into(),
        }
    }

    /// The account that a token is about.
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
                // One spelling: `+1` and `01` are not `1`.
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
