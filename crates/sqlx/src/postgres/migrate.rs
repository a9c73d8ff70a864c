//! Migrations in PostgreSQL, beside running instances.

use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection, Executor};
use tokio::time::sleep;

use crate::migrations::{self, Files};
use crate::prefix::Prefix;

/// Brings the tables up to date.
pub(super) async fn run(pool: &PgPool, prefix: &Prefix) -> Result<(), MigrateError> {
    let migrator = migrations::migrator(MIGRATIONS, prefix);
    // Closed afterwards, because it gets other settings and a lock.
    let mut connection = pool.acquire().await?.detach();
    // A migration may take long, and the lock is free only after those of another instance.
    connection
        .execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    connection.lock().await?;
    // Whatever uses a table waits behind a migration that waits for a lock on it. Shorter than the
    // `lock_timeout` of a store, so that its statements do not fail.
    connection.execute("SET lock_timeout = '1s'").await?;
    if prefix.is_empty() {
        let first_record: Option<String> = sqlx::query_scalar(FIND_FIRST_RECORD)
            .bind(migrations::FIRST_RECORD)
            .fetch_optional(&mut connection)
            .await?;
        if let Some(first_record) = first_record {
            let record = migrations::record(prefix);
            migrations::adopt(&mut connection, &migrator, &record, &first_record).await?;
        }
    }
    apply(&migrator, &mut connection).await?;
    Ok(connection.close().await?)
}

/// Applies what is missing, with retries if a lock is not free. Each migration is a transaction.
async fn apply(migrator: &Migrator, connection: &mut PgConnection) -> Result<(), MigrateError> {
    for _ in 1..ATTEMPTS {
        // Not `run`: because of its bounds the future would not be `Send`.
        match migrator.run_direct(None, connection, false).await {
            Err(error) if is_lock_timeout(&error) => {
                tracing::warn!(%error, "a migration got no lock on a table; it is retried");
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    migrator.run_direct(None, connection, false).await
}

fn is_lock_timeout(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code());
    // `lock_not_available`
    code.is_some_and(|code| code == "55P03")
}

/// Only in the schema in which tables are created: another one in the `search_path` may be that of
/// another service.
const FIND_FIRST_RECORD: &str = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname = current_schema() AND tablename = $1 AND EXISTS (
        SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'users'
    )";

/// Maximum number of attempts to apply the migrations.
const ATTEMPTS: u32 = 5;

/// Pause before another attempt, in which statements that waited get their locks.
const PAUSE: Duration = Duration::from_millis(500);

const MIGRATIONS: &Files = &[
    (
        1,
        "users",
        include_str!("../../migrations/postgres/0001_users.sql"),
    ),
    (
        2,
        "sessions",
        include_str!("../../migrations/postgres/0002_sessions.sql"),
    ),
    (
        3,
        "tell of users",
        include_str!("../../migrations/postgres/0003_tell_of_users.sql"),
    ),
    (
        4,
        "expired sessions",
        include_str!("../../migrations/postgres/0004_expired_sessions.sql"),
    ),
    (
        5,
        "end tokens",
        include_str!("../../migrations/postgres/0005_end_tokens.sql"),
    ),
    (
        6,
        "list of users",
        include_str!("../../migrations/postgres/0006_list_of_users.sql"),
    ),
    (
        7,
        "one-time tokens",
        include_str!("../../migrations/postgres/0007_one_time_tokens.sql"),
    ),
    (
        8,
        "audit events",
        include_str!("../../migrations/postgres/0008_audit_events.sql"),
    ),
    (
        9,
        "verified addresses",
        include_str!("../../migrations/postgres/0009_verified_addresses.sql"),
    ),
];
