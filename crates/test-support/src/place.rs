//! Location of the accounts of a test.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tower_warder_accounts::{AccountStore, InMemoryAccountStore};
use tower_warder_server::database::Database;
use tower_warder_server::store::{self, Store};

use super::postgres::PostgresDatabase;

/// Empty location of its own, removed when dropped. `ACCOUNTS_STORE` selects `memory`, `sqlite` or
/// `postgres`. Defaults to the fastest that fits.
pub struct Place {
    directory: TempDir,
    kind: Kind,
}

enum Kind {
    Memory,
    Sqlite,
    Postgres(PostgresDatabase),
}

impl Place {
    /// Location for accounts in this process.
    pub async fn new() -> Self {
        Self::chosen("memory").await
    }

    /// Location for accounts that other processes use as well.
    pub async fn shared() -> Self {
        match Self::chosen("sqlite").await {
            Self {
                kind: Kind::Memory, ..
            } => Self::of(Kind::Sqlite),
            place => place,
        }
    }

    pub fn memory() -> Self {
        Self::of(Kind::Memory)
    }

    pub fn sqlite() -> Self {
        Self::of(Kind::Sqlite)
    }

    /// Returns `None` and prints a note if there is no server.
    pub async fn postgres() -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        Some(Self::of(Kind::Postgres(database)))
    }

    /// Returns one location of each kind.
    pub async fn all() -> Vec<Self> {
        let places = [Some(Self::memory()), Some(Self::sqlite())];
        let places = places.into_iter().chain([Self::postgres().await]);
        places.flatten().collect()
    }

    async fn chosen(usual: &str) -> Self {
        let chosen = env::var("ACCOUNTS_STORE");
        match chosen.as_deref().unwrap_or(usual) {
            "memory" => Self::memory(),
            "sqlite" => Self::sqlite(),
            "postgres" => Self::postgres().await.expect("POSTGRES_URL"),
            other => {
                panic!("ACCOUNTS_STORE: {other} is not supported; set memory, sqlite or postgres")
            }
        }
    }

    fn of(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, kind }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the URL of the database, if it is in PostgreSQL.
    pub fn postgres_url(&self) -> Option<&str> {
        match &self.kind {
            Kind::Postgres(database) => Some(database.url()),
            _ => None,
        }
    }

    /// Returns the path of the database, if it is in SQLite.
    pub fn sqlite_file(&self) -> PathBuf {
        self.path().join("tower-warder.sqlite")
    }

    /// Opens the account store. A store in memory is not shared.
    pub async fn store(&self) -> Arc<dyn AccountStore> {
        match &self.kind {
            Kind::Memory => Arc::new(InMemoryAccountStore::new()),
            _ => self.open().await,
        }
    }

    /// Opens the store of the server, which has none in memory.
    pub async fn open(&self) -> Arc<dyn Store> {
        let url = match &self.kind {
            Kind::Memory => panic!("the server has no store in memory"),
            Kind::Sqlite => {
                format!("sqlite://{}", self.sqlite_file().display())
            }
            Kind::Postgres(database) => database.url().to_owned(),
        };
        open(&url).await
    }
}

/// Opens a store of the server with few connections, because many tests run in parallel.
pub async fn open(url: &str) -> Arc<dyn Store> {
    let database: Database = url.parse().unwrap();
    store::open(database.connections(4)).await.unwrap()
}
