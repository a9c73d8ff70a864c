//! A store of accounts and sessions over diesel, in SQLite. The guide
//! `tower_warder_accounts::docs::own_store` explains it.

#![forbid(unsafe_code)]

mod accounts;
mod sessions;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{connection::SimpleConnection, sqlite::SqliteConnection};
use tokio::task::block_in_place;
use tower_warder::BoxError;
use tower_warder_accounts::StoreError;

/// Accounts and sessions in one SQLite file. Clones share the pool of connections. Needs a
/// multi-threaded tokio runtime, because diesel blocks.
#[derive(Clone)]
pub struct DieselStore(Pool<ConnectionManager<SqliteConnection>>);

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl DieselStore {
    /// Opens or creates the file and its tables.
    pub fn open(path: &str) -> Result<Self, BoxError> {
        let store = Self(Pool::new(ConnectionManager::new(path))?);
        store.run(|db| Ok(db.batch_execute(include_str!("schema.sql"))?))?;
        Ok(store)
    }

    /// Runs a method that writes, in a transaction that takes the lock before it reads.
    fn write<T>(&self, method: impl FnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
        self.run(|db| db.immediate_transaction(method))
    }

    /// Runs a method. If it reads with one statement, that sees the last committed state, and waits
    /// for no writer.
    fn run<T>(&self, method: impl FnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
        block_in_place(|| {
            let mut db = self.0.get()?;
            // Of the connection, not of the file.
            db.batch_execute("PRAGMA busy_timeout = 5000")?;
            method(&mut db)
        })
    }
}

fn micros(time: SystemTime) -> Result<i64> {
    Ok(time.duration_since(UNIX_EPOCH)?.as_micros().try_into()?)
}

fn time(micros: i64) -> Result<SystemTime> {
    Ok(UNIX_EPOCH + Duration::from_micros(micros.try_into()?))
}
