//! Store of one-time tokens in SQLite.

use tower_warder::async_trait;
use tower_warder_accounts::{OneTimeToken, OneTimeTokenStore, StoreError, TokenPurpose};

use super::{Rfc3339, SqliteStore};
use crate::one_time_tokens::{self, OneTimeTokenRow};
use crate::sessions::others;
use crate::users::number;

#[async_trait]
impl OneTimeTokenStore for SqliteStore {
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        let trim = sqlx::query(self.sql(one_time_tokens::TRIM))
            .bind(token.user_id)
            .bind(token.purpose.as_str())
            .bind(i64::MAX)
            .bind(others(most));
        let insert = one_time_tokens::insert!(self.prefix, token, Rfc3339);
        let clear = sqlx::query(self.sql(one_time_tokens::clear!("IN", "")))
            .bind(Rfc3339(token.created_at));
        for query in [trim, insert, clear] {
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let query = sqlx::query_as(self.sql(one_time_tokens::FIND))
            .bind(&digest[..])
            .bind(purpose.as_str());
        let row: Option<Row> = query.fetch_optional(&self.pool).await?;
        row.map(|row| row.into_token(purpose)).transpose()
    }

    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let query = sqlx::query_as(self.sql(one_time_tokens::TAKE))
            .bind(&digest[..])
            .bind(purpose.as_str());
        // All: the statement is complete only after its last row.
        let rows: Vec<Row> = query.fetch_all(&self.pool).await?;
        let row = rows.into_iter().next();
        row.map(|row| row.into_token(purpose)).transpose()
    }
}

type Row = OneTimeTokenRow<Rfc3339>;
