//! SQL for the table `sessions` that both databases share, and its row.

use std::time::SystemTime;

use sqlx::FromRow;
use tower_warder_accounts::{PreviousToken, Session, StoreError};

macro_rules! sessions {
    ($which:literal) => {
        concat!(
            "SELECT id, user_id, generation, device, created_at, last_used_at, expires_at, token, \
             spent_token, successor FROM sessions ",
            $which
        )
    };
}

pub(crate) const FIND: &str = sessions!("WHERE id = $1");

pub(crate) const LIST: &str = sessions!("WHERE user_id = $1");

/// Deletes sessions of the account `$1` that expire at `$2` or before, or have a generation below
/// `$3`.
pub(crate) const SWEEP: &str =
    "DELETE FROM sessions WHERE user_id = $1 AND (expires_at <= $2 OR generation < $3)";

/// Deletes some sessions that expire at `$1` or before, of any account: deleted or unused accounts
/// have no log-in that would delete theirs. Runs last and skips locked rows, so that it cannot
/// deadlock.
macro_rules! clear {
    ($is_one_of:literal, $waits_not:literal) => {
        concat!(
            "DELETE FROM sessions WHERE id ",
            $is_one_of,
            "(SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100 ",
            $waits_not,
            ")"
        )
    };
}
pub(crate) use clear;

/// Deletes all sessions of the account `$1` except the `$3` most recently used. `$2` is unlimited:
/// SQLite requires a limit. A session that is renewed while its row is waited for stays: PostgreSQL
/// evaluates this condition again, but not the order.
pub(crate) const TRIM: &str = "DELETE FROM sessions WHERE (id, last_used_at) IN (
         SELECT id, last_used_at FROM sessions WHERE user_id = $1
         ORDER BY last_used_at DESC, id LIMIT $2 OFFSET $3)";

/// Inserts a session, with times of the given type.
macro_rules! insert {
    ($prefix:expr, $session:expr, $time:path) => {
        sqlx::query($prefix.statement(
            "INSERT INTO sessions
             (id, user_id, generation, device, created_at, last_used_at, expires_at, token,
              spent_token, successor)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        ))
        .bind(&$session.id)
        .bind($session.user_id)
        .bind(number($session.generation))
        .bind(&$session.device)
        .bind($time($session.created_at))
        .bind($time($session.last_used_at))
        .bind($time($session.expires_at))
        .bind(&$session.token[..])
        .bind($session.previous.as_ref().map(|spent| &spent.digest[..]))
        .bind($session.previous.as_ref().map(|spent| &spent.successor[..]))
    };
}
pub(crate) use insert;

/// Compares and writes in one statement.
pub(crate) const ROTATE: &str = "UPDATE sessions
     SET spent_token = token, successor = $1, token = $2, last_used_at = $3, expires_at = $4
     WHERE id = $5 AND token = $6";

pub(crate) const END: &str = "DELETE FROM sessions WHERE id = $1 AND user_id = $2";

/// Runs before `END_BEFORE`.
pub(crate) const KEEP: &str = "UPDATE sessions SET generation = $1
     WHERE user_id = $2 AND id = $3 AND generation = $1 - 1";

pub(crate) const END_BEFORE: &str = "DELETE FROM sessions WHERE user_id = $1 AND generation < $2";

/// Number of sessions that remain when one is added.
pub(crate) fn others(most: u32) -> i64 {
    i64::from(most) - 1
}

/// Row with times of the type `T` of the database.
#[derive(FromRow)]
pub(crate) struct SessionRow<T> {
    id: String,
    user_id: i64,
    generation: i64,
    device: String,
    created_at: T,
    last_used_at: T,
    expires_at: T,
    token: Vec<u8>,
    spent_token: Option<Vec<u8>>,
    successor: Option<Vec<u8>>,
}

impl<T: Into<SystemTime>> SessionRow<T> {
    pub(crate) fn into_session(self) -> Result<Session, StoreError> {
        let spent = match (self.spent_token, self.successor) {
            (Some(digest), Some(successor)) => Some(PreviousToken {
                digest: bytes(digest)?,
                successor: bytes(successor)?,
            }),
            _ => None,
        };
        Ok(Session {
            id: self.id,
            user_id: self.user_id,
            generation: self.generation.try_into()?,
            device: self.device,
            created_at: self.created_at.into(),
            last_used_at: self.last_used_at.into(),
            expires_at: self.expires_at.into(),
            token: bytes(self.token)?,
            previous: spent,
        })
    }
}

fn bytes(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    let bytes = bytes.try_into();
    bytes.map_err(|_| StoreError::unavailable("a digest in the table does not have 32 bytes"))
}
