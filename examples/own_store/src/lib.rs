//! A store of accounts and sessions over diesel, in SQLite. The guide
//! `tower_warder_accounts::docs::own_store` explains it.

#![forbid(unsafe_code)]

mod schema;
mod rows;
mod accounts;
mod sessions;

use diesel::connection::{Connection, SimpleConnection};
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, Pool};
use diesel::sqlite::SqliteConnection;
use tokio::task::block_in_place;
use tower_warder::BoxError;
use tower_warder_accounts::StoreError;

/// Accounts and sessions in one SQLite file. Clones share the pool of connections. Needs a
/// multi-threaded tokio runtime, because diesel blocks.
#[derive(Clone)]
pub struct DieselStore(Pool<ConnectionManager<SqliteConnection>>);

impl DieselStore {
    /// Opens or creates the file and its tables.
    pub fn open(path: &str) -> Result<Self, BoxError> {
        let pool = Pool::builder().connection_customizer(Box::new(Pragmas));
        let pool = pool.build(ConnectionManager::new(path))?;
        pool.get()?.batch_execute(include_str!("schema.sql"))?;
        Ok(Self(pool))
    }

    /// Runs a method that writes, in a transaction that takes the lock before it reads.
    fn write<T>(
        &self,
        method: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        block_in_place(|| self.0.get()?.immediate_transaction(method))
    }

    /// Runs a method that only reads: it sees the last committed state, and waits for no writer.
    fn read<T>(
        &self,
        method: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        block_in_place(|| (*self.0.get()?).transaction(method))
    }
}

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, r2d2::Error> for Pragmas {
    fn on_acquire(&self, db: &mut SqliteConnection) -> Result<(), r2d2::Error> {
        let pragmas = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL";
        db.batch_execute(pragmas).map_err(r2d2::Error::QueryError)
    }
}
