//! SQL for the table `users` that both databases share, and its row.

use std::time::SystemTime;

use sqlx::FromRow;
use tower_warder_accounts::{AdminGrant, StoreError, User};

/// Names each column: a prepared `SELECT *` fails in PostgreSQL once a migration of a later version
/// has added a column.
macro_rules! columns {
    ($before:literal $(, $after:literal)*) => {
        concat!(
            $before,
            " id, email, hashed_password, is_admin, status, created_at, approved_at, approved_by, \
             token_generation, email_verified_at, display_name, must_change_password",
            $($after),*
        )
    };
}
pub(crate) use columns;

macro_rules! users {
    ($which:literal) => {
        crate::users::columns!("SELECT", " FROM users ", $which)
    };
}
pub(crate) use users;

pub(crate) const PING: &str = "SELECT EXISTS (SELECT 1 FROM users)";

pub(crate) const FIND: &str = users!("WHERE id = $1");

pub(crate) const FIND_BY_EMAIL: &str = users!("WHERE email = $1");

/// Inserts an account, with times of the given type. The database assigns the ID.
macro_rules! insert {
    ($prefix:expr, $user:expr, $time:path) => {
        sqlx::query_scalar($prefix.statement(
            "INSERT INTO users (email, hashed_password, is_admin, status, created_at, approved_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        ))
        .bind(&$user.email)
        .bind(&$user.hashed_password)
        .bind($user.is_admin)
        .bind($user.status.as_str())
        .bind($time($user.created_at))
        .bind($user.approved_at.map($time))
    };
}
pub(crate) use insert;

/// Updates the columns that a change may change.
macro_rules! update {
    ($prefix:expr, $user:expr, $time:path) => {
        sqlx::query($prefix.statement(
            "UPDATE users
             SET email = $1, hashed_password = $2, is_admin = $3, status = $4, approved_at = $5,
                 approved_by = $6, token_generation = $7, email_verified_at = $8,
                 display_name = $9, must_change_password = $10, created_at = $11
             WHERE id = $12",
        ))
        .bind(&$user.email)
        .bind(&$user.hashed_password)
        .bind($user.is_admin)
        .bind($user.status.as_str())
        .bind($user.approved_at.map($time))
        .bind($user.approved_by)
        .bind(users::number($user.token_generation))
        .bind($user.email_verified_at.map($time))
        .bind(&$user.display_name)
        .bind($user.must_change_password)
        .bind($time($user.created_at))
        .bind($user.id)
    };
}
pub(crate) use update;

pub(crate) const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Query that makes a change in one statement, and returns the account if it did: else the change is
/// rejected as if there was no account. `None` if more than its row decides.
macro_rules! single_statement {
    ($prefix:expr, $change:expr) => {
        match (&$change.action, $change.by) {
            (UserAction::Rehash { old, new }, Actor::System) => Some(
                sqlx::query_as($prefix.statement(users::REHASH))
                    .bind(new)
                    .bind($change.id)
                    .bind(old),
            ),
            (UserAction::RevokeTokens { generation, hash }, Actor::System) => Some(
                sqlx::query_as($prefix.statement(users::REVOKE_TOKENS))
                    .bind(hash)
                    .bind($change.id)
                    .bind(users::number(*generation)),
            ),
            _ => None,
        }
    };
}
pub(crate) use single_statement;

pub(crate) const REHASH: &str = columns!(
    "UPDATE users SET hashed_password = $1 WHERE id = $2 AND hashed_password = $3 RETURNING"
);

pub(crate) const REVOKE_TOKENS: &str = columns!(
    "UPDATE users
     SET hashed_password = COALESCE($1, hashed_password),
         must_change_password = must_change_password AND $1 IS NULL,
         token_generation = token_generation + 1
     WHERE id = $2 AND token_generation = $3 AND status = 'approved' RETURNING"
);

/// Query that returns `TRUE` if the admin role is granted. `no_admin` is that of
/// [`AdminGrant::IfNoAdmin`].
pub(crate) const fn would_grant_admin(
    admin_grant: AdminGrant,
    no_admin: &'static str,
) -> &'static str {
    match admin_grant {
        AdminGrant::Never => "SELECT FALSE",
        AdminGrant::IfFirstAccount => "SELECT NOT EXISTS (SELECT 1 FROM users)",
        AdminGrant::IfNoAdmin => no_admin,
    }
}

/// Converts a generation to a signed integer, which it never exceeds.
pub(crate) fn number(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}

/// Row with times of the type `T` of the database.
#[derive(FromRow)]
pub(crate) struct UserRow<T> {
    id: i64,
    email: String,
    hashed_password: String,
    is_admin: bool,
    status: String,
    created_at: T,
    approved_at: Option<T>,
    approved_by: Option<i64>,
    token_generation: i64,
    email_verified_at: Option<T>,
    display_name: Option<String>,
    must_change_password: bool,
}

impl<T: Into<SystemTime>> UserRow<T> {
    pub(crate) fn into_user(self) -> Result<User, StoreError> {
        Ok(User {
            id: self.id,
            email: self.email,
            hashed_password: self.hashed_password,
            is_admin: self.is_admin,
            status: self.status.parse()?,
            created_at: self.created_at.into(),
            approved_at: self.approved_at.map(Into::into),
            approved_by: self.approved_by,
            token_generation: self.token_generation.try_into()?,
            email_verified_at: self.email_verified_at.map(Into::into),
            display_name: self.display_name,
            must_change_password: self.must_change_password,
        })
    }
}

/// Converts rows to accounts.
pub(crate) fn into_users<T: Into<SystemTime>>(
    rows: Vec<UserRow<T>>,
) -> Result<Vec<User>, StoreError> {
    rows.into_iter().map(UserRow::into_user).collect()
}
