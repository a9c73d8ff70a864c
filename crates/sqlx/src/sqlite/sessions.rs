//! Session store in SQLite.

use tower_warder::async_trait;
use tower_warder_accounts::{Rotation, Session, SessionStore, StoreError};

use super::{Rfc3339, SqliteStore};
use crate::sessions::{self, SessionRow};
use crate::users::number;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn open(&self, opened: Session, most: u32) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let sweep = sqlx::query(self.sql(sessions::SWEEP))
            .bind(opened.user_id)
            .bind(Rfc3339(opened.created_at))
            .bind(number(opened.generation));
        let trim = sqlx::query(self.sql(sessions::TRIM))
            .bind(opened.user_id)
            .bind(i64::MAX)
            .bind(sessions::others(most));
        let insert = sessions::insert!(self.prefix, opened, Rfc3339);
        let clear =
            sqlx::query(self.sql(sessions::clear!("IN", ""))).bind(Rfc3339(opened.created_at));
        for query in [sweep, trim, insert, clear] {
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let query = sqlx::query_as(self.sql(sessions::FIND)).bind(id);
        let row: Option<Row> = query.fetch_optional(&self.pool).await?;
        row.map(Row::into_session).transpose()
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        let query = sqlx::query_as(self.sql(sessions::LIST)).bind(user_id);
        let rows: Vec<Row> = query.fetch_all(&self.pool).await?;
        rows.into_iter().map(Row::into_session).collect()
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(self.sql(sessions::ROTATE))
            .bind(&rotation.successor[..])
            .bind(&rotation.token[..])
            .bind(Rfc3339(rotation.at))
            .bind(Rfc3339(rotation.expires_at))
            .bind(id)
            .bind(&token[..]);
        let done = query.execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        let query = sqlx::query(self.sql(sessions::END)).bind(id).bind(user_id);
        let done = query.execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        let generation = number(generation);
        let mut transaction = self.write().await?;
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

type Row = SessionRow<Rfc3339>;
