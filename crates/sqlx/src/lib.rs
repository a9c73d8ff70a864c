//! Stores of accounts, sessions, one-time tokens and audit events for `tower-warder-accounts` in SQLite
//! and PostgreSQL, with sqlx.
//!
//! `SqliteStore` (feature `sqlite`) and `PostgresStore` (feature `postgres`) implement
//! [`AccountStore`], [`SessionStore`], [`OneTimeTokenStore`] and [`AuditStore`], over a URL or over a
//! pool of the application. The tables are made by their `migrate`, beside those of the application.
//!
//! | table | contents |
//! |---|---|
//! | `users` | `id`, `email`, `hashed_password`, `is_admin`, `status` (`pending`, `approved`, `disabled`), `created_at`, `approved_at`, `approved_by`, `token_generation` |
//! | `sessions` | a row for each session, with digests of its refresh tokens |
//! | `one_time_tokens` | a row for each [one-time token](tower_warder_accounts::OneTimeToken), with its digest |
//! | `audit_events` | [audit events], for 90 days by default: `at`, `event`, `actor`, `account`, `session`, `reason`, `address` |
//! | `audit_last_logins` | the time of the last log-in of each account |
//! | `tower_warder_migrations` | the migrations that have been applied |
//!
//! Times are `TIMESTAMPTZ` in PostgreSQL, and text in SQLite: RFC 3339 in UTC with microseconds, so
//! that they sort. An account that is changed with SQL is changed at the next request: a trigger ends
//! its tokens if it is no longer approved, and in PostgreSQL another tells user caches.
//!
//! The README shows how to keep application data on the account.
//!
//! [`AccountStore`]: tower_warder_accounts::AccountStore
//! [`SessionStore`]: tower_warder_accounts::SessionStore
//! [`OneTimeTokenStore`]: tower_warder_accounts::OneTimeTokenStore
//! [`AuditStore`]: tower_warder_accounts::AuditStore
//! [audit events]: tower_warder_accounts::AuditEvent

#![forbid(unsafe_code)]

// Each module imports only from those above it.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod prefix;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrations;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod hooks;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod users;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod list;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sessions;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod one_time_tokens;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod audit;
#[cfg(feature = "postgres")]
pub mod channel;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod postgres;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::hooks::HookFuture;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::prefix::InvalidPrefix;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;

#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
