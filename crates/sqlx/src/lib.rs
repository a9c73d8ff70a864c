//! Account and session stores for `tower-warder-accounts` in SQLite and PostgreSQL.
//!
//! [`SqliteStore`] and [`PostgresStore`] implement [`AccountStore`] and [`SessionStore`];
//! [`channel`] tells a user cache about changes in PostgreSQL.
//!
//! [`AccountStore`]: tower_warder_accounts::AccountStore
//! [`SessionStore`]: tower_warder_accounts::SessionStore

#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    allow(rustdoc::broken_intra_doc_links, reason = "names of the other feature")
)]

// Each module imports only from those above it.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod users;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
pub mod channel;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
