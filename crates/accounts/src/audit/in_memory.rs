//! Store of audit events in memory.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

use super::event::{AuditEvent, AuditEventKind};
use super::store::AuditStore;
use crate::store_error::StoreError;

/// Store of the last 10,000 audit events in memory, for tests and demonstrations. Clones share their
/// events.
#[derive(Clone, Default)]
pub struct InMemoryAuditStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Oldest first.
    events: VecDeque<AuditEvent>,
    last_logins: HashMap<i64, SystemTime>,
}

impl InMemoryAuditStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // Each method locks once, until it returns, never across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditStore for InMemoryAuditStore {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        let mut state = self.lock();
        for event in events {
            state.push(event.clone(), max_per_kind);
        }
        Ok(())
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let state = self.lock();
        let newest = state.events.iter().rev();
        let mut events: Vec<_> = newest
            .filter(|event| event.account == Some(account))
            .cloned()
            .collect();
        // Stable: of the same time, the one that was added last stays the first.
        events.sort_by_key(|event| Reverse(event.at));
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(events)
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        let state = self.lock();
        let found = accounts.iter().filter_map(|id| {
            let at = state.last_logins.get(id)?;
            Some((*id, *at))
        });
        Ok(found.collect())
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let mut left = limit;
        let before = state.events.len();
        state.events.retain(|event| {
            let is_deleted = event.at < time && left > 0;
            left -= u32::from(is_deleted);
            !is_deleted
        });
        Ok(u64::try_from(before - state.events.len())?)
    }
}

impl State {
    fn push(&mut self, event: AuditEvent, max_per_kind: u32) {
        match (event.kind, event.account) {
            (AuditEventKind::LoginSucceeded, Some(account)) => {
                let last = self.last_logins.entry(account).or_insert(event.at);
                *last = event.at.max(*last);
            }
            (AuditEventKind::AccountDeleted, Some(account)) => {
                self.last_logins.remove(&account);
            }
            _ => {}
        }
        let key = |event: &AuditEvent| (event.account, event.kind);
        let (key_of_event, max) = (key(&event), usize::try_from(max_per_kind));
        self.events.push_back(event);
        let same = || self.events.iter().filter(|it| key(it) == key_of_event);
        if same().count() > max.unwrap_or(usize::MAX)
            && let Some(oldest) = self.events.iter().position(|it| key(it) == key_of_event)
        {
            self.events.remove(oldest);
        }
        if self.events.len() > CAPACITY {
            self.events.pop_front();
        }
    }
}

// By hand: debug output must not list the events.
impl fmt::Debug for InMemoryAuditStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryAuditStore").finish_non_exhaustive()
    }
}

const CAPACITY: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::audit::AuditActor;
    use crate::testing::audit_store_contract;

    #[tokio::test]
    async fn in_memory_store_fulfills_the_contract() {
        audit_store_contract(async || InMemoryAuditStore::new()).await;
    }

    #[tokio::test]
    async fn number_of_events_is_bounded() {
        let store = InMemoryAuditStore::new();
        let events = (0..10_500).map(|account| AuditEvent {
            account: Some(account),
            ..AuditEvent::new(
                AuditEventKind::LoginFailed,
                AuditActor::Anonymous,
                UNIX_EPOCH,
            )
        });
        let events: Vec<_> = events.collect();
        for batch in events.chunks(100) {
            store.append(batch, u32::MAX).await.unwrap();
        }
        assert_eq!(store.lock().events.len(), CAPACITY);
        assert_eq!(store.lock().events.capacity().next_power_of_two(), 16_384);
    }
}
