//! Rules about deleting accounts.

use super::fixture::{Fixture, MANY, is_not_found, winners};
use crate::{AccountStore, Actor};

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
