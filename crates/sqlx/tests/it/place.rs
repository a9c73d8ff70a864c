//! Empty databases, and stores in them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tower_warder::UserStatus;
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, AuditStore, Email, NewUser, OneTimeToken, OneTimeTokenStore,
    Session, SessionStore, TokenPurpose, UserAction, UserChange, UserUpdate,
};
use tower_warder_sqlx::{PostgresStore, SqliteStore};
use tower_warder_test_support::PostgresDatabase;

/// Store of accounts, sessions, one-time tokens and audit events.
pub trait Stores: AccountStore + AuditStore + OneTimeTokenStore + SessionStore {}

impl<S: AccountStore + AuditStore + OneTimeTokenStore + SessionStore> Stores for S {}

/// Database that is removed when dropped.
pub enum Place {
    Sqlite(TempDir),
    Postgres(PostgresDatabase),
}

impl Place {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// Returns `None` and prints a note if there is no server.
    pub async fn postgres() -> Option<Self> {
        PostgresDatabase::new().await.map(Self::Postgres)
    }

    /// Returns one of each kind.
    pub async fn all() -> Vec<Self> {
        let places = [Some(Self::sqlite()), Self::postgres().await];
        places.into_iter().flatten().collect()
    }

    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Opens a store with a pool of its own, and migrates its tables.
    pub async fn open(&self, prefix: Option<&str>) -> Arc<dyn Stores> {
        match self {
            Self::Sqlite(_) => {
                let mut store = SqliteStore::connect_with(self.sqlite_options())
                    .await
                    .unwrap();
                if let Some(prefix) = prefix {
                    store = store.prefix(prefix).unwrap();
                }
                store.migrate().await.unwrap();
                Arc::new(store)
            }
            Self::Postgres(_) => {
                let mut store = self.postgres_store(self.postgres_options()).await;
                if let Some(prefix) = prefix {
                    store = store.prefix(prefix).unwrap();
                }
                store.migrate().await.unwrap();
                Arc::new(store)
            }
        }
    }

    pub fn sqlite_options(&self) -> SqliteConnectOptions {
        match self {
            Self::Sqlite(directory) => {
                SqliteConnectOptions::new().filename(directory.path().join("app.sqlite"))
            }
            Self::Postgres(_) => panic!("not in SQLite"),
        }
    }

    pub fn postgres_options(&self) -> PgConnectOptions {
        match self {
            Self::Sqlite(_) => panic!("not in PostgreSQL"),
            Self::Postgres(database) => database.url().parse().unwrap(),
        }
    }

    /// With few connections, because many tests run in parallel.
    pub async fn postgres_store(&self, options: PgConnectOptions) -> PostgresStore {
        let pool = PgPoolOptions::new().max_connections(4);
        PostgresStore::connect_with(options, pool).await.unwrap()
    }

    /// Opens a connection that bypasses every store.
    pub async fn connect(&self) -> Admin {
        match self {
            Self::Sqlite(_) => {
                let options = self.sqlite_options().create_if_missing(true);
                Admin::Sqlite(options.foreign_keys(true).connect().await.unwrap())
            }
            Self::Postgres(database) => {
                Admin::Postgres(PgConnection::connect(database.url()).await.unwrap())
            }
        }
    }
}

/// Connection of an admin.
pub enum Admin {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Admin {
    pub async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(connection) => drop(sql.execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sql.execute(connection).await.unwrap()),
        }
    }

    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(it) => sqlx::query_scalar(sql).fetch_one(it).await.unwrap(),
            Self::Postgres(it) => sqlx::query_scalar(sql).fetch_one(it).await.unwrap(),
        }
    }

    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(it) => sqlx::query_scalar(sql).fetch_all(it).await.unwrap(),
            Self::Postgres(it) => sqlx::query_scalar(sql).fetch_all(it).await.unwrap(),
        }
    }
}

impl Admin {
    /// Returns the steps of SQLite's plan of a statement.
    pub async fn plan(&mut self, statement: &str) -> Vec<String> {
        let Self::Sqlite(connection) = self else {
            panic!("not SQLite");
        };
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(connection).await.unwrap();
        rows.into_iter().map(|(.., detail)| detail).collect()
    }
}

pub fn new(name: &str, admin_grant: AdminGrant) -> NewUser {
    NewUser {
        email: Email::new(&format!("{name}@example.com")).unwrap(),
        hashed_password: format!("the hash of {name}"),
        is_admin: false,
        status: UserStatus::Pending,
        created_at: time(0),
        admin_grant,
    }
}

pub fn change(id: i64, action: UserAction, by: Actor) -> UserChange {
    let at = time(1);
    UserChange { id, action, by, at }
}

/// Approves an account, and makes it an admin or not.
pub fn approve(id: i64, is_admin: bool) -> UserChange {
    let update = UserUpdate {
        email: None,
        is_admin: Some(is_admin),
        status: Some(UserStatus::Approved),
    };
    change(id, UserAction::Update(update), Actor::System)
}

pub fn reset_password(id: i64, by: Actor) -> UserChange {
    let hash = "hash".to_owned();
    change(
        id,
        UserAction::ResetPassword {
            hash,
            must_change: false,
        },
        by,
    )
}

pub fn session(n: i64, user_id: i64) -> Session {
    Session {
        id: format!("{n:-<22}"),
        user_id,
        generation: 0,
        device: String::new(),
        created_at: time(0),
        last_used_at: time(u64::try_from(n).unwrap()),
        expires_at: time(1_000_000),
        token: [0; 32],
        previous: None,
    }
}

pub fn one_time_token(n: u8, user_id: i64) -> OneTimeToken {
    OneTimeToken {
        digest: [n; 32],
        purpose: TokenPurpose::RESET_PASSWORD,
        user_id,
        generation: 0,
        email: None,
        created_by: None,
        created_at: time(n.into()),
        expires_at: time(1_000_000),
    }
}

pub fn time(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second)
}
