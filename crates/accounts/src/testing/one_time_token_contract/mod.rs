//! Contract test of stores of one-time tokens.

mod rules;
#[cfg(test)]
mod broken_stores;

use super::store_contract::fixture::Fixture;
use crate::OneTimeTokenStore;

/// Runs every rule of [`OneTimeTokenStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and must return an *empty* store. As for
/// [`account_store_contract`](crate::testing::account_store_contract), run it on a multi-threaded
/// runtime, and with a store configured as in production.
///
/// ```
/// use tower_warder_accounts::InMemoryOneTimeTokenStore;
/// use tower_warder_accounts::testing::one_time_token_store_contract;
///
/// #[tokio::main]
/// async fn main() {
///     one_time_token_store_contract(async || InMemoryOneTimeTokenStore::new()).await;
/// }
/// ```
///
/// # Panics
///
/// If the store breaks a rule, with a message that names it.
pub async fn one_time_token_store_contract<S, F>(make: F)
where
    S: OneTimeTokenStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    rules::token_is_stored_as_added(fresh().await).await;
    rules::token_has_one_purpose(fresh().await).await;
    rules::token_is_taken_once(fresh().await).await;
    rules::adding_deletes_expired_tokens_of_any_account(fresh().await).await;
    rules::adding_deletes_the_oldest_tokens_of_the_account(fresh().await).await;
    rules::concurrent_additions_keep_the_limit(fresh().await).await;
}
