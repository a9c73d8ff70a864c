//! The futures of both stores can be spawned on a runtime of several threads.

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use tower_warder_accounts::AdminGrant;
use tower_warder_sqlx::{PostgresStore, SqliteStore};

/// The compiler checks it: no future is polled.
#[tokio::test]
async fn public_futures_are_send() {
    fn is_send<F: Future + Send + 'static>(_: F) {}

    let pool = PgPoolOptions::new().connect_lazy("postgres://127.0.0.1:1/none");
    let postgres = PostgresStore::new(pool.unwrap());
    is_send(async { PostgresStore::connect("").await });
    is_send(async { PostgresStore::connect_with(Default::default(), Default::default()).await });
    let store = postgres.clone();
    is_send(async move { store.migrate().await });
    let store = postgres.clone();
    is_send(async move { store.ping().await });
    let store = postgres.clone();
    is_send(async move { store.would_grant_admin(AdminGrant::Never).await });
    is_send(async move { postgres.close().await });

    let pool = SqlitePoolOptions::new().connect_lazy("sqlite::memory:");
    let sqlite = SqliteStore::new(pool.unwrap());
    is_send(async { SqliteStore::connect("").await });
    is_send(async { SqliteStore::connect_with(Default::default()).await });
    let store = sqlite.clone();
    is_send(async move { store.migrate().await });
    let store = sqlite.clone();
    is_send(async move { store.ping().await });
    let store = sqlite.clone();
    is_send(async move { store.would_grant_admin(AdminGrant::Never).await });
    is_send(async move { sqlite.close().await });
}
