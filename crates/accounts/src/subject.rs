//! Content of the `sub` claim.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tower_warder::Claims;
use tower_warder::private::rare_claim;

use super::email::Email;
use super::model::User;
use super::store::AccountStore;
use super::store_error::StoreError;

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
    /// Tokens that [`Accounts`](crate::Accounts) issues also have the account's id, as a string in the
    /// claim `account_id`. A token whose `account_id` is not that of the account with the address is
    /// rejected, so it is not valid for another account that is given the address.
    ///
    /// It has three disadvantages:
    ///
    /// - A change of the address invalidates the account's tokens.
    /// - Tokens without `account_id`, such as those made by Python, are bound to the address alone.
    ///   After the address was given to another account they are valid for that account, also an older
    ///   or an admin's one, until their `exp`, if the token generations are equal. Only a token with an
    ///   `iat` from before the account's `created_at` is rejected as with [`Id`](Self::Id). Do not give
    ///   an address to another account while such tokens are valid, or revoke the tokens of that
    ///   account first.
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

    /// Returns the claims beside `sub` that bind a token to an account.
    pub(super) fn claims_of(self, user: &User) -> Map<String, Value> {
        let mut claims = Map::new();
        if self == Self::Email {
            claims.insert(ACCOUNT_ID.to_owned(), user.id.to_string().into());
        }
        claims
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
                Ok(email) if email.as_str() == subject => {
                    let user = store.find_by_email(&email).await?;
                    Ok(user.filter(|user| is_of(claims, user)))
                }
                _ => Ok(None),
            },
        }
    }
}

/// Returns `false` if the token was issued for another account, which had this address before.
fn is_of(claims: &Claims, user: &User) -> bool {
    rare_claim(claims, ACCOUNT_ID).is_none_or(|id| id == user.id.to_string())
}

/// Claim with the id of the account, where `sub` is its address. A string, like `sub`.
pub(super) const ACCOUNT_ID: &str = "account_id";
