//! What a pool of SQLite has to be opened with, and what the store opens it with.

use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions};
use tower_warder_accounts::{AccountStore, AdminGrant};
use tower_warder_sqlx::{InvalidPrefix, SqliteStore};

use crate::place::{Place, new};

#[tokio::test]
async fn application_pool_is_used() {
    let place = Place::sqlite();
    let options = place.sqlite_options().create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    store.insert(new("jane", AdminGrant::Never)).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn application_pool_in_memory_is_used() {
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::new(pool);
    store.migrate().await.unwrap();
    store.insert(new("jane", AdminGrant::Never)).await.unwrap();
}

#[tokio::test]
async fn pool_without_the_settings_is_rejected() {
    let place = Place::sqlite();
    let options = || {
        let options = place.sqlite_options().create_if_missing(true);
        options.journal_mode(SqliteJournalMode::Delete)
    };
    let wal = || options().journal_mode(SqliteJournalMode::Wal);
    for (options, remedy) in [
        (options(), "journal_mode"),
        (wal().foreign_keys(false), "foreign_keys"),
        (wal().busy_timeout(Duration::ZERO), "busy_timeout"),
    ] {
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        let error = store.migrate().await.unwrap_err();
        assert!(error.to_string().contains(remedy), "{error}");
        let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(tables, 0);
        pool.close().await;
    }
}

#[tokio::test]
async fn pool_of_the_store_has_the_settings() {
    let place = Place::sqlite();
    let file = place.sqlite_options().get_filename().to_owned();
    let url = format!("sqlite://{}", file.display());
    let store = SqliteStore::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn invalid_prefix_is_rejected() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    for prefix in ["", "Auth_", "a;", "users\"", "sqlite_"] {
        let error: InvalidPrefix = store.clone().prefix(prefix).unwrap_err();
        assert!(!error.to_string().contains("Auth_"), "{error}");
    }
}
