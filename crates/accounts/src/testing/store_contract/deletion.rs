//! Rules about deleting accounts.

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, ROUNDS, is_last_admin, is_not_found, to_status, winners};
use crate::{AccountStore, Actor, StoreError, User};

pub(super) async fn deleted_account_is_not_found<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.register("jane").await;
    accounts
        .delete(jane.id, &admin)
        .await
        .expect("a pending account can be deleted");
    assert_eq!(
        accounts.find(jane.id).await,
        None,
        "a deleted account is not found"
    );
    assert_eq!(
        accounts.find_by_email("jane").await,
        None,
        "a deleted account is not found"
    );
    assert_eq!(
        accounts.all().await,
        [admin],
        "a deleted account is not found, and no other"
    );
    let successor = accounts.register("jane").await;
    assert_eq!(
        accounts.find_by_email("jane").await,
        Some(successor),
        "the address of a deleted account is free at once"
    );
}

pub(super) async fn ids_are_not_reused<S: AccountStore>(accounts: Fixture<S>) {
    let mut last = 0;
    for _ in 0..5 {
        // Also if the store is empty in between.
        let user = accounts.register("jane").await;
        assert!(user.id > last, "an id is never reused, and ids grow");
        last = user.id;
        accounts
            .delete(user.id, Actor::System)
            .await
            .expect("a pending account can be deleted");
    }
}

pub(super) async fn concurrent_deletions_succeed_once<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many deletions of one account at the same moment one is done, the others get \
                NotFound";
    let id = accounts.register("jane").await.id;
    let results = accounts
        .race(MANY, move |accounts, _| async move {
            accounts.delete(id, Actor::System).await
        })
        .await;
    assert_eq!(winners(results, is_not_found, rule).len(), 1, "{rule}");
}

pub(super) async fn approver_can_be_deleted<S: AccountStore>(accounts: Fixture<S>) {
    let first = accounts.first_admin("admin").await;
    let approver = accounts.approved("approver", true, &first).await;
    let jane = accounts.approved("jane", false, &approver).await;
    accounts
        .delete(approver.id, &first)
        .await
        .expect("an approver can be deleted");
    assert_eq!(
        accounts.find(jane.id).await,
        Some(jane),
        "the record of an approval outlives the approver"
    );
}

pub(super) async fn owner_deletes_in_the_named_generation<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "an owner deletes the account in the named generation, if it is approved";
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.approved("jane", false, &admin).await;
    let reset = accounts.reset(jane.id, "new", &admin).await;
    let jane = reset.expect("a password can be reset");
    let generation = jane.token_generation;
    for other in [generation - 1, generation + 1] {
        let rejected = accounts.delete_own(jane.id, other).await;
        assert!(matches!(rejected, Err(StoreError::Outdated)), "{rule}");
    }
    for status in [UserStatus::Disabled, UserStatus::Pending] {
        let changed = accounts.update(jane.id, to_status(status), &admin).await;
        let changed = changed.expect("a status can be changed");
        let rejected = accounts.delete_own(jane.id, changed.token_generation).await;
        assert!(matches!(rejected, Err(StoreError::Outdated)), "{rule}");
        assert_eq!(accounts.find(jane.id).await, Some(changed), "{rule}");
    }
    let approved = accounts.update(jane.id, to_status(UserStatus::Approved), &admin);
    let approved = approved.await.expect("a status can be changed");
    let deleted = accounts
        .delete_own(jane.id, approved.token_generation)
        .await;
    deleted.expect(rule);
    assert_eq!(accounts.find(jane.id).await, None, "{rule}");
    let again = accounts
        .delete_own(jane.id, approved.token_generation)
        .await;
    assert!(matches!(again, Err(StoreError::Outdated)), "{rule}");
    assert_eq!(accounts.all().await, [admin], "{rule}");
}

pub(super) async fn owners_leave_one_admin<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many admins who delete their own account at the same moment one stays";
    let first = accounts.first_admin("admin").await;
    let mut admins = vec![first.clone()];
    for n in 1..8 {
        admins.push(accounts.approved(&format!("admin{n}"), true, &first).await);
    }
    let results = accounts
        .race(8, |accounts, n| {
            let admin: Option<&User> = admins.get(n as usize);
            let admin = admin.cloned().expect("as many attempts as admins");
            async move { accounts.delete_own(admin.id, admin.token_generation).await }
        })
        .await;
    assert_eq!(winners(results, is_last_admin, rule).len(), 7, "{rule}");
    assert_eq!(accounts.active_admins().await.len(), 1, "{rule}");
}

pub(super) async fn only_accounts_never_approved_expire<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "an account expires only if it is pending, was never approved and is old enough";
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.approved("jane", false, &admin).await;
    let paul = accounts.register("paul").await;
    for (id, seconds) in [(jane.id, 1), (paul.id, 0), (paul.id + 9, 1)] {
        let expired = accounts.expire(id, seconds).await;
        assert!(matches!(expired, Ok(false)), "{rule}: {expired:?}");
    }
    for status in [UserStatus::Disabled, UserStatus::Pending] {
        let update = accounts.update(jane.id, to_status(status), &admin).await;
        let jane = update.expect("a status can be changed");
        let expired = accounts.expire(jane.id, 1).await;
        assert!(matches!(expired, Ok(false)), "{rule}: {expired:?}");
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    }
    for (expected, gone) in [(true, paul.id), (false, paul.id)] {
        let expired = accounts.expire(gone, 1).await;
        assert_eq!(expired.ok(), Some(expected), "{rule}");
        assert_eq!(accounts.find(gone).await, None, "{rule}");
    }
    for round in 0..ROUNDS {
        let user = accounts.register(&format!("user{round}")).await;
        let results = accounts
            .race(2, move |accounts, n| async move {
                // Either may be first.
                if n == round % 2 {
                    let approved = to_status(UserStatus::Approved);
                    let approved = accounts.update(user.id, approved, Actor::System).await;
                    approved.is_ok()
                } else {
                    accounts.expire(user.id, 1).await.unwrap_or(true)
                }
            })
            .await;
        assert!(
            results == [true, false] || results == [false, true],
            "of an approval and the expiry at the same moment one is done: {results:?}"
        );
        let is_approved = results.get(usize::from(round % 2 != 0)) == Some(&true);
        assert_eq!(
            accounts.find(user.id).await.is_some(),
            is_approved,
            "{rule}"
        );
    }
}
