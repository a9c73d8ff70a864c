//! Rules about accounts that go.

use super::fixture::{Fixture, MANY, is_not_found, winners};
use crate::{AccountStore, Actor};

pub(super) async fn a_deleted_account_is_gone<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.register("jane").await;
    accounts
        .delete(jane.id, &admin)
        .await
        .expect("a pending account can be deleted");
    assert_eq!(
        accounts.find(jane.id).await,
        None,
        "who was deleted is gone"
    );
    assert_eq!(
        accounts.find_by_email("jane").await,
        None,
        "who was deleted is gone"
    );
    assert_eq!(
        accounts.all().await,
        [admin],
        "who was deleted is gone, nobody else"
    );
    let heir = accounts.register("jane").await;
    assert_eq!(
        accounts.find_by_email("jane").await,
        Some(heir),
        "the address of a deleted account is free at once"
    );
}

pub(super) async fn an_id_never_comes_back<S: AccountStore>(accounts: Fixture<S>) {
    let mut last = 0;
    for _ in 0..5 {
        // The store is empty in between: not even then.
        let user = accounts.register("jane").await;
        assert!(user.id > last, "an id never comes back, and ids grow");
        last = user.id;
        accounts
            .delete(user.id, Actor::System)
            .await
            .expect("a pending account can be deleted");
    }
}

pub(super) async fn one_of_many_deletions_is_done<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many deletions of one account at the same moment one is done, the others find \
                nobody";
    let id = accounts.register("jane").await.id;
    let results = accounts
        .race(MANY, move |accounts, _| async move {
            accounts.delete(id, Actor::System).await
        })
        .await;
    assert_eq!(winners(results, is_not_found, rule).len(), 1, "{rule}");
}

pub(super) async fn an_approver_can_be_deleted<S: AccountStore>(accounts: Fixture<S>) {
    let first = accounts.first_admin("admin").await;
    let approver = accounts.approved("approver", true, &first).await;
    let jane = accounts.approved("jane", false, &approver).await;
    accounts
        .delete(approver.id, &first)
        .await
        .expect("who approved others can be deleted");
    assert_eq!(
        accounts.find(jane.id).await,
        Some(jane),
        "the record of an approval outlives the approver"
    );
}
