//! Account store in SQLite.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use sqlx::encode::{Encode, IsNull};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteArgumentsBuffer, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteTypeInfo, SqliteValueRef,
};
use sqlx::{Decode, SqlStr, Sqlite, Transaction, Type};
use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, Email, NewUser, StoreError, User, UserAction, UserChange,
    UserFilter, UserQuery,
};

use crate::hooks::{HookFuture, TransactionHooks};
use crate::list::{self, Dialect};
use crate::migrations::{self, Files};
use crate::prefix::{InvalidPrefix, Prefix};
use crate::users::{self, UserRow, users};

mod reads;
mod audit;
mod sessions;
mod one_time_tokens;

use self::reads::Reads;

/// Store of accounts, sessions, one-time tokens and audit events in SQLite. Readers see the last
/// committed state (WAL); a writer takes
/// the lock before it reads what it decides by, so that no two decide on the same state.
/// Accounts that are read by ID at the same time are read in one statement.
///
/// Clones share the pool.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use tower_warder_accounts::{AccountStore, UserQuery};
/// use tower_warder_sqlx::SqliteStore;
///
/// let store = SqliteStore::connect("sqlite::memory:").await?.prefix("auth_")?;
/// store.migrate().await?;
/// assert!(store.list(&UserQuery::default()).await?.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
    prefix: Prefix,
    hooks: TransactionHooks<SqliteConnection>,
    reads: Reads,
}

impl SqliteStore {
    /// Creates a store in a database of the application.
    ///
    /// The pool has to be opened with `.journal_mode(SqliteJournalMode::Wal)`, and with foreign keys
    /// and a busy timeout of 1 second or more, both of which are defaults of sqlx;
    /// [`migrate`](Self::migrate) checks this. A database in memory needs a pool of one connection
    /// that is never closed. `.test_before_acquire(false)` makes requests faster; sqlx also tests
    /// each connection that is returned to the pool.
    pub fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            prefix: Prefix::default(),
            hooks: TransactionHooks::default(),
            reads: Reads::default(),
        }
    }

    /// Opens the database at a URL of sqlx: `sqlite://PATH` or `sqlite::memory:`. See
    /// [`connect_with`](Self::connect_with).
    ///
    /// # Errors
    ///
    /// The URL is invalid; otherwise those of `connect_with`.
    pub async fn connect(url: &str) -> sqlx::Result<Self> {
        Self::connect_with(url.parse()?).await
    }

    /// Opens the database with WAL, foreign keys, and a writer's maximum wait of 5 seconds.
    ///
    /// The file is created unless it exists, readable by its owner only: it contains password
    /// hashes. Its other files inherit the mode; an existing file keeps its own. `:memory:` is a
    /// database of this store alone.
    ///
    /// # Errors
    ///
    /// The file cannot be created or opened.
    pub async fn connect_with(options: SqliteConnectOptions) -> sqlx::Result<Self> {
        let mut pool = SqlitePoolOptions::new()
            .acquire_timeout(BUSY_TIMEOUT)
            // It is tested when it is returned, and without a network it does not end while it is idle.
            .test_before_acquire(false);
        if is_in_memory(options.get_filename()) {
            // Each connection would have a separate database, lost when it closes.
            pool = pool
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
        } else {
            create_private(options.get_filename())?;
        }
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        Ok(Self::new(connect(pool, options).await?))
    }

    /// Sets the prefix of the names of all tables, indexes and triggers: with `auth_` the table
    /// `users` is `auth_users`. Defaults to none.
    ///
    /// # Errors
    ///
    /// The prefix is not `[a-z_][a-z0-9_]*` of at most 32 characters, or begins with `sqlite_`.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, InvalidPrefix> {
        self.prefix = Prefix::new(prefix)?;
        // Those of clones are in other tables.
        self.reads = Reads::default();
        Ok(self)
    }

    /// Sets a closure that runs in the transaction that adds an account, after its row: for example it
    /// adds a row of the application with the same ID. Defaults to none.
    ///
    /// If it fails, no account is added: a [`HookError::veto`] is answered 403 with its text, any other
    /// error, a panic, and a closure that takes longer than 2 seconds, 503. Other writers wait
    /// meanwhile, so it should send statements only, and no requests to other services.
    ///
    /// ```
    /// use tower_warder_sqlx::SqliteStore;
    ///
    /// fn with_profiles(store: SqliteStore) -> SqliteStore {
    ///     store.on_insert(|connection, user| {
    ///         Box::pin(async move {
    ///             let insert = sqlx::query("INSERT INTO profiles (user_id) VALUES ($1)");
    ///             insert.bind(user.id).execute(connection).await?;
    ///             Ok(())
    ///         })
    ///     })
    /// }
    /// ```
    ///
    /// [`HookError::veto`]: tower_warder_accounts::HookError::veto
    pub fn on_insert(
        mut self,
        hook: impl for<'a> Fn(&'a mut SqliteConnection, &'a User) -> HookFuture<'a>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.insert = Some(Arc::new(hook));
        self
    }

    /// Sets a closure that runs in the transaction that deletes an account, before its row. If it fails,
    /// as that of [`on_insert`](Self::on_insert), the account stays. Defaults to none.
    ///
    /// Rows with a foreign key and `ON DELETE CASCADE` need none.
    pub fn on_delete(
        mut self,
        hook: impl for<'a> Fn(&'a mut SqliteConnection, &'a User) -> HookFuture<'a>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.delete = Some(Arc::new(hook));
        self
    }

    /// Returns the pool.
    pub const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Creates the tables, which the crate page lists, or brings them up to date, and checks the
    /// settings of the pool.
    ///
    /// Concurrent calls wait for each other. Migrations only add, so that this version works with
    /// the tables of a later one after a rollback. What has been applied is recorded in the table
    /// `tower_warder_migrations`, apart from the application's own migrations.
    ///
    /// # Errors
    ///
    /// A migration failed, and everything was rolled back; or a setting of the pool is missing.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        check_settings(&self.pool).await?;
        let migrator = migrations::migrator(MIGRATIONS, &self.prefix);
        let record = migrations::record(&self.prefix);
        let mut transaction = self.write().await?;
        let first: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = $1)")
                .bind(migrations::FIRST_RECORD)
                .fetch_one(&mut *transaction)
                .await?;
        if first && self.prefix.is_empty() {
            let first_record = migrations::FIRST_RECORD;
            migrations::adopt(&mut *transaction, &migrator, &record, first_record).await?;
        }
        // Not `run`: because of its bounds the future would not be `Send`.
        migrator.run_direct(None, &mut *transaction, false).await?;
        Ok(transaction.commit().await?)
    }

    /// Checks that accounts can be read.
    ///
    /// # Errors
    ///
    /// The database cannot answer, or has no accounts table.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = sqlx::query(self.sql(users::PING));
        ping.execute(&self.pool).await?;
        Ok(())
    }

    /// Returns `true` if an account that registers now would be granted the admin role.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    pub async fn would_grant_admin(&self, admin_grant: AdminGrant) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(self.sql(users::would_grant_admin(admin_grant, NO_ADMIN)));
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    fn sql(&self, statement: &'static str) -> SqlStr {
        self.prefix.statement(statement)
    }
}

/// Connects, with retries: if two processes turn a new file to WAL at the same moment, SQLite
/// reports busy to one of them without waiting, because the two could wait for each other.
async fn connect(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            connected => return connected,
        }
    }
}

/// Returns `true` for `SQLITE_BUSY` and its extended codes, which have the same low byte.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

/// Checks what [`SqliteStore::new`] demands of a pool.
async fn check_settings(pool: &SqlitePool) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    let foreign_keys: bool = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(&mut *connection)
        .await?;
    let busy_timeout: i64 = sqlx::query_scalar("PRAGMA busy_timeout")
        .fetch_one(&mut *connection)
        .await?;
    let journal_mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    let remedy = if !foreign_keys {
        "foreign keys are off; open the pool with `foreign_keys(true)`"
    } else if busy_timeout < MIN_BUSY_TIMEOUT_MILLIS {
        "writers do not wait for each other; open the pool with `busy_timeout` of 1 s or more"
    } else if !["wal", "memory"].contains(&journal_mode.as_str()) {
        "readers and writers block each other; open the pool with \
         `journal_mode(SqliteJournalMode::Wal)`"
    } else {
        return Ok(());
    };
    Err(sqlx::Error::Configuration(remedy.into()))
}

/// Returns `true` for the names that sqlx gives to databases in memory.
fn is_in_memory(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name == ":memory:" || name.starts_with("file:sqlx-in-memory-")
}

/// Creates a file that only its owner can read, unless it exists.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

impl Dialect for Sqlite {
    const EMAIL: &str = "email";
    // SQLite has no statistics unless somebody runs `ANALYZE`.
    const UNINDEXED_CREATED_AT: &str = "+created_at";
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        let mut transaction = self.write().await?;
        let is_admin =
            sqlx::query_scalar(self.sql(users::would_grant_admin(new.admin_grant, NO_ADMIN)))
                .fetch_one(&mut *transaction)
                .await?;
        let mut user = new.into_user(0, is_admin);
        user.id = users::insert!(self.prefix, user, Rfc3339)
            .fetch_one(&mut *transaction)
            .await
            .map_err(taken)?;
        self.hooks.inserted(&mut transaction, &user).await?;
        transaction.commit().await?;
        Ok(user)
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        self.read(id).await
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let query = sqlx::query_as(self.sql(users::FIND_BY_EMAIL)).bind(email.as_str());
        let row: Option<Row> = query.fetch_optional(&self.pool).await?;
        row.map(Row::into_user).transpose()
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        let mut sql = list::list::<Sqlite>(&self.prefix, query);
        users::into_users::<Rfc3339>(sql.build_query_as().fetch_all(&self.pool).await?)
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let mut sql = list::count::<Sqlite>(&self.prefix, filter);
        let count: i64 = sql.build_query_scalar().fetch_one(&self.pool).await?;
        Ok(count.try_into()?)
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        if let Some(query) = users::single_statement!(self.prefix, change) {
            // All: the statement is complete only after its last row.
            let rows: Vec<Row> = query.fetch_all(&self.pool).await?;
            return match rows.into_iter().next() {
                Some(row) => row.into_user().map(Some),
                None => change.apply(&[]),
            };
        }
        let mut transaction = self.write().await?;
        let rows: Vec<Row> = sqlx::query_as(self.sql(DECIDING))
            .bind(change.id)
            .bind(change.by.id())
            .fetch_all(&mut *transaction)
            .await?;
        let users = users::into_users(rows)?;
        let changed = change.apply(&users)?;
        if changed.is_none()
            && let Some(deleted) = users.iter().find(|user| user.id == change.id)
        {
            self.hooks.deletes(&mut transaction, deleted).await?;
        }
        let write = match &changed {
            Some(user) => users::update!(self.prefix, user, Rfc3339),
            None => sqlx::query(self.sql(users::DELETE)).bind(change.id),
        };
        write.execute(&mut *transaction).await.map_err(taken)?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// The address is the only unique column besides the ID.
fn taken(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::EmailTaken,
        _ => error.into(),
    }
}

type Row = UserRow<Rfc3339>;

/// Time as text with microseconds, so that times sort as text.
struct Rfc3339(SystemTime);

impl From<Rfc3339> for SystemTime {
    fn from(time: Rfc3339) -> Self {
        time.0
    }
}

impl Type<Sqlite> for Rfc3339 {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Rfc3339 {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxError> {
        let time = Timestamp::try_from(self.0)?;
        Encode::<Sqlite>::encode(format!("{time:.6}"), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Rfc3339 {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxError> {
        let text = <&str as Decode<'r, Sqlite>>::decode(value)?;
        Ok(Self(SystemTime::try_from(Timestamp::from_str(text)?)?))
    }
}

/// The accounts that decide about a change of the account `$1` by `$2`: these, and another admin.
/// Without statistics SQLite would choose an index by status, and read all approved accounts.
const DECIDING: &str = users!(
    "WHERE id IN ($1, $2, (SELECT MIN(id) FROM users INDEXED BY users_active_admins
         WHERE is_admin AND status = 'approved' AND id <> $1))"
);

/// How long a writer waits for the lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const MIN_BUSY_TIMEOUT_MILLIS: i64 = 1000;

// Without statistics SQLite takes an index by status, and reads all approved accounts.
const NO_ADMIN: &str = "SELECT NOT EXISTS (
     SELECT 1 FROM users INDEXED BY users_active_admins WHERE is_admin AND status = 'approved'
 )";

const MIGRATIONS: &Files = &[
    (
        1,
        "users",
        include_str!("../../migrations/sqlite/0001_users.sql"),
    ),
    (
        2,
        "sessions",
        include_str!("../../migrations/sqlite/0002_sessions.sql"),
    ),
    (
        3,
        "expired sessions",
        include_str!("../../migrations/sqlite/0003_expired_sessions.sql"),
    ),
    (
        4,
        "end tokens",
        include_str!("../../migrations/sqlite/0004_end_tokens.sql"),
    ),
    (
        5,
        "user indexes",
        include_str!("../../migrations/sqlite/0005_user_indexes.sql"),
    ),
    (
        6,
        "list of users",
        include_str!("../../migrations/sqlite/0006_list_of_users.sql"),
    ),
    (
        7,
        "one-time tokens",
        include_str!("../../migrations/sqlite/0007_one_time_tokens.sql"),
    ),
    (
        8,
        "audit events",
        include_str!("../../migrations/sqlite/0008_audit_events.sql"),
    ),
    (
        9,
        "verified addresses",
        include_str!("../../migrations/sqlite/0009_verified_addresses.sql"),
    ),
];
