//! Connection borrowed from the pool.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::time::timeout;

/// Returns the connection to the pool when dropped. An open transaction is rolled back.
///
/// The pool tests the connection before it takes it back, and would wait forever for a server that
/// is frozen or lost: such connections would never be replaced. Hence the timeout.
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

/// After this time the connection is closed and can be replaced.
const RETURN: Duration = Duration::from_secs(2);
