//! A connection out of the pool.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::time::timeout;

/// Goes back to the pool when it is dropped, also in the middle of a transaction, which is then
/// rolled back.
///
/// The pool asks the server first whether the connection is fit, and would wait for the answer for
/// ever: each that a frozen or lost server leaves without one would be missing.
pub(super) struct Lease(PoolConnection<Postgres>);

impl Lease {
    pub(super) const fn new(connection: PoolConnection<Postgres>) -> Self {
        Self(connection)
    }
}

impl Deref for Lease {
    type Target = PoolConnection<Postgres>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        tokio::spawn(timeout(RETURN, self.0.return_to_pool()));
    }
}

/// After this it is closed, and another takes its place.
const RETURN: Duration = Duration::from_secs(2);
