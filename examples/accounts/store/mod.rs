//! Accounts and their sessions in a database.

mod postgres;
mod row;
mod session;
mod sql;
mod sqlite;

use std::sync::Arc;

use tower_warder::accounts::{AccountStore, SessionStore};
use tower_warder::{BoxError, async_trait};

use self::postgres::PostgresStore;
use self::sqlite::SqliteStore;
use super::database::Database;

/// What the server needs of either database.
#[async_trait]
pub(crate) trait Store: AccountStore + SessionStore {
    /// Whether the database answers now. Takes two seconds at most.
    #[allow(dead_code, reason = "for a route that a balancer asks")]
    async fn is_ready(&self) -> bool;

    async fn close(&self);
}

/// Opens the database and brings its tables up to date.
pub(crate) async fn open(database: Database) -> Result<Arc<dyn Store>, BoxError> {
    Ok(match database {
        Database::Sqlite(file) => Arc::new(SqliteStore::open(file).await?),
        Database::Postgres(server) => Arc::new(PostgresStore::open(server).await?),
    })
}
