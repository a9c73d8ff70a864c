//! Store of one-time tokens.

use std::sync::Arc;

use async_trait::async_trait;

use super::model::{OneTimeToken, TokenPurpose};
use crate::store_error::StoreError;

/// Store of one-time tokens: one row each, by its digest.
///
/// Every method is atomic, as those of [`AccountStore`](crate::AccountStore) are. A token has the ID
/// of its account, and no foreign key: accounts may be kept elsewhere, and IDs are not reused. The only
/// error is [`StoreError::Unavailable`]. Times have whole microseconds and are returned exactly. Test
/// your store with `testing::one_time_token_store_contract`.
#[async_trait]
pub trait OneTimeTokenStore: Send + Sync + 'static {
    /// Adds a token, and first deletes the oldest ones of the same account and purpose until, with the
    /// new one, there are at most `most`.
    ///
    /// Also deletes tokens of any account and purpose that expire at its `created_at` or before, at
    /// least ten of them.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError>;

    /// Finds a token of this purpose, including one that has expired.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`]: an unknown token is not an error.
    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError>;

    /// Deletes a token of this purpose, and returns it if there was one: of concurrent calls only one
    /// gets the token. A single statement in SQL, `DELETE … RETURNING`.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError>;
}

#[async_trait]
impl<S: OneTimeTokenStore + ?Sized> OneTimeTokenStore for Arc<S> {
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        (**self).add(token, most).await
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        (**self).find(digest, purpose).await
    }

    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        (**self).take(digest, purpose).await
    }
}
