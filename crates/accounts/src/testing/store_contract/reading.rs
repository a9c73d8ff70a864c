//! Rules about finding, listing and counting accounts.

use tower_warder::UserStatus;

use super::fixture::{Fixture, is_not_found, moment, new_user, to_email, to_status};
use crate::{AccountStore, Actor, AdminGrant, NewUser, Page, User, UserChange, UserUpdate};

pub(super) async fn missing_account_is_not_found<S: AccountStore>(accounts: Fixture<S>) {
    assert!(accounts.all().await.is_empty(), "a fresh store is empty");
    assert_eq!(accounts.find_by_email("jane").await, None);
    let jane = accounts.register("jane").await;
    for id in [i64::MIN, -1, 0, jane.id + 1, i64::MAX] {
        assert_eq!(accounts.find(id).await, None, "no account has the id {id}");
        // NotFound is reported before EmailTaken.
        for update in [UserUpdate::default(), to_email("jane")] {
            let result = accounts.update(id, update, Actor::System).await;
            assert!(
                result.as_ref().is_err_and(is_not_found),
                "an update of a missing account is rejected with NotFound: {result:?}"
            );
        }
        let result = accounts.delete(id, Actor::System).await;
        assert!(
            result.as_ref().is_err_and(is_not_found),
            "a deletion of a missing account is rejected with NotFound: {result:?}"
        );
        let result = accounts.reset(id, "hash", Actor::System).await;
        assert!(
            result.as_ref().is_err_and(is_not_found),
            "a password reset of a missing account is rejected with NotFound: {result:?}"
        );
        let replaced = accounts.store().update_hash_if(id, "", "hash").await;
        assert!(
            matches!(replaced, Ok(false)),
            "a rehash of a missing account replaces nothing: {replaced:?}"
        );
    }
    assert_eq!(
        accounts.all().await,
        [jane],
        "a rejected call changes nothing"
    );
}

pub(super) async fn newest_account_is_listed_first<S: AccountStore>(accounts: Fixture<S>) {
    let expected = register_out_of_order(&accounts).await;
    assert_eq!(
        accounts.all().await,
        expected,
        "accounts are listed by created_at, then by id, descending"
    );
}

pub(super) async fn pages_make_up_the_list<S: AccountStore>(accounts: Fixture<S>) {
    let all = register_out_of_order(&accounts).await;
    for limit in 1..=9 {
        let (mut pages, mut after) = (Vec::new(), None);
        for _ in 0..=all.len() {
            let limit = Some(limit);
            let page = accounts.list(Page { limit, after }).await;
            after = page.last().map(|user| user.id);
            pages.extend(page);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, all, "pages of {limit} make up the list");
    }
    for (user, expected) in all.iter().zip(1..) {
        let page = Page {
            limit: None,
            after: Some(user.id),
        };
        assert!(
            accounts
                .list(page)
                .await
                .iter()
                .eq(all.iter().skip(expected)),
            "a page without a limit is the rest of the list"
        );
    }
    let limit = Some(0);
    let none = accounts.list(Page { limit, after: None }).await;
    assert!(none.is_empty(), "a page of no accounts is empty");
    let limit = Some(u32::MAX);
    let page = accounts.list(Page { limit, after: None }).await;
    assert_eq!(page, all, "a page larger than the list is the list");
}

pub(super) async fn page_continues_after_a_deleted_account<S: AccountStore>(accounts: Fixture<S>) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(accounts.register(name).await.id);
    }
    ids.reverse();
    let [_, deleted, rest @ ..] = ids.as_slice() else {
        return;
    };
    accounts
        .delete(*deleted, Actor::System)
        .await
        .expect("a pending account can be deleted");
    let page = Page {
        limit: None,
        after: Some(*deleted),
    };
    let page: Vec<_> = accounts
        .list(page)
        .await
        .iter()
        .map(|user| user.id)
        .collect();
    assert_eq!(
        page, rest,
        "after an account that is gone the list goes on with lower ids"
    );
}

pub(super) async fn pending_accounts_are_counted<S: AccountStore>(accounts: Fixture<S>) {
    let count = async || {
        let count = accounts.store().count_pending().await;
        count.expect("pending accounts can be counted")
    };
    assert_eq!(count().await, 0, "no account is pending in a fresh store");
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.register("jane").await;
    accounts.register("john").await;
    assert_eq!(
        count().await,
        2,
        "an account without an admin grant is pending"
    );
    for (status, pending) in [
        (UserStatus::Approved, 1),
        (UserStatus::Disabled, 1),
        (UserStatus::Pending, 2),
    ] {
        let change = UserChange {
            update: to_status(status),
            by: (&admin).into(),
            at: moment(1),
        };
        let changed = accounts.store().update(jane.id, change).await;
        assert_eq!(
            changed.expect("a status can be changed").status,
            status,
            "a status is what it was changed to"
        );
        assert_eq!(
            count().await,
            pending,
            "pending accounts are counted, no others"
        );
    }
}

/// Registers eight accounts, pairs of which have the same age, in mixed order, and returns them
/// newest first.
async fn register_out_of_order<S: AccountStore>(accounts: &Fixture<S>) -> Vec<User> {
    let mut users = Vec::new();
    for (n, seconds) in [3, 1, 0, 2, 3, 0, 1, 2].into_iter().enumerate() {
        let new = NewUser {
            created_at: moment(seconds),
            ..new_user(&format!("user{n}"), AdminGrant::Never)
        };
        let user = accounts.store().insert(new).await;
        users.push(user.expect("a free address can be registered"));
    }
    users.sort_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
    users
}
