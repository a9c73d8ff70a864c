//! Where sessions are kept.

use std::sync::Arc;

use async_trait::async_trait;

use super::model::{Rotation, Session};
use crate::store::StoreError;

/// A database of sessions: one row each, however often its token was renewed.
///
/// Every method is atomic, as those of [`AccountStore`](crate::AccountStore) are, and
/// each but [`open`](Self::open) and [`revoke_before`](Self::revoke_before) is a single statement in SQL.
/// They answer by what was committed last, never from a replica that lags behind: a token that is
/// not known yet looks like one that was used twice, and ends its session.
///
/// A session says whose it is, and refers to no account: accounts may be kept elsewhere, and ids
/// do not come back. The only error is [`StoreError::Unavailable`]. Times come in whole
/// microseconds and come back exactly. Test your store with `testing::session_store_contract`.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Adds a session, and makes room for it first. Of the sessions of the same account go: those
    /// that expire at its `created_at` or before, those of a lower `generation`, and then those
    /// that were used the longest time ago, until with the new one there are `most` at most.
    ///
    /// Of all other accounts some go, too, that expire at its `created_at` or before, at least as
    /// many as ten: of accounts that are gone, or sleep, nobody else removes them. A log-in need not
    /// wait for all of them.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError>;

    /// Finds a session by its id, also one that has expired.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: none found is no error.
    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError>;

    /// The sessions of an account, in any order, also those that have expired.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError>;

    /// Renews the token of a session if it is still `token`, and says whether it did:
    /// [`Session::rotated`] is the row after it. The comparison is a part of the write, `UPDATE …
    /// WHERE id = ? AND token = ?`: of many at the same moment one renews the token, and nothing
    /// else of the row is written.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError>;

    /// Ends a session of this account, and says whether there was one.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError>;

    /// Ends all sessions of an account of a lower generation. But for `kept`: if that is a session
    /// of the account and of the generation just before, it goes on with this one.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError>;
}

#[async_trait]
impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError> {
        (**self).open(session, most).await
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        (**self).find(id).await
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        (**self).list(user_id).await
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        (**self).rotate(id, token, rotation).await
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        (**self).end(id, user_id).await
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        (**self).revoke_before(user_id, generation, kept).await
    }
}
