//! What every store of sessions has to keep, as a test.

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
/// `make` is called once for each rule and gives an *empty* store each time. For the rest it is as
/// [`account_store_contract`](crate::testing::account_store_contract): run it on a runtime of
/// several threads, and with a store as it is in service.
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
/// With a sentence that names the rule, if the store breaks one.
pub async fn session_store_contract<S, F>(make: F)
where
    S: SessionStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    opening::a_session_is_kept_as_it_was_opened(fresh().await).await;
    opening::what_is_over_makes_room(fresh().await).await;
    opening::what_has_expired_goes_with_any_opening(fresh().await).await;
    opening::the_longest_unused_makes_room(fresh().await).await;
    opening::of_many_there_are_not_too_many(fresh().await).await;

    rotation::a_rotation_renews_the_token_it_knows_and_no_other(fresh().await).await;
    rotation::one_of_many_renews_a_token(fresh().await).await;
    rotation::a_session_that_was_ended_does_not_come_back(fresh().await).await;
    rotation::a_rotation_writes_nothing_else(fresh().await).await;

    ending::a_session_is_ended_once_and_in_its_account(fresh().await).await;
    ending::sessions_of_lower_generations_are_ended(fresh().await).await;
    ending::one_session_is_kept(fresh().await).await;
}
