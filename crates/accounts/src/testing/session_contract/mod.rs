//! Contract test of session stores.

#![allow(clippy::panic, reason = "a store that breaks a rule fails its test")]

mod row;
mod ending;
#[cfg(test)]
mod broken_stores;
mod opening;
mod rotation;

use super::store_contract::fixture::Fixture;
use crate::SessionStore;

/// Runs every rule of [`SessionStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and must return an *empty* store. As for
/// [`account_store_contract`](crate::testing::account_store_contract), run it on a multi-threaded
/// runtime, and with a store configured as in production.
///
/// ```
/// use tower_warder_accounts::InMemorySessionStore;
/// use tower_warder_accounts::testing::session_store_contract;
///
/// #[tokio::main]
/// async fn main() {
///     session_store_contract(async || InMemorySessionStore::new()).await;
/// }
/// ```
///
/// # Panics
///
/// If the store breaks a rule, with a message that names it.
pub async fn session_store_contract<S, F>(make: F)
where
    S: SessionStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    opening::session_is_stored_as_opened(fresh().await).await;
    opening::opening_deletes_ended_sessions_of_the_account(fresh().await).await;
    opening::opening_deletes_expired_sessions_of_any_account(fresh().await).await;
    opening::opening_deletes_least_recently_used_sessions(fresh().await).await;
    opening::concurrent_openings_keep_the_limit(fresh().await).await;

    rotation::rotation_replaces_only_the_expected_token(fresh().await).await;
    rotation::concurrent_rotations_renew_once(fresh().await).await;
    rotation::rotation_does_not_restore_an_ended_session(fresh().await).await;
    rotation::rotation_writes_nothing_else(fresh().await).await;

    ending::session_is_ended_once_in_its_account(fresh().await).await;
    ending::sessions_of_lower_generations_are_ended(fresh().await).await;
    ending::kept_session_gets_the_new_generation(fresh().await).await;
}
