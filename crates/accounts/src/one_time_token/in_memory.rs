//! Store of one-time tokens in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::model::{OneTimeToken, TokenPurpose};
use super::store::OneTimeTokenStore;
use crate::store_error::StoreError;

/// Store of one-time tokens in memory, for tests and demonstrations. Clones share their tokens.
#[derive(Clone, Default)]
pub struct InMemoryOneTimeTokenStore(Arc<Mutex<HashMap<[u8; 32], OneTimeToken>>>);

impl InMemoryOneTimeTokenStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // Each method locks once, until it returns, never across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], OneTimeToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OneTimeTokenStore for InMemoryOneTimeTokenStore {
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        let mut tokens = self.lock();
        tokens.retain(|_, other| other.expires_at > token.created_at);
        let theirs = tokens
            .values()
            .filter(|other| other.user_id == token.user_id && other.purpose == token.purpose);
        let mut theirs: Vec<_> = theirs
            .map(|other| (other.created_at, other.digest))
            .collect();
        theirs.sort_unstable();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let too_many = (theirs.len() + 1).saturating_sub(most);
        for (_, digest) in theirs.into_iter().take(too_many) {
            tokens.remove(&digest);
        }
        tokens.insert(token.digest, token);
        Ok(())
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let tokens = self.lock();
        let found = tokens.get(digest);
        Ok(found.filter(|token| token.purpose == purpose).cloned())
    }

    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let mut tokens = self.lock();
        match tokens.get(digest) {
            Some(token) if token.purpose == purpose => Ok(tokens.remove(digest)),
            _ => Ok(None),
        }
    }
}

// `Debug` output must not reveal tokens.
impl fmt::Debug for InMemoryOneTimeTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryOneTimeTokenStore")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::one_time_token_store_contract;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn in_memory_store_passes_the_contract() {
        one_time_token_store_contract(async || InMemoryOneTimeTokenStore::new()).await;
    }
}
