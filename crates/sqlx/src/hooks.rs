//! Code of the application in the transactions that add and delete accounts.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;
use tower_warder_accounts::{HookError, StoreError, User};

/// Future of a closure for `on_insert` or `on_delete` of a store: `Box::pin(async move { … })`.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>>;

type Hook<C> = Arc<dyn for<'a> Fn(&'a mut C, &'a User) -> HookFuture<'a> + Send + Sync>;

/// The closures of a store whose connections are `C`.
pub(crate) struct TransactionHooks<C> {
    pub(crate) insert: Option<Hook<C>>,
    pub(crate) delete: Option<Hook<C>>,
}

impl<C> TransactionHooks<C> {
    pub(crate) async fn inserted(&self, connection: &mut C, user: &User) -> Result<(), StoreError> {
        run(self.insert.as_ref(), connection, user).await
    }

    pub(crate) async fn deletes(&self, connection: &mut C, user: &User) -> Result<(), StoreError> {
        run(self.delete.as_ref(), connection, user).await
    }
}

/// Waits for a closure, for a limited time: other writers wait for this transaction. A panic is an error.
async fn run<C>(hook: Option<&Hook<C>>, connection: &mut C, user: &User) -> Result<(), StoreError> {
    let Some(hook) = hook else {
        return Ok(());
    };
    let hook = AssertUnwindSafe(async { hook(connection, user).await }).catch_unwind();
    match timeout(MAX_DURATION, hook).await {
        Ok(Ok(done)) => Ok(done?),
        Ok(Err(_)) => Err(StoreError::unavailable("a hook in a transaction panicked")),
        Err(_) => Err(StoreError::unavailable(format!(
            "a hook in a transaction took longer than {MAX_DURATION:?}"
        ))),
    }
}

impl<C> Default for TransactionHooks<C> {
    fn default() -> Self {
        Self {
            insert: None,
            delete: None,
        }
    }
}

impl<C> Clone for TransactionHooks<C> {
    fn clone(&self) -> Self {
        Self {
            insert: self.insert.clone(),
            delete: self.delete.clone(),
        }
    }
}

impl<C> fmt::Debug for TransactionHooks<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionHooks")
            .field("insert", &self.insert.is_some())
            .field("delete", &self.delete.is_some())
            .finish()
    }
}

const MAX_DURATION: Duration = Duration::from_secs(2);
