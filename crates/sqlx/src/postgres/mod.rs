//! Account store in PostgreSQL.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres,
};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, SqlStr, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};
use tower_warder::cache::Invalidation;
use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, Email, NewUser, StoreError, User, UserAction, UserChange,
    UserFilter, UserQuery,
};

use self::lease::Lease;
use self::timestamptz::Timestamptz;
use crate::channel;
use crate::hooks::{HookFuture, TransactionHooks};
use crate::list::{self, Dialect};
use crate::prefix::{InvalidPrefix, Prefix};
use crate::users::{self, UserRow, users};

mod lease;
mod migrate;
mod timestamptz;
mod audit;
mod sessions;
mod one_time_tokens;

/// Store of accounts, sessions, one-time tokens and audit events in PostgreSQL. Every call ends within
/// four seconds, whatever the
/// server does: before the timeout of the layer.
///
/// A transaction that decides by what it reads takes a lock first, so that no two decide on the
/// same state. It is an advisory lock, which blocks neither readers nor vacuum, unlike a lock on
/// the table. The isolation level is READ COMMITTED: each statement sees what was committed before
/// it began, so the first statement after the lock sees what the previous holder wrote. A snapshot
/// of REPEATABLE READ would be older than the lock, and SERIALIZABLE would turn each wait into a
/// failure. Writes that bypass this lock, such as by an admin with `psql`, are serialized by row
/// locks: the rows that decide are locked when they are read.
///
/// Sessions have locks of their own, one for each account: log-ins do not wait for each other, nor
/// for changes of accounts; and so have one-time tokens. No transaction takes two kinds.
///
/// Clones share the pool.
///
/// ```no_run
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_warder_sqlx::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://app@localhost/app").await?.prefix("auth_")?;
/// store.migrate().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
    prefix: Prefix,
    hooks: TransactionHooks<PgConnection>,
    /// Only one task of this process waits for the lock; the others leave their connections to
    /// readers.
    turn: Arc<Mutex<()>>,
}

impl PostgresStore {
    /// Creates a store in a database of the application.
    ///
    /// The tables are those that the `search_path` of the pool finds, so a schema is chosen with
    /// `PgConnectOptions::options([("search_path", "auth")])`. Any pool works; give it what
    /// [`connect_with`](Self::connect_with) sets for the same behaviour during failures. Clone a
    /// store rather than making a second one over the same pool: clones take turns at writing, so
    /// that writers that wait leave connections to readers. A pooler that shares connections between
    /// transactions is excluded by [`migrate`](Self::migrate) and by
    /// [`invalidations`](Self::invalidations).
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            prefix: Prefix::default(),
            hooks: TransactionHooks::default(),
            turn: Arc::default(),
        }
    }

    /// Connects to the server at a URL, with up to 10 connections. See
    /// [`connect_with`](Self::connect_with).
    ///
    /// # Errors
    ///
    /// The URL is invalid; otherwise those of `connect_with`.
    pub async fn connect(url: &str) -> sqlx::Result<Self> {
        Self::connect_with(url.parse()?, PgPoolOptions::new()).await
    }

    /// Connects to the server, and sets `statement_timeout` to 3 seconds, `lock_timeout` to
    /// 2 seconds, `idle_in_transaction_session_timeout` to 5 seconds, and the maximum wait for a
    /// connection of the pool to 2 seconds. `pool` has the number of connections.
    ///
    /// # Errors
    ///
    /// The server does not answer, or rejects the connection.
    pub async fn connect_with(
        options: PgConnectOptions,
        pool: PgPoolOptions,
    ) -> sqlx::Result<Self> {
        // Once without the pool, which does not report why a connection fails.
        let connect = timeout(LIMIT, options.connect()).await;
        let connection = connect.unwrap_or_else(|_| Err(NoAnswer.into()))?;
        connection.close().await?;
        let options = options.options([
            ("statement_timeout", "3s"),
            ("lock_timeout", "2s"),
            // A node that is frozen while it holds the lock loses it.
            ("idle_in_transaction_session_timeout", "5s"),
        ]);
        let pool = pool.acquire_timeout(Duration::from_secs(2));
        Ok(Self::new(pool.connect_lazy_with(options)))
    }

    /// Sets the prefix of the names of all tables, indexes, triggers and functions, and of the
    /// channel: with `auth_` the table `users` is `auth_users`. Defaults to none.
    ///
    /// # Errors
    ///
    /// The prefix is not `[a-z_][a-z0-9_]*` of at most 32 characters, or begins with `sqlite_`.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, InvalidPrefix> {
        self.prefix = Prefix::new(prefix)?;
        Ok(self)
    }

    /// Sets a closure that runs in the transaction that adds an account, after its row: for example it
    /// adds a row of the application with the same ID. Defaults to none.
    ///
    /// If it fails, no account is added: a [`HookError::veto`] is answered 403 with its text, any other
    /// error, a panic, and a closure that takes longer than 2 seconds, 503. Other writers wait
    /// meanwhile, so it should send statements only, and no requests to other services.
    ///
    /// It is called again if PostgreSQL rolls the transaction back, as it does to end a deadlock.
    ///
    /// ```
    /// use tower_warder_sqlx::PostgresStore;
    ///
    /// fn with_profiles(store: PostgresStore) -> PostgresStore {
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
        hook: impl for<'a> Fn(&'a mut PgConnection, &'a User) -> HookFuture<'a> + Send + Sync + 'static,
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
        hook: impl for<'a> Fn(&'a mut PgConnection, &'a User) -> HookFuture<'a> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.delete = Some(Arc::new(hook));
        self
    }

    /// Returns the pool.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Creates the tables, which the crate page lists, with their triggers, or brings them up to date.
    ///
    /// Concurrent calls wait for each other, by a lock of the session: the connection must not lead
    /// through a pooler that shares connections between transactions, which would keep the lock.
    /// Migrations only add, so that this version works with the tables of a later one during a rolling
    /// update or after a rollback. What has been applied is recorded in the table
    /// `tower_warder_migrations`, apart from the application's own migrations.
    ///
    /// Running instances are answered meanwhile, but while an index of a large table is built, changes
    /// of its rows fail. A migration that gets no lock on a table within 1 second, because another
    /// transaction has changed it or, for a new column, reads it (`pg_dump`), gives way to the others
    /// and is tried again, 5 times in all.
    ///
    /// # Errors
    ///
    /// A migration failed and was rolled back; those before it stay. If it got no lock, end the other
    /// transaction, and call again.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        migrate::run(&self.pool, &self.prefix).await
    }

    /// Listens for changed accounts: [`channel::listen`] with the server, database and prefix of
    /// this store.
    pub fn invalidations(&self) -> impl Stream<Item = Invalidation> + Send + use<> {
        let options = self.pool.connect_options();
        channel::listen((*options).clone(), &self.prefix.name("users"))
    }

    /// Checks that accounts can be read.
    ///
    /// # Errors
    ///
    /// The server does not answer in time, or has no accounts table.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = async {
            let mut lease = self.lease().await?;
            let ping = sqlx::query(self.sql(users::PING));
            ping.execute(&mut **lease).await?;
            Ok(())
        };
        let answer = timeout(LIMIT, ping).await;
        answer.unwrap_or_else(|_| Err(NoAnswer.into()))
    }

    /// Returns `true` if an account that registers now would be granted the admin role.
    ///
    /// # Errors
    ///
    /// Only [`StoreError::Unavailable`].
    pub async fn would_grant_admin(&self, admin_grant: AdminGrant) -> Result<bool, StoreError> {
        self.answer(|| async move {
            let query =
                sqlx::query_scalar(self.sql(users::would_grant_admin(admin_grant, NO_ADMIN)));
            Ok(query.fetch_one(&mut **self.lease().await?).await?)
        })
        .await
    }

    /// Closes all connections, for at most 2 seconds: the server may not answer.
    pub async fn close(&self) {
        let _ = timeout(CLOSE_LIMIT, self.pool.close()).await;
    }

    /// Runs an attempt within the time limit, and retries if PostgreSQL rolled it back.
    async fn answer<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let attempts = async {
            for number in 1..ATTEMPTS {
                match attempt().await {
                    Err(StoreError::Unavailable(source)) if was_rolled_back(&source) => {
                        tracing::debug!(%source, "PostgreSQL rolled back a transaction; it is retried");
                        // Without a pause it could return before the transaction that it gave way
                        // to has got its locks.
                        sleep(BACKOFF * number).await;
                    }
                    answer => return answer,
                }
            }
            attempt().await
        };
        let answer = timeout(LIMIT, attempts).await;
        answer.unwrap_or_else(|_| Err(NoAnswer.into()))
    }

    async fn lease(&self) -> Result<Lease, StoreError> {
        Ok(Lease::new(self.pool.acquire().await?))
    }

    async fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let turn = self.turn.lock().await;
        let lease = self.lease().await?;
        Ok(Writer { lease, _turn: turn })
    }

    fn sql(&self, statement: &'static str) -> SqlStr {
        self.prefix.statement(statement)
    }

    fn taken(&self, error: sqlx::Error) -> StoreError {
        let constraint = error.as_database_error().and_then(|it| it.constraint());
        match constraint {
            Some(name) if name == self.prefix.name("users_email_is_unique") => {
                StoreError::EmailTaken
            }
            _ => error.into(),
        }
    }

    async fn try_insert(&self, new: NewUser) -> Result<User, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
        let is_admin =
            sqlx::query_scalar(self.sql(users::would_grant_admin(new.admin_grant, NO_ADMIN)))
                .fetch_one(&mut *transaction)
                .await?;
        let mut user = new.into_user(0, is_admin);
        user.id = users::insert!(self.prefix, user, Timestamptz)
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| self.taken(error))?;
        self.hooks.inserted(&mut transaction, &user).await?;
        transaction.commit().await?;
        Ok(user)
    }

    async fn try_change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        if let Some(query) = users::single_statement!(self.prefix, change) {
            // It needs no lock except that of its row: a reset that holds the row comes first.
            let row: Option<Row> = query.fetch_optional(&mut **self.lease().await?).await?;
            return match row {
                Some(row) => row.into_user().map(Some),
                None => change.apply(&[]),
            };
        }
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin().await?;
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
            Some(user) => users::update!(self.prefix, user, Timestamptz),
            None => sqlx::query(self.sql(users::DELETE)).bind(change.id),
        };
        let written = write.execute(&mut *transaction).await;
        written.map_err(|error| self.taken(error))?;
        transaction.commit().await?;
        Ok(changed)
    }
}

impl Dialect for Postgres {
    const EMAIL: &str = "email COLLATE \"C\"";
    // PostgreSQL decides by its statistics.
    const UNINDEXED_CREATED_AT: &str = "created_at";
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        self.answer(|| self.try_insert(new.clone())).await
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query_as(self.sql(users::FIND)).bind(id);
            let row: Option<Row> = query.fetch_optional(&mut **self.lease().await?).await?;
            row.map(Row::into_user).transpose()
        })
        .await
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.answer(|| async move {
            let query = sqlx::query_as(self.sql(users::FIND_BY_EMAIL)).bind(email.as_str());
            let row: Option<Row> = query.fetch_optional(&mut **self.lease().await?).await?;
            row.map(Row::into_user).transpose()
        })
        .await
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        self.answer(|| async move {
            let mut sql = list::list::<Postgres>(&self.prefix, query);
            let sql = sql.build_query_as();
            users::into_users::<Timestamptz>(sql.fetch_all(&mut **self.lease().await?).await?)
        })
        .await
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.answer(|| async move {
            let mut sql = list::count::<Postgres>(&self.prefix, filter);
            let sql = sql.build_query_scalar();
            let count: i64 = sql.fetch_one(&mut **self.lease().await?).await?;
            Ok(count.try_into()?)
        })
        .await
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        self.answer(|| self.try_change(change)).await
    }
}

/// Connection of the task that may take the lock.
struct Writer<'a> {
    lease: Lease,
    _turn: MutexGuard<'a, ()>,
}

impl Writer<'_> {
    async fn begin(&mut self) -> Result<Transaction<'_, Postgres>, StoreError> {
        let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITERS);
        begin(&mut self.lease, lock).await
    }
}

/// Begins a transaction and takes the lock, which the end of the transaction releases. The lock
/// comes before every row lock, so that these transactions cannot deadlock.
async fn begin<'a>(
    lease: &'a mut Lease,
    lock: Query<'_, Postgres, PgArguments>,
) -> Result<Transaction<'a, Postgres>, StoreError> {
    let begin = lease.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED");
    let mut transaction = begin.await?;
    lock.execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Lock of the rows of an account in one table. Advisory locks with two numbers are distinct from those
/// with one. Accounts whose IDs have the same lower half share a lock, which only makes them wait.
fn lock_of(table: i32, user_id: i64) -> Query<'static, Postgres, PgArguments> {
    let [.., a, b, c, d] = user_id.to_be_bytes();
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind(table)
        .bind(i32::from_be_bytes([a, b, c, d]))
}

/// Returns `true` if PostgreSQL reports that the transaction was rolled back: as victim of a
/// deadlock, or because it could not be serialized. Both are caused by writes that bypass the lock.
/// Unknown outcomes are not retried, such as a commit whose response was lost.
fn was_rolled_back(source: &BoxError) -> bool {
    let error = source
        .downcast_ref()
        .and_then(sqlx::Error::as_database_error);
    let code = error.and_then(|error| error.code());
    code.is_some_and(|code| ["40001", "40P01"].contains(&&*code))
}

type Row = UserRow<Timestamptz>;

/// The server did not answer in time.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no answer within {} s", LIMIT.as_secs())
    }
}

impl std::error::Error for NoAnswer {}

impl From<NoAnswer> for sqlx::Error {
    fn from(error: NoAnswer) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::TimedOut, error))
    }
}

const NO_ADMIN: &str =
    "SELECT NOT EXISTS (SELECT 1 FROM users WHERE is_admin AND status = 'approved')";

/// The accounts that decide about a change of the account `$1` by `$2`: these, and all admins.
/// `NO KEY`: inserts that reference an account need not wait.
const DECIDING: &str =
    users!("WHERE id IN ($1, $2) OR (is_admin AND status = 'approved') FOR NO KEY UPDATE");

/// Time limit of a call.
const LIMIT: Duration = Duration::from_secs(4);

/// Time limit of closing the pool.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Maximum number of attempts.
const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; before the third it is twice that.
const BACKOFF: Duration = Duration::from_millis(20);

/// Key of the lock. Advisory locks are numbers, shared by everything that uses the database.
const WRITERS: i64 = i64::from_be_bytes(*b"accounts");
