//! Where the accounts of a test are.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tower_warder_accounts::{AccountStore, InMemoryAccountStore};
use tower_warder_server::database::Database;
use tower_warder_server::store::{self, Store};

use super::postgres::PostgresDatabase;

/// An empty place of its own, gone when it is dropped. `ACCOUNTS_STORE` says where: `memory`,
/// `sqlite` or `postgres`. Unless it is set, that is wherever is quickest.
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
    /// For accounts in this process.
    pub async fn new() -> Self {
        Self::chosen("memory").await
    }

    /// For accounts that other processes reach as well.
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

    /// `None` without a server, which is said.
    pub async fn postgres() -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        Some(Self::of(Kind::Postgres(database)))
    }

    /// One of each kind.
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
            other => panic!("ACCOUNTS_STORE: {other} is no store"),
        }
    }

    fn of(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, kind }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The database, if it is in PostgreSQL.
    pub fn postgres_url(&self) -> Option<&str> {
        match &self.kind {
            Kind::Postgres(database) => Some(database.url()),
            _ => None,
        }
    }

    /// The database, if it is in SQLite.
    pub fn sqlite_file(&self) -> PathBuf {
        self.path().join("tower-warder.sqlite")
    }

    /// A store of what is here. What is in memory is in this store only.
    pub async fn store(&self) -> Arc<dyn AccountStore> {
        match &self.kind {
            Kind::Memory => Arc::new(InMemoryAccountStore::new()),
            _ => self.open().await,
        }
    }

    /// The same, as the example has it: not in memory.
    pub async fn open(&self) -> Arc<dyn Store> {
        let url = match &self.kind {
            Kind::Memory => panic!("the example keeps nothing in memory"),
            Kind::Sqlite => {
                format!("sqlite://{}", self.sqlite_file().display())
            }
            Kind::Postgres(database) => database.url().to_owned(),
        };
        open(&url).await
    }
}

/// A store of the server, with few connections: many tests run side by side.
pub async fn open(url: &str) -> Arc<dyn Store> {
    let database: Database = url.parse().unwrap();
    store::open(database.connections(4)).await.unwrap()
}
