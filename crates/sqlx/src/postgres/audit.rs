//! Store of audit events in PostgreSQL.

use std::collections::HashMap;
use std::time::SystemTime;

use sqlx::{Connection, Postgres, QueryBuilder};
use tower_warder::async_trait;
use tower_warder_accounts::{AuditEvent, AuditStore, StoreError};

use super::{PostgresStore, Timestamptz};
use crate::audit;

impl PostgresStore {
    /// Takes no lock but those of its rows: it decides by nothing that it reads.
    async fn try_append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let begin = lease.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED");
        let mut transaction = begin.await?;
        audit::append!(
            Postgres,
            self.prefix,
            transaction,
            events,
            max_per_kind,
            Timestamptz
        );
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        self.answer(|| self.try_append(events, max_per_kind)).await
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query_as(self.sql(audit::LIST))
                .bind(account)
                .bind(i64::from(limit));
            audit::into_events::<Timestamptz>(query.fetch_all(&mut **self.lease().await?).await?)
        })
        .await
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        self.answer(|| async move {
            let mut lease = self.lease().await?;
            Ok(audit::last_logins!(
                Postgres,
                self.prefix,
                &mut **lease,
                accounts,
                Timestamptz
            ))
        })
        .await
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query(self.sql(audit::DELETE_BEFORE))
                .bind(Timestamptz(time))
                .bind(i64::from(limit));
            let done = query.execute(&mut **self.lease().await?).await?;
            Ok(done.rows_affected())
        })
        .await
    }
}
