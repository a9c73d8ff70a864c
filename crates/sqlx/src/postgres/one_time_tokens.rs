//! Store of one-time tokens in PostgreSQL.

use sqlx::SqlStr;
use tower_warder::async_trait;
use tower_warder_accounts::{OneTimeToken, OneTimeTokenStore, StoreError, TokenPurpose};

use super::{PostgresStore, Timestamptz, begin, lock_of};
use crate::one_time_tokens::{self, OneTimeTokenRow};
use crate::sessions::others;
use crate::users::number;

impl PostgresStore {
    async fn try_add_token(&self, token: &OneTimeToken, most: u32) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let mut transaction = begin(&mut lease, lock_of(TOKENS, token.user_id)).await?;
        let trim = sqlx::query(self.sql(one_time_tokens::TRIM))
            .bind(token.user_id)
            .bind(token.purpose.as_str())
            .bind(i64::MAX)
            .bind(others(most));
        let insert = one_time_tokens::insert!(self.prefix, token, Timestamptz);
        let clear = one_time_tokens::clear!("= ANY (ARRAY", "FOR UPDATE SKIP LOCKED)");
        let clear = sqlx::query(self.sql(clear)).bind(Timestamptz(token.created_at));
        for query in [trim, insert, clear] {
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn token_of(
        &self,
        statement: SqlStr,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let query = sqlx::query_as(statement)
            .bind(&digest[..])
            .bind(purpose.as_str());
        let row: Option<Row> = query.fetch_optional(&mut **self.lease().await?).await?;
        row.map(|row| row.into_token(purpose)).transpose()
    }
}

#[async_trait]
impl OneTimeTokenStore for PostgresStore {
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        self.answer(|| self.try_add_token(&token, most)).await
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.answer(|| self.token_of(self.sql(one_time_tokens::FIND), digest, purpose))
            .await
    }

    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.answer(|| self.token_of(self.sql(one_time_tokens::TAKE), digest, purpose))
            .await
    }
}

/// First number of the locks: the number of tokens of an account is decided by what is read.
const TOKENS: i32 = i32::from_be_bytes(*b"toke");

type Row = OneTimeTokenRow<Timestamptz>;
