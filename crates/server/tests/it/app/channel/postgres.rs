//! The trigger tells of what changes, whoever changes it.

use sqlx::Executor;
use sqlx::postgres::PgConnection;

use super::Listener;
use crate::support::PostgresDatabase;
use crate::support::open;

/// A table of accounts, who works on it by hand, and who listens.
struct Scene {
    hand: PgConnection,
    listener: Listener,
    database: PostgresDatabase,
}

impl Scene {
    /// With accounts of the ids 1 to `accounts`.
    async fn with(accounts: u32) -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        open(database.url()).await.close().await;
        let mut scene = Self {
            hand: database.connect().await,
            listener: Listener::at(database.url()).await,
            database,
        };
        let insert = format!(
            "INSERT INTO users (email, hashed_password, created_at)
             SELECT n, 'none', now() FROM generate_series(1, {accounts}) AS n"
        );
        scene.sql(&insert).await;
        Some(scene)
    }

    async fn sql(&mut self, statements: &str) {
        run(&mut self.hand, statements).await;
    }

    /// What is heard before account 1 changes: nothing that is told now comes later.
    async fn heard(&mut self) -> Vec<String> {
        let mut other = self.database.connect().await;
        run(&mut other, "UPDATE users SET email = 'marker' WHERE id = 1").await;
        let mut words = self.listener.hears_until("1").await;
        words.pop();
        words
    }
}

async fn run(connection: &mut PgConnection, statements: &str) {
    let statements = sqlx::AssertSqlSafe(statements.to_owned());
    connection.execute(sqlx::raw_sql(statements)).await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_changed_by_hand_is_told() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene
        .sql("UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(scene.heard().await, ["2"]);
}

#[tokio::test]
async fn each_account_of_one_statement_is_told() {
    let Some(mut scene) = Scene::with(100).await else {
        return;
    };
    scene.sql("UPDATE users SET is_admin = true").await;
    let mut told = Vec::new();
    for _ in 0..100 {
        told.push(scene.listener.hears().await.parse::<u32>().unwrap());
    }
    told.sort_unstable();
    assert!(told.into_iter().eq(1..=100));
}

#[tokio::test]
async fn more_than_a_hundred_are_everybody_in_one_word() {
    let Some(mut scene) = Scene::with(101).await else {
        return;
    };
    scene.sql("UPDATE users SET is_admin = true").await;
    assert_eq!(scene.heard().await, ["everybody"]);
}

#[tokio::test]
async fn an_account_that_is_deleted_is_told() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene.sql("DELETE FROM users WHERE id = 3").await;
    assert_eq!(scene.heard().await, ["3"]);
}

#[tokio::test]
async fn a_table_that_is_emptied_is_everybody() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene.sql("TRUNCATE users").await;
    assert_eq!(scene.listener.hears().await, "everybody");
}

#[tokio::test]
async fn an_account_that_is_new_is_not_told() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    assert_eq!(scene.heard().await, [""; 0]);
}

#[tokio::test]
async fn a_change_that_is_rolled_back_is_never_told() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene
        .sql("BEGIN; UPDATE users SET status = 'disabled' WHERE id = 2; ROLLBACK")
        .await;
    assert_eq!(scene.heard().await, [""; 0]);
}

#[tokio::test]
async fn a_change_is_told_once_others_can_see_it() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene
        .sql("BEGIN; UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(scene.heard().await, [""; 0]);
    scene.sql("COMMIT").await;
    assert_eq!(scene.heard().await, ["2"]);
}

#[tokio::test]
async fn a_connection_that_is_terminated_is_told_and_made_again() {
    let Some(mut scene) = Scene::with(3).await else {
        return;
    };
    scene
        .sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    let words = scene.listener.hears_until("connected").await;
    assert_eq!(words, ["disconnected", "connected"]);
    scene
        .sql("UPDATE users SET status = 'disabled' WHERE id = 2")
        .await;
    assert_eq!(scene.heard().await, ["2"]);
}
