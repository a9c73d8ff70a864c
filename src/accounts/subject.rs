//! Whom a token is about.

use std::borrow::Cow;
use std::time::Duration;

use super::email::Email;
use super::model::User;
use super::store::{AccountStore, StoreError};
use crate::token::Claims;

/// What stands in the `sub` of an account's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The account's id, which never belongs to another account.
    #[default]
    Id,
    /// The account's address, for who comes over from a system whose tokens carry it.
    ///
    /// It costs three things. A change of address ends the account's tokens. An address that is
    /// given up and registered again opens the new account to the old one's tokens; those that
    /// say when they were made (`iat`) are refused if that was in a second before the account's,
    /// others live until they expire. And whoever moves accounts has to keep their `created_at`.
    Email,
}

impl Subject {
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
                Ok(email) if email.as_str() == subject => {
                    let user = store.find_by_email(&email).await?;
                    Ok(user.filter(|user| !is_older(claims, user)))
                }
                _ => Ok(None),
            },
        }
    }
}

/// Whether a token was made before the account. `iat` has whole seconds: the account's second
/// counts as after, because whoever is admitted by registering logs in at once.
fn is_older(claims: &Claims, user: &User) -> bool {
    let second = Duration::from_secs(1);
    claims
        .issued_at()
        .is_some_and(|issued| issued + second <= user.created_at)
}
