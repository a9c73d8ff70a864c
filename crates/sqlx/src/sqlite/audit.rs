//! Store of audit events in SQLite.

use std::collections::HashMap;
use std::time::SystemTime;

use sqlx::{QueryBuilder, Sqlite};
use tower_warder::async_trait;
use tower_warder_accounts::{AuditEvent, AuditStore, StoreError};

use super::{Rfc3339, SqliteStore};
use crate::audit;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        audit::append!(
            Sqlite,
            self.prefix,
            transaction,
            events,
            max_per_kind,
            Rfc3339
        );
        Ok(transaction.commit().await?)
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let query = sqlx::query_as(self.sql(audit::LIST))
            .bind(account)
            .bind(i64::from(limit));
        audit::into_events::<Rfc3339>(query.fetch_all(&self.pool).await?)
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        Ok(audit::last_logins!(
            Sqlite,
            self.prefix,
            &self.pool,
            accounts,
            Rfc3339
        ))
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        let query = sqlx::query(self.sql(audit::DELETE_BEFORE))
            .bind(Rfc3339(time))
            .bind(i64::from(limit));
        Ok(query.execute(&self.pool).await?.rows_affected())
    }
}
