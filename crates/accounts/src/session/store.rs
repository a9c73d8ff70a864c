//! Store of sessions.

use std::sync::Arc;

use async_trait::async_trait;

use super::model::{Rotation, Session};
use crate::store_error::StoreError;

/// Store of sessions: one row each, however often its token was renewed.
///
/// Every method is atomic, as those of [`AccountStore`](crate::AccountStore) are, and each except
/// [`open`](Self::open) and [`revoke_before`](Self::revoke_before) is a single statement in SQL.
/// They return the last committed state, never that of a lagging replica: a token that is not known
/// yet looks like a reused one, and ends its session.
///
/// A session has the ID of its account, and no foreign key: accounts may be kept elsewhere, and IDs
/// are not reused. The only error is [`StoreError::Unavailable`]. Times have whole microseconds and
/// are returned exactly. Test your store with `testing::session_store_contract`.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Adds a session, and first deletes sessions of the same account: those that expire at its
    /// `created_at` or before, those of a lower `generation`, and then the least recently used
    /// until, with the new one, there are at most `most`.
    ///
    /// Also deletes sessions of other accounts that expire at its `created_at` or before, at least
    /// ten of them: accounts that were deleted or are no longer used have no log-in that would
    /// delete theirs. A log-in need not wait for all of them.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError>;

    /// Finds a session by its ID, including one that has expired.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: an unknown ID is not an error.
    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError>;

    /// Returns the sessions of an account, in any order, including those that have expired.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError>;

    /// Renews the token of a session if it is still `token`, and returns `true` if it did:
    /// [`Session::rotated`] is the row afterwards. The comparison is part of the write, `UPDATE …
    /// WHERE id = ? AND token = ?`: of concurrent calls only one renews the token, and no other
    /// column is written.
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

    /// Ends a session of this account, and returns `true` if there was one.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError>;

    /// Ends all sessions of an account of a lower generation, except `kept`: if that is a session
    /// of the account and of the generation just before, its generation is set to this one.
    ///
    /// No generation exceeds [`i64::MAX`]. Called with that one when the account was deleted.
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
