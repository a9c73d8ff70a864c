//! Store of accounts, sessions, one-time tokens and audit events in the configured database.

use std::sync::Arc;

use sqlx::postgres::PgPoolOptions;
use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::{
    AccountStore, AdminGrant, AuditStore, OneTimeTokenStore, SessionStore,
};
use tower_warder_sqlx::{PostgresStore, SqliteStore};

use super::database::Database;

/// Operations that the server needs in addition.
#[async_trait]
pub trait Store: AccountStore + AuditStore + OneTimeTokenStore + SessionStore {
    /// Checks that accounts can be read.
    async fn ping(&self) -> Result<(), BoxError>;

    /// Returns `true` if an account that registers now would be granted the admin role.
    async fn would_grant_admin(&self, admin_grant: AdminGrant) -> Result<bool, BoxError>;

    async fn close(&self);
}

/// Opens the database and migrates its tables. The error names the variable and the remedy.
pub async fn open(database: Database) -> Result<Arc<dyn Store>, BoxError> {
    let place = database.to_string();
    try_open(database).await.map_err(|error| {
        format!("DATABASE_URL: {place} cannot be opened; choose another or fix it: {error}").into()
    })
}

async fn try_open(database: Database) -> Result<Arc<dyn Store>, BoxError> {
    Ok(match database {
        Database::Sqlite(file) => {
            let store = SqliteStore::connect_with(file.options()).await?;
            store.migrate().await?;
            file.warn_if_accessible()?;
            Arc::new(store)
        }
        Database::Postgres(server) => {
            let pool = PgPoolOptions::new().max_connections(server.connections);
            let store = PostgresStore::connect_with(server.options, pool).await?;
            store.migrate().await?;
            Arc::new(store)
        }
    })
}

macro_rules! impl_store {
    ($store:ty) => {
        #[async_trait]
        impl Store for $store {
            async fn ping(&self) -> Result<(), BoxError> {
                Ok(self.ping().await?)
            }

            async fn would_grant_admin(&self, admin_grant: AdminGrant) -> Result<bool, BoxError> {
                Ok(self.would_grant_admin(admin_grant).await?)
            }

            async fn close(&self) {
                self.close().await;
            }
        }
    };
}

impl_store!(SqliteStore);
impl_store!(PostgresStore);
