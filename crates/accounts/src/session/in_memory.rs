//! Session store in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::model::{Rotation, Session};
use super::store::SessionStore;
use crate::store_error::StoreError;

/// Session store in memory, for tests and demonstrations. Clones share their sessions.
#[derive(Clone, Default)]
pub struct InMemorySessionStore(Arc<Mutex<HashMap<String, Session>>>);

impl InMemorySessionStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // Each method locks once, until it returns, never across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for InMemorySessionStore {
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError> {
        let mut sessions = self.lock();
        sessions.retain(|_, other| {
            let replaced =
                other.user_id == session.user_id && other.generation < session.generation;
            !replaced && !other.has_expired(session.created_at)
        });
        let theirs = sessions
            .values()
            .filter(|other| other.user_id == session.user_id);
        let mut theirs: Vec<_> = theirs
            .map(|other| (other.last_used_at, other.id.clone()))
            .collect();
        theirs.sort();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let too_many = (theirs.len() + 1).saturating_sub(most);
        for (_, id) in theirs.into_iter().take(too_many) {
            sessions.remove(&id);
        }
        sessions.insert(session.id.clone(), session);
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        Ok(self.lock().get(id).cloned())
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        let sessions = self.lock();
        let theirs = sessions
            .values()
            .filter(|session| session.user_id == user_id);
        Ok(theirs.cloned().collect())
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id);
        let Some(session) = session.filter(|session| session.token == *token) else {
            return Ok(false);
        };
        *session = session.clone().rotated(&rotation);
        Ok(true)
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        let mut sessions = self.lock();
        let is_theirs = sessions
            .get(id)
            .is_some_and(|session| session.user_id == user_id);
        if is_theirs {
            sessions.remove(id);
        }
        Ok(is_theirs)
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        self.lock().retain(|id, session| {
            if session.user_id != user_id || session.generation >= generation {
                return true;
            }
            let is_kept = kept == Some(&**id) && session.generation + 1 == generation;
            if is_kept {
                session.generation = generation;
            }
            is_kept
        });
        Ok(())
    }
}

// `Debug` output must not reveal sessions.
impl fmt::Debug for InMemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemorySessionStore")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::session_store_contract;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn in_memory_store_passes_the_contract() {
        session_store_contract(async || InMemorySessionStore::new()).await;
    }
}
