//! Contract test of account stores.

#![allow(clippy::panic, reason = "a store that breaks a rule fails its test")]

pub(super) mod fixture;
mod addresses;
mod admins;
mod deletion;
#[cfg(test)]
mod broken_stores;
mod invitations;
mod listing;
mod passwords;
mod reading;
mod registration;
mod tokens;
mod updates;

use self::fixture::Fixture;
use crate::AccountStore;

/// Runs every rule of [`AccountStore`] against stores that `make` makes.
///
/// `make` is called once for each rule and must return an *empty* store. Rules about concurrency
/// start up to 50 operations together: on a tokio runtime each as a task of its own, so that they
/// run in parallel on several threads; on any other executor they are polled concurrently.
///
/// Run it on a multi-threaded runtime, and with a store configured as in production: with a pool of
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
/// If the store breaks a rule, with a message that names it.
pub async fn account_store_contract<S, F>(make: F)
where
    S: AccountStore,
    F: AsyncFn() -> S,
{
    let fresh = async || Fixture::new(make().await);

    registration::account_is_stored_as_registered(fresh().await).await;
    registration::concurrent_first_accounts_yield_one_admin(fresh().await).await;
    registration::concurrent_first_admins_yield_one_admin(fresh().await).await;
    registration::admin_grant_depends_on_its_condition(fresh().await).await;
    registration::rejected_registration_keeps_the_admin_grant(fresh().await).await;
    registration::concurrent_claims_of_an_address_succeed_once(fresh().await).await;

    reading::missing_account_is_not_found(fresh().await).await;

    listing::accounts_are_listed_in_each_order(fresh().await).await;
    listing::pages_make_up_the_list(fresh().await).await;
    listing::page_continues_after_a_deleted_account(fresh().await).await;
    listing::page_continues_after_a_changed_account(fresh().await).await;
    listing::search_finds_the_beginning_of_addresses(fresh().await).await;
    listing::pending_accounts_are_counted(fresh().await).await;
    listing::filters_and_pages_combine(fresh().await).await;
    listing::new_unverified_accounts_are_left_out(fresh().await).await;

    passwords::reset_sets_the_hash_and_raises_the_generation(fresh().await).await;
    passwords::temporary_password_is_marked_until_it_is_replaced(fresh().await).await;
    passwords::rehash_replaces_only_the_expected_hash(fresh().await).await;
    passwords::reset_wins_over_a_concurrent_rehash(fresh().await).await;
    passwords::concurrent_resets_all_raise_the_generation(fresh().await).await;

    tokens::tokens_of_the_expected_generation_are_revoked(fresh().await).await;
    tokens::concurrent_revocations_succeed_once(fresh().await).await;
    tokens::reset_wins_over_a_concurrent_change(fresh().await).await;

    updates::leaving_approved_raises_the_generation(fresh().await).await;
    updates::update_changes_only_the_given_fields(fresh().await).await;
    updates::first_approval_is_recorded(fresh().await).await;
    updates::owner_sets_the_display_name(fresh().await).await;
    updates::address_moves_with_its_account(fresh().await).await;
    updates::taken_address_is_rejected(fresh().await).await;
    updates::concurrent_claims_of_an_address_succeed_once(fresh().await).await;
    updates::concurrent_changes_are_all_kept(fresh().await).await;
    updates::concurrent_disabling_and_revocation_both_count(fresh().await).await;

    addresses::confirmed_address_is_verified(fresh().await).await;
    addresses::confirmed_change_moves_the_address(fresh().await).await;
    addresses::concurrent_confirmations_succeed_once(fresh().await).await;

    admins::rejected_change_of_the_last_admin_changes_nothing(fresh().await).await;
    admins::only_approved_admins_count(fresh().await).await;
    admins::two_admins_cannot_remove_each_other(fresh().await).await;
    admins::concurrent_demotions_leave_one_admin(fresh().await).await;

    admins::only_approved_admins_change_accounts(fresh().await).await;
    admins::disabled_admin_resets_no_password(fresh().await).await;

    deletion::deleted_account_is_not_found(fresh().await).await;
    deletion::ids_are_not_reused(fresh().await).await;
    deletion::concurrent_deletions_succeed_once(fresh().await).await;
    deletion::owner_deletes_in_the_named_generation(fresh().await).await;
    deletion::owners_leave_one_admin(fresh().await).await;
    deletion::only_accounts_never_approved_expire(fresh().await).await;
    deletion::approver_can_be_deleted(fresh().await).await;

    invitations::first_password_is_set_once(fresh().await).await;
    invitations::concurrent_first_passwords_succeed_once(fresh().await).await;
    invitations::first_password_needs_the_author_of_the_invitation(fresh().await).await;
    invitations::invitation_is_renewed(fresh().await).await;
    invitations::account_without_password_is_not_approved(fresh().await).await;
    invitations::accounts_without_password_are_listed_apart(fresh().await).await;
}
