//! Session store in PostgreSQL.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use tower_warder::async_trait;
use tower_warder_accounts::{Rotation, Session, SessionStore, StoreError};

use super::{PostgresStore, Timestamptz, begin, lock_of};
use crate::sessions::{self, SessionRow};
use crate::users::number;

impl PostgresStore {
    async fn try_open(&self, opened: &Session, most: u32) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let mut transaction = begin(&mut lease, lock(opened.user_id)).await?;
        let sweep = sqlx::query(self.sql(sessions::SWEEP))
            .bind(opened.user_id)
            .bind(Timestamptz(opened.created_at))
            .bind(number(opened.generation));
        let trim = sqlx::query(self.sql(sessions::TRIM))
            .bind(opened.user_id)
            .bind(i64::MAX)
            .bind(sessions::others(most));
        let insert = sessions::insert!(self.prefix, opened, Timestamptz);
        // An array is computed once. `IN` may run the subquery again for each row, with other
        // results.
        let clear = sessions::clear!("= ANY (ARRAY", "FOR UPDATE SKIP LOCKED)");
        let clear = sqlx::query(self.sql(clear)).bind(Timestamptz(opened.created_at));
        for query in [sweep, trim, insert, clear] {
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn try_end_before(
        &self,
        user_id: i64,
        generation: i64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let mut transaction = begin(&mut lease, lock(user_id)).await?;
        let keep = sqlx::query(self.sql(sessions::KEEP))
            .bind(generation)
            .bind(user_id)
            .bind(kept);
        let end = sqlx::query(self.sql(sessions::END_BEFORE))
            .bind(user_id)
            .bind(generation);
        for query in [keep, end] {
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Operations on several rows of an account take its lock: the number of sessions is decided by
/// what is read, and row locks alone could deadlock. The others are one statement on one row.
#[async_trait]
impl SessionStore for PostgresStore {
    async fn open(&self, opened: Session, most: u32) -> Result<(), StoreError> {
        self.answer(|| self.try_open(&opened, most)).await
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query_as(self.sql(sessions::FIND)).bind(id);
            let row: Option<Row> = query.fetch_optional(&mut **self.lease().await?).await?;
            row.map(Row::into_session).transpose()
        })
        .await
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query_as(self.sql(sessions::LIST)).bind(user_id);
            let rows: Vec<Row> = query.fetch_all(&mut **self.lease().await?).await?;
            rows.into_iter().map(Row::into_session).collect()
        })
        .await
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let rotation = &rotation;
        self.answer(|| async move {
            let query = sqlx::query(self.sql(sessions::ROTATE))
                .bind(&rotation.successor[..])
                .bind(&rotation.token[..])
                .bind(Timestamptz(rotation.at))
                .bind(Timestamptz(rotation.expires_at))
                .bind(id)
                .bind(&token[..]);
            let done = query.execute(&mut **self.lease().await?).await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query(self.sql(sessions::END)).bind(id).bind(user_id);
            let done = query.execute(&mut **self.lease().await?).await?;
            Ok(done.rows_affected() > 0)
        })
        .await
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        let generation = number(generation);
        self.answer(|| self.try_end_before(user_id, generation, kept))
            .await
    }
}

/// Locks the sessions of an account.
fn lock(user_id: i64) -> Query<'static, Postgres, PgArguments> {
    lock_of(SESSIONS, user_id)
}

/// First number of these locks.
const SESSIONS: i32 = i32::from_be_bytes(*b"sess");

type Row = SessionRow<Timestamptz>;
