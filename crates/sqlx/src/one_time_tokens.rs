//! SQL for the table `one_time_tokens` that both databases share, and its row.

use std::time::SystemTime;

use sqlx::FromRow;
use tower_warder_accounts::{OneTimeToken, StoreError, TokenPurpose};

macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " digest, user_id, generation, email, created_by, created_at, expires_at",
            $after
        )
    };
}

pub(crate) const FIND: &str = columns!(
    "SELECT",
    " FROM one_time_tokens WHERE digest = $1 AND purpose = $2"
);

/// Compares and deletes in one statement.
pub(crate) const TAKE: &str = columns!(
    "DELETE FROM one_time_tokens WHERE digest = $1 AND purpose = $2 RETURNING",
    ""
);

/// Deletes all tokens of the account `$1` with the purpose `$2` except the `$4` newest. `$3` is
/// unlimited: SQLite requires a limit.
pub(crate) const TRIM: &str = "DELETE FROM one_time_tokens WHERE digest IN (
         SELECT digest FROM one_time_tokens WHERE user_id = $1 AND purpose = $2
         ORDER BY created_at DESC, digest DESC LIMIT $3 OFFSET $4)";

/// Deletes some tokens that expire at `$1` or before, of any account. Runs last and skips locked rows,
/// so that it cannot deadlock.
macro_rules! clear {
    ($is_one_of:literal, $waits_not:literal) => {
        concat!(
            "DELETE FROM one_time_tokens WHERE digest ",
            $is_one_of,
            "(SELECT digest FROM one_time_tokens WHERE expires_at <= $1
              ORDER BY expires_at LIMIT 100 ",
            $waits_not,
            ")"
        )
    };
}
pub(crate) use clear;

/// Inserts a token, with times of the given type.
macro_rules! insert {
    ($prefix:expr, $token:expr, $time:path) => {
        sqlx::query($prefix.statement(
            "INSERT INTO one_time_tokens
             (digest, purpose, user_id, generation, email, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        ))
        .bind(&$token.digest[..])
        .bind($token.purpose.as_str())
        .bind($token.user_id)
        .bind(number($token.generation))
        .bind(&$token.email)
        .bind($token.created_by)
        .bind($time($token.created_at))
        .bind($time($token.expires_at))
    };
}
pub(crate) use insert;

/// Row with times of the type `T` of the database.
#[derive(FromRow)]
pub(crate) struct OneTimeTokenRow<T> {
    digest: Vec<u8>,
    user_id: i64,
    generation: i64,
    email: Option<String>,
    created_by: Option<i64>,
    created_at: T,
    expires_at: T,
}

impl<T: Into<SystemTime>> OneTimeTokenRow<T> {
    pub(crate) fn into_token(self, purpose: TokenPurpose) -> Result<OneTimeToken, StoreError> {
        let digest = self.digest.try_into();
        let digest = digest
            .map_err(|_| StoreError::unavailable("a digest in the table does not have 32 bytes"))?;
        Ok(OneTimeToken {
            digest,
            purpose,
            user_id: self.user_id,
            generation: self.generation.try_into()?,
            email: self.email,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            expires_at: self.expires_at.into(),
        })
    }
}
