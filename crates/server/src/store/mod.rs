//! Accounts and their sessions in a database.

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

/// What the server needs of either database.
#[async_trait]
pub trait Store: AccountStore + SessionStore {
    /// Whether accounts can be read now.
    async fn ping(&self) -> Result<(), BoxError>;

    /// Whether an account that registers now could be given this.
    async fn is_free(&self, admin_grant: AdminGrant) -> Result<bool, BoxError>;

    async fn close(&self);
}

/// Opens the database and brings its tables up to date.
pub async fn open(database: Database) -> Result<Arc<dyn Store>, BoxError> {
    Ok(match database {
        Database::Sqlite(file) => Arc::new(SqliteStore::open(file).await?),
        Database::Postgres(server) => Arc::new(PostgresStore::open(server).await?),
    })
}
