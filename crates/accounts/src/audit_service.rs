//! Stored audit events, as a part of the operations on accounts.

use std::collections::HashMap;
use std::time::SystemTime;

use super::audit::{AuditEvent, AuditStore, AuditWriter};
use super::error::AccountError;
use super::service::Accounts;
use super::store::AccountStore;

impl<S: AccountStore> Accounts<S> {
    /// Stores audit events. Defaults to none: they are in the log only. [`audit_routes`] shows those of
    /// an account to admins.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer};
    /// use tower_warder_accounts::{
    ///     Accounts, AuditRetention, AuditWriter, InMemoryAccountStore, InMemoryAuditStore,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let writer = AuditWriter::spawn(InMemoryAuditStore::new(), AuditRetention::default());
    /// let issuer = JwtIssuer::hs256(&HmacSecret::generate());
    /// let accounts = Accounts::new(InMemoryAccountStore::new(), issuer).audit_store(writer.clone());
    /// // At the end of the process:
    /// writer.flush().await;
    /// # drop(accounts);
    /// # }
    /// ```
    ///
    /// [`audit_routes`]: crate::audit_routes()
    #[doc(alias = "audit trail")]
    pub fn audit_store(mut self, writer: AuditWriter) -> Self {
        self.audit.writer = Some(writer);
        self
    }

    /// Returns `true` if audit events are [stored](Self::audit_store).
    pub const fn has_audit_store(&self) -> bool {
        self.audit.writer.is_some()
    }

    /// Returns the last events of an account, newest first. The latest ones may not be stored yet: that
    /// takes a tenth of a second.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`], [`AccountError::NoAuditStore`] or [`AccountError::Unavailable`].
    pub async fn list_events(&self, id: i64, limit: u32) -> Result<Vec<AuditEvent>, AccountError> {
        let store = self.expect_audit_store()?;
        if self.store.find(id).await?.is_none() {
            return Err(AccountError::NotFound);
        }
        Ok(store.list_events(id, limit).await?)
    }

    /// Returns the times of the last log-ins of accounts. Those without one, and those that logged in
    /// before events were stored, are left out.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoAuditStore`] or [`AccountError::Unavailable`].
    pub async fn last_logins(&self, ids: &[i64]) -> Result<HashMap<i64, SystemTime>, AccountError> {
        Ok(self.expect_audit_store()?.last_logins(ids).await?)
    }

    fn expect_audit_store(&self) -> Result<&dyn AuditStore, AccountError> {
        let writer = self.audit.writer.as_ref();
        writer
            .map(AuditWriter::store)
            .ok_or(AccountError::NoAuditStore)
    }
}
