//! Stores of accounts and sessions in a database.

mod sql;
mod row;
mod session;
mod postgres;
mod sqlite;

use std::sync::Arc;

use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::{AccountStore, AdminGrant, SessionStore};

use self::postgres::PostgresStore;
use self::sqlite::SqliteStore;
use super::database::Database;

/// Operations that the server needs in addition.
#[async_trait]
pub trait Store: AccountStore + SessionStore {
    /// Checks that accounts can be read.
    async fn ping(&self) -> Result<(), BoxError>;

    /// Returns `true` if an account that registers now would be granted the admin role.
    async fn is_free(&self, admin_grant: AdminGrant) -> Result<bool, BoxError>;

    async fn close(&self);
}

/// Opens the database and migrates its tables.
pub async fn open(database: Database) -> Result<Arc<dyn Store>, BoxError> {
    Ok(match database {
        Database::Sqlite(file) => Arc::new(SqliteStore::open(file).await?),
        Database::Postgres(server) => Arc::new(PostgresStore::open(server).await?),
    })
}
