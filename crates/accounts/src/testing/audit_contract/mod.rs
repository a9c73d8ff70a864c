//! Contract test of stores of audit events.

#![allow(clippy::panic, reason = "a store that breaks a rule fails its test")]

#[cfg(test)]
mod broken_stores;
mod rules;

use super::store_contract::fixture::Fixture;
use crate::AuditStore;

/// Runs every rule of [`AuditStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and must return an *empty* store. As for
/// [`account_store_contract`](crate::testing::account_store_contract), run it on a multi-threaded
/// runtime, and with a store configured as in production.
///
/// ```
/// use tower_warder_accounts::InMemoryAuditStore;
/// use tower_warder_accounts::testing::audit_store_contract;
///
/// #[tokio::main]
/// async fn main() {
///     audit_store_contract(async || InMemoryAuditStore::new()).await;
/// }
/// ```
///
/// # Panics
///
/// If the store breaks a rule, with a message that names it.
pub async fn audit_store_contract<S, F>(make: F)
where
    S: AuditStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    rules::events_are_returned_as_added(fresh().await).await;
    rules::events_of_an_account_are_listed_newest_first(fresh().await).await;
    rules::newest_events_of_each_kind_are_kept(fresh().await).await;
    rules::concurrent_additions_are_all_stored(fresh().await).await;
    rules::old_events_are_deleted_in_pieces(fresh().await).await;
    rules::last_login_is_recorded_for_each_account(fresh().await).await;
    rules::last_login_outlives_its_event_but_not_the_account(fresh().await).await;
}
