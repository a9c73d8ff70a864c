//! The trigger announces every change, including manual ones.

use sqlx::Executor;
use sqlx::postgres::PgConnection;

use super::{Listener, listener};
use crate::support::PostgresDatabase;
use crate::support::open;

/// A table of accounts, a connection for manual changes, and a listener.
struct Fixture {
    admin: PgConnection,
    listener: Listener,
    database: PostgresDatabase,
}

impl Fixture {
    /// Creates accounts with the IDs 1 to `accounts`.
    async fn with(accounts: u32) -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        open(database.url()).await.close().await;
        let mut fixture = Self {
            admin: database.connect().await,
            listener: listener(database.url()).await,
            database,
        };
        let insert = format!(
            "INSERT INTO users (email, hashed_password, created_at)
             SELECT n, 'none', now() FROM generate_series(1, {accounts}) AS n"
        );
        fixture.sql(&insert).await;
        Some(fixture)
    }

    async fn sql(&mut self, statements: &str) {
        run(&mut self.admin, statements).await;
    }

    /// Returns what was announced up to now: what arrives before a change of account 1.
    async fn announced(&mut self) -> Vec<String> {
        let mut other = self.database.connect().await;
        run(&mut other, "UPDATE users SET email = 'marker' WHERE id = 1").await;
        let mut messages = self.listener.messages_until("1").await;
        messages.pop();
        messages
    }
}

async fn run(connection: &mut PgConnection, statements: &str) {
    let statements = sqlx::AssertSqlSafe(statements.to_owned());
    connection.execute(sqlx::raw_sql(statements)).await.unwrap();
}

#[tokio::test]
async fn manual_change_is_announced() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture
        .sql("UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(fixture.announced().await, ["2"]);
}

#[tokio::test]
async fn each_account_of_a_statement_is_announced() {
    let Some(mut fixture) = Fixture::with(100).await else {
        return;
    };
    fixture.sql("UPDATE users SET is_admin = true").await;
    let mut announced = Vec::new();
    for _ in 0..100 {
        announced.push(
            fixture
                .listener
                .next_message()
                .await
                .parse::<u32>()
                .unwrap(),
        );
    }
    announced.sort_unstable();
    assert!(announced.into_iter().eq(1..=100));
}

#[tokio::test]
async fn over_100_changes_invalidate_all_accounts() {
    let Some(mut fixture) = Fixture::with(101).await else {
        return;
    };
    fixture.sql("UPDATE users SET is_admin = true").await;
    assert_eq!(fixture.announced().await, ["all"]);
}

#[tokio::test]
async fn deleted_account_is_announced() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture.sql("DELETE FROM users WHERE id = 3").await;
    assert_eq!(fixture.announced().await, ["3"]);
}

#[tokio::test]
async fn truncated_table_invalidates_all_accounts() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture.sql("TRUNCATE users").await;
    assert_eq!(fixture.listener.next_message().await, "all");
}

#[tokio::test]
async fn new_account_is_not_announced() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    assert_eq!(fixture.announced().await, [""; 0]);
}

#[tokio::test]
async fn rolled_back_change_is_not_announced() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture
        .sql("BEGIN; UPDATE users SET status = 'disabled' WHERE id = 2; ROLLBACK")
        .await;
    assert_eq!(fixture.announced().await, [""; 0]);
}

#[tokio::test]
async fn change_is_announced_after_commit() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture
        .sql("BEGIN; UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(fixture.announced().await, [""; 0]);
    fixture.sql("COMMIT").await;
    assert_eq!(fixture.announced().await, ["2"]);
}

#[tokio::test]
async fn terminated_connection_is_reported_and_replaced() {
    let Some(mut fixture) = Fixture::with(3).await else {
        return;
    };
    fixture
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    let messages = fixture.listener.messages_until("connected").await;
    assert_eq!(messages, ["disconnected", "connected"]);
    fixture
        .sql("UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(fixture.announced().await, ["2"]);
}
