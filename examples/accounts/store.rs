//! Accounts in SQLite.

use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow,
};
use sqlx::{FromRow, Row, Sqlite, Transaction};
use tower_warder::BoxError;
use tower_warder::accounts::{
    AccountStore, Actor, Change, Email, NewUser, Page, Seat, StoreError, User,
};
use tower_warder::async_trait;

use super::database::Database;

/// Readers see the last committed state (WAL); a writer takes the lock before it reads what
/// decides, so that no two decide on the same state.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore(SqlitePool);

impl SqliteStore {
    /// Opens or creates the database and brings its tables up to date.
    pub(crate) async fn open(database: Database) -> Result<Self, sqlx::Error> {
        let mut pool = SqlitePoolOptions::new().acquire_timeout(BUSY_TIMEOUT);
        if database.path().is_none() {
            // Each connection would have a memory of its own, gone when it closes.
            pool = pool
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
        }
        let options = database
            .create()?
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let store = Self(connect(pool, options).await?);
        // Of two that start at once one waits, and then finds the tables made.
        let mut transaction = store.write().await?;
        sqlx::migrate!("examples/accounts/migrations")
            .run(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(store)
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.0.begin_with("BEGIN IMMEDIATE").await
    }
}

/// Of two processes that turn a new file to WAL at the same moment SQLite tells one that it is busy,
/// without waiting: it cannot know that the other will not wait for this one.
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

/// `SQLITE_BUSY`, and its kin by the low byte.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        let mut transaction = self.write().await.map_err(unavailable)?;
        let condition = match new.seat {
            Seat::Closed => "SELECT FALSE",
            Seat::FirstAccount => "SELECT NOT EXISTS (SELECT 1 FROM users)",
            Seat::FirstAdmin => {
                "SELECT NOT EXISTS (SELECT 1 FROM users WHERE is_admin AND status = 'approved')"
            }
        };
        let seated = sqlx::query_scalar(condition)
            .fetch_one(&mut *transaction)
            .await
            .map_err(unavailable)?;

        // The id is the database's to choose.
        let mut user = new.into_user(0, seated);
        let insert =
            "INSERT INTO users (email, hashed_password, is_admin, status, created_at, approved_at)
                      VALUES (?, ?, ?, ?, ?, ?) RETURNING id";
        user.id = sqlx::query_scalar(insert)
            .bind(&user.email)
            .bind(&user.hashed_password)
            .bind(user.is_admin)
            .bind(user.status.as_str())
            .bind(to_text(user.created_at)?)
            .bind(user.approved_at.map(to_text).transpose()?)
            .fetch_one(&mut *transaction)
            .await
            .map_err(taken_or_unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(user)
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id);
        let row: Option<UserRow> = query.fetch_optional(&self.0).await.map_err(unavailable)?;
        Ok(row.map(|row| row.0))
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM users WHERE email = ?").bind(email.as_str());
        let row: Option<UserRow> = query.fetch_optional(&self.0).await.map_err(unavailable)?;
        Ok(row.map(|row| row.0))
    }

    async fn list(&self, page: Page) -> Result<Vec<User>, StoreError> {
        // If the last account of the page before is gone, its id says where to go on.
        let query = "WITH last AS (SELECT created_at, id FROM users WHERE id = ?1)
             SELECT * FROM users
             WHERE ?1 IS NULL
                OR (created_at, id) < (SELECT created_at, id FROM last)
                OR (id < ?1 AND NOT EXISTS (SELECT 1 FROM last))
             ORDER BY created_at DESC, id DESC
             LIMIT ?2";
        let rows: Vec<UserRow> = sqlx::query_as(query)
            .bind(page.after)
            .bind(page.limit.map_or(-1, i64::from))
            .fetch_all(&self.0)
            .await
            .map_err(unavailable)?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    async fn count_pending(&self) -> Result<u64, StoreError> {
        let query = "SELECT COUNT(*) FROM users WHERE status = 'pending'";
        let count: i64 = sqlx::query_scalar(query)
            .fetch_one(&self.0)
            .await
            .map_err(unavailable)?;
        Ok(count.unsigned_abs())
    }

    async fn update(&self, id: i64, change: Change) -> Result<User, StoreError> {
        let mut transaction = self.write().await.map_err(unavailable)?;
        check(&mut transaction, change.by).await?;
        let before = find_locked(&mut transaction, id)
            .await?
            .ok_or(StoreError::NotFound)?;
        let user = before.changed(&change, other_admins(&mut transaction, id).await?)?;
        let update = "UPDATE users
             SET email = ?, is_admin = ?, status = ?, approved_at = ?, approved_by = ?
             WHERE id = ?";
        sqlx::query(update)
            .bind(&user.email)
            .bind(user.is_admin)
            .bind(user.status.as_str())
            .bind(user.approved_at.map(to_text).transpose()?)
            .bind(user.approved_by)
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(taken_or_unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(user)
    }

    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError> {
        let mut transaction = self.write().await.map_err(unavailable)?;
        check(&mut transaction, by).await?;
        let user = find_locked(&mut transaction, id)
            .await?
            .ok_or(StoreError::NotFound)?;
        user.check_deletion(other_admins(&mut transaction, id).await?)?;
        let delete = sqlx::query("DELETE FROM users WHERE id = ?").bind(id);
        delete
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError> {
        let mut transaction = self.write().await.map_err(unavailable)?;
        check(&mut transaction, by).await?;
        let update = "UPDATE users
             SET hashed_password = ?, token_generation = token_generation + 1
             WHERE id = ?";
        let query = sqlx::query(update).bind(hash).bind(id);
        let done = query
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn replace_hash(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        let update = "UPDATE users SET hashed_password = ? WHERE id = ? AND hashed_password = ?";
        let query = sqlx::query(update).bind(new).bind(id).bind(old);
        Ok(query
            .execute(&self.0)
            .await
            .map_err(unavailable)?
            .rows_affected()
            > 0)
    }

    async fn end_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE users
             SET hashed_password = COALESCE(?, hashed_password),
                 token_generation = token_generation + 1
             WHERE id = ? AND token_generation = ? AND status = 'approved'";
        let query = sqlx::query(update)
            .bind(hash)
            .bind(id)
            .bind(i64::try_from(generation).map_err(StoreError::unavailable)?);
        let done = query.execute(&self.0).await.map_err(unavailable)?;
        Ok(done.rows_affected() > 0)
    }
}

struct UserRow(User);

impl FromRow<'_, SqliteRow> for UserRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let decode = |error: BoxError| sqlx::Error::Decode(error);
        let approved_at: Option<&str> = row.try_get("approved_at")?;
        Ok(Self(User {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            hashed_password: row.try_get("hashed_password")?,
            is_admin: row.try_get("is_admin")?,
            status: row
                .try_get::<&str, _>("status")?
                .parse()
                .map_err(|error| decode(Box::new(error)))?,
            created_at: from_text(row.try_get("created_at")?).map_err(decode)?,
            approved_at: approved_at.map(from_text).transpose().map_err(decode)?,
            approved_by: row.try_get("approved_by")?,
            token_generation: u64::try_from(row.try_get::<i64, _>("token_generation")?)
                .map_err(|error| decode(Box::new(error)))?,
        }))
    }
}

async fn check(connection: &mut SqliteConnection, by: Actor) -> Result<(), StoreError> {
    let account = match by.id() {
        Some(id) => find_locked(connection, id).await?,
        None => None,
    };
    Ok(by.check(account.as_ref())?)
}

async fn find_locked(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Option<User>, StoreError> {
    let query = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id);
    let row: Option<UserRow> = query
        .fetch_optional(connection)
        .await
        .map_err(unavailable)?;
    Ok(row.map(|row| row.0))
}

async fn other_admins(connection: &mut SqliteConnection, id: i64) -> Result<u64, StoreError> {
    let query = "SELECT COUNT(*) FROM users WHERE is_admin AND status = 'approved' AND id <> ?";
    let count: i64 = sqlx::query_scalar(query)
        .bind(id)
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
    Ok(count.unsigned_abs())
}

fn to_text(time: SystemTime) -> Result<String, StoreError> {
    let time = Timestamp::try_from(time).map_err(StoreError::unavailable)?;
    Ok(format!("{time:.6}"))
}

fn from_text(text: &str) -> Result<SystemTime, BoxError> {
    Ok(SystemTime::try_from(Timestamp::from_str(text)?)?)
}

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::unavailable(error)
}

/// The address is the only thing that is unique besides the id.
fn taken_or_unavailable(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::EmailTaken,
        _ => StoreError::unavailable(error),
    }
}

/// How long a writer waits for its turn.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
