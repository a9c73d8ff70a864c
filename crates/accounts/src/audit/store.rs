//! Store of audit events.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use super::event::AuditEvent;
use crate::store_error::StoreError;

/// Store of audit events, into which an [`AuditWriter`](crate::AuditWriter) writes.
///
/// Events have the id of their account, and no foreign key: they stay when the account is deleted. The
/// only error is [`StoreError::Unavailable`]. Times have whole microseconds and are returned exactly.
/// Test your store with `testing::audit_store_contract`.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Adds events, in this order, and then deletes the oldest of the same account and kind until
    /// there are at most `max_per_kind`. Events without an account count together.
    ///
    /// Also records the time of the last
    /// [`LoginSucceeded`](crate::AuditEventKind::LoginSucceeded) of each account, and removes it on
    /// [`AccountDeleted`](crate::AuditEventKind::AccountDeleted).
    ///
    /// # Errors
    ///
    /// Nothing was added, unless the connection broke during the commit.
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError>;

    /// Returns the events of an account, newest first, at most `limit`; of the same time, those that
    /// were added later come first. Leaves out kinds that only a later version knows.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;

    /// Returns the times of the last log-ins of these accounts, also if the events themselves were
    /// deleted. Accounts without one are left out.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError>;

    /// Deletes the oldest events from before `time`, at most `limit`, and returns their number.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError>;
}

#[async_trait]
impl<S: AuditStore + ?Sized> AuditStore for Arc<S> {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        (**self).append(events, max_per_kind).await
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        (**self).list_events(account, limit).await
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        (**self).last_logins(accounts).await
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        (**self).delete_before(time, limit).await
    }
}
