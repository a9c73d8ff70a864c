//! What every store of accounts has to keep, as a test.

#![allow(clippy::panic, reason = "a store that breaks a rule fails its test")]

pub(super) mod fixture;
mod admins;
mod deletion;
#[cfg(test)]
mod broken_stores;
mod passwords;
mod reading;
mod registration;
mod tokens;
mod updates;

use self::fixture::Fixture;
use crate::AccountStore;

/// Runs every rule of [`AccountStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and gives an *empty* store each time. The rules about
/// what happens at the same moment start up to 50 operations together: on a tokio runtime each as
/// a task of its own, so that with several threads they run in parallel, on any other executor
/// polled side by side.
///
/// Run it on a runtime of several threads, and with a store as it is in service: with a pool of
/// connections, not with one.
///
/// ```
/// use tower_warder_accounts::InMemoryAccountStore;
/// use tower_warder_accounts::testing::account_store_contract;
///
/// #[tokio::main]
/// async fn main() {
///     account_store_contract(async || InMemoryAccountStore::new()).await;
/// }
/// ```
///
/// # Panics
///
/// With a sentence that names the rule, if the store breaks one.
pub async fn account_store_contract<S, F>(make: F)
where
    S: AccountStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    registration::an_account_is_kept_as_it_was_registered(fresh().await).await;
    registration::one_of_many_gets_the_seat_of_the_first_account(fresh().await).await;
    registration::one_of_many_gets_the_seat_of_the_first_admin(fresh().await).await;
    registration::the_seat_is_given_on_its_condition(fresh().await).await;
    registration::a_refused_registration_leaves_the_seat_free(fresh().await).await;
    registration::one_of_many_gets_an_address(fresh().await).await;

    reading::nobody_is_found_where_nobody_is(fresh().await).await;
    reading::the_newest_account_comes_first(fresh().await).await;
    reading::pages_make_up_the_list(fresh().await).await;
    reading::a_page_goes_on_after_a_deleted_account(fresh().await).await;
    reading::pending_accounts_are_counted(fresh().await).await;

    passwords::a_reset_sets_the_hash_and_raises_the_generation(fresh().await).await;
    passwords::a_rehash_replaces_the_hash_it_knows_and_no_other(fresh().await).await;
    passwords::a_reset_wins_over_a_rehash(fresh().await).await;
    passwords::every_reset_counts(fresh().await).await;

    tokens::tokens_end_where_their_generation_lives(fresh().await).await;
    tokens::one_of_many_ends_a_generation(fresh().await).await;
    tokens::a_reset_wins_over_a_change(fresh().await).await;

    updates::leaving_approved_raises_the_generation(fresh().await).await;
    updates::an_update_changes_what_it_names(fresh().await).await;
    updates::the_first_approval_is_recorded(fresh().await).await;
    updates::an_address_moves_with_its_account(fresh().await).await;
    updates::a_taken_address_is_refused(fresh().await).await;
    updates::one_of_many_gets_an_address(fresh().await).await;
    updates::changes_at_the_same_moment_all_stay(fresh().await).await;
    updates::leaving_approved_and_an_end_of_tokens_both_count(fresh().await).await;

    admins::a_refused_change_of_the_last_admin_changes_nothing(fresh().await).await;
    admins::only_approved_admins_count(fresh().await).await;
    admins::two_admins_cannot_remove_each_other(fresh().await).await;
    admins::admins_who_all_step_down_leave_one(fresh().await).await;

    admins::only_who_is_admin_and_approved_changes_accounts(fresh().await).await;
    admins::who_was_disabled_resets_no_password(fresh().await).await;

    deletion::a_deleted_account_is_gone(fresh().await).await;
    deletion::an_id_never_comes_back(fresh().await).await;
    deletion::one_of_many_deletions_is_done(fresh().await).await;
    deletion::an_approver_can_be_deleted(fresh().await).await;
}
