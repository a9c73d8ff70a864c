//! Rules about listing and counting accounts.

use std::cmp::Reverse;

use tower_warder::UserStatus;
use tower_warder::UserStatus::{Approved, Disabled, Pending};

use super::fixture::{Fixture, moment, new_user, to_email, to_status};
use crate::list_parameters::SORTS;
use crate::{
    AccountStore, Actor, AdminGrant, EmailPrefix, NewUser, User, UserFilter, UserOrder, UserQuery,
};

pub(super) async fn accounts_are_listed_in_each_order<S: AccountStore>(accounts: Fixture<S>) {
    let users = register_out_of_order(&accounts).await;
    assert_eq!(
        accounts.all().await,
        in_order(&users, &UserOrder::default()),
        "accounts are listed by created_at, then by id, descending"
    );
    for order in SORTS {
        let query = UserQuery {
            order: order.clone(),
            ..UserQuery::default()
        };
        assert_eq!(
            addresses(&accounts.list(query).await),
            addresses(&in_order(&users, &order)),
            "sorted by {}, ties by id, and addresses byte by byte",
            order.as_str()
        );
    }
}

pub(super) async fn pages_make_up_the_list<S: AccountStore>(accounts: Fixture<S>) {
    let users = register_out_of_order(&accounts).await;
    for order in SORTS {
        let all = in_order(&users, &order);
        for limit in 1..=9 {
            let pages = pages(&accounts, &UserFilter::default(), &order, limit).await;
            assert_eq!(
                addresses(&pages),
                addresses(&all),
                "pages of {limit} make up the list, sorted by {}",
                order.as_str()
            );
        }
        for (user, expected) in all.iter().zip(1..) {
            let rest = UserQuery {
                order: order.after(user),
                ..UserQuery::default()
            };
            assert!(
                accounts
                    .list(rest)
                    .await
                    .iter()
                    .eq(all.iter().skip(expected)),
                "a page without a limit is the rest of the list"
            );
        }
    }
    let limited = |limit| UserQuery {
        limit: Some(limit),
        ..UserQuery::default()
    };
    let none = accounts.list(limited(0)).await;
    assert!(none.is_empty(), "a page of no accounts is empty");
    assert_eq!(
        accounts.list(limited(u32::MAX)).await,
        in_order(&users, &UserOrder::default()),
        "a page larger than the list is the list"
    );
}

pub(super) async fn page_continues_after_a_deleted_account<S: AccountStore>(accounts: Fixture<S>) {
    let mut users = Vec::new();
    for (name, seconds) in [("d", 1), ("a", 2), ("c", 3), ("b", 4), ("e", 5)] {
        users.push(register_at(&accounts, name, seconds).await);
    }
    let deleted: Vec<_> = users.extract_if(1..3, |_| true).collect();
    for user in &deleted {
        let done = accounts.delete(user.id, Actor::System).await;
        done.expect("a pending account can be deleted");
    }
    for order in SORTS {
        for user in &deleted {
            let after = UserQuery {
                order: order.after(user),
                ..UserQuery::default()
            };
            let mut expected = in_order(&users, &order);
            expected.retain(|other| is_after(other, user, &order));
            assert_eq!(
                addresses(&accounts.list(after).await),
                addresses(&expected),
                "after an account that is gone the list goes on, sorted by {}",
                order.as_str()
            );
        }
    }
    for (descending, after) in [(true, 0), (true, i64::MIN), (false, i64::MAX)] {
        let after = Some(after);
        let nothing = UserQuery {
            order: UserOrder::CreatedAt { descending, after },
            ..UserQuery::default()
        };
        assert!(
            accounts.list(nothing).await.is_empty(),
            "after an id beyond all others there is no account"
        );
    }
}

pub(super) async fn page_continues_after_a_changed_account<S: AccountStore>(accounts: Fixture<S>) {
    let users = register_out_of_order(&accounts).await;
    let filter = UserFilter {
        status: Some(Pending),
        ..UserFilter::default()
    };
    for order in SORTS {
        let all = in_order(&users, &order);
        let Some((last, rest)) = all.get(2).zip(all.get(3..)) else {
            return;
        };
        let approval = accounts.update(last.id, to_status(Approved), Actor::System);
        approval.await.expect("a pending account can be approved");
        let query = UserQuery {
            filter: filter.clone(),
            order: order.after(last),
            limit: None,
        };
        assert_eq!(
            addresses(&accounts.list(query).await),
            addresses(rest),
            "after an account that the filter excludes by now the list goes on, sorted by {}",
            order.as_str()
        );
        let again = accounts.update(last.id, to_status(Pending), Actor::System);
        again.await.expect("an account can be made pending");
    }
    let order = UserOrder::Email {
        descending: false,
        after: None,
    };
    let all = in_order(&users, &order);
    let Some((last, rest)) = all.get(2).zip(all.get(3..)) else {
        return;
    };
    let renamed = accounts.update(last.id, to_email("0"), Actor::System).await;
    renamed.expect("a free address can be taken");
    let query = UserQuery {
        order: order.after(last),
        ..UserQuery::default()
    };
    assert_eq!(
        addresses(&accounts.list(query).await),
        addresses(rest),
        "after an address that no account has any more the list goes on"
    );
}

pub(super) async fn search_finds_the_beginning_of_addresses<S: AccountStore>(accounts: Fixture<S>) {
    for name in [
        "jane", "janet", "jan", "jan_e", "jan%e", "janxe", "o'brien", "zoe", "~", "a.jane",
    ] {
        accounts.register(name).await;
    }
    let all = accounts.all().await;
    for (search, found) in [
        ("j", 6),
        ("JAN", 6),
        ("jane", 2),
        ("jane@", 1),
        ("jane@example.org", 1),
        ("jane@example.org.", 0),
        ("jan_", 1),
        ("jan%", 1),
        ("jan\\", 0),
        ("%", 0),
        ("_", 0),
        ("*", 0),
        ("[j]", 0),
        ("'", 0),
        ("o'b", 1),
        ("o''b", 0),
        ("\"", 0),
        ("~", 1),
        ("z", 1),
        (" jane", 0),
        ("\u{e9}", 0),
        ("\u{10ffff}", 0),
    ] {
        let filter = search_for(search);
        for order in SORTS {
            let query = UserQuery {
                filter: filter.clone(),
                order: order.clone(),
                limit: None,
            };
            let listed = accounts.list(query).await;
            let mut expected = in_order(&all, &order);
            expected.retain(|user| user.email.starts_with(&search.to_ascii_lowercase()));
            assert_eq!(expected.len(), found);
            assert_eq!(
                addresses(&listed),
                addresses(&expected),
                "a search finds the addresses that begin with {search:?}, sorted by {}",
                order.as_str()
            );
        }
    }
}

pub(super) async fn filters_and_pages_combine<S: AccountStore>(accounts: Fixture<S>) {
    let mut users = Vec::new();
    for (name, status) in [
        ("jane", Pending),
        ("paul", Pending),
        ("jan", Approved),
        ("janet", Disabled),
        ("zoe", Approved),
        ("jill", Pending),
        ("jack", Disabled),
        ("joe", Pending),
        ("anna", Disabled),
        ("june", Approved),
    ] {
        let user = accounts.register(name).await;
        let changed = accounts.update(user.id, to_status(status), Actor::System);
        users.push(changed.await.expect("a status can be changed"));
    }
    for search in [None, Some("j"), Some("jan"), Some("x")] {
        for status in [None, Some(Pending), Some(Approved), Some(Disabled)] {
            let filter = UserFilter {
                status,
                ..search.map(search_for).unwrap_or_default()
            };
            for order in SORTS {
                let mut expected = in_order(&users, &order);
                expected.retain(|user| filter.matches(user));
                for limit in [1, 2, 100] {
                    assert_eq!(
                        addresses(&pages(&accounts, &filter, &order, limit).await),
                        addresses(&expected),
                        "search {search:?} and status {status:?} combine, in pages of {limit}, \
                         sorted by {}",
                        order.as_str()
                    );
                }
            }
            let expected = users.iter().filter(|user| filter.matches(user)).count();
            assert_eq!(
                usize::try_from(accounts.count(filter).await),
                Ok(expected),
                "the accounts of search {search:?} and status {status:?} are counted"
            );
        }
    }
}

pub(super) async fn pending_accounts_are_counted<S: AccountStore>(accounts: Fixture<S>) {
    let count = async || {
        let pending = UserFilter {
            status: Some(Pending),
            ..UserFilter::default()
        };
        accounts.count(pending).await
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
    for (status, pending) in [(Approved, 1), (Disabled, 1), (UserStatus::Pending, 2)] {
        let changed = accounts.update(jane.id, to_status(status), &admin).await;
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

pub(super) async fn new_unverified_accounts_are_left_out<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "a filter that hides unverified accounts leaves out those that are pending, were never \
                approved and have a password, and no others";
    let mut shown = Vec::new();
    let (pending, approved) = (to_status(Pending), to_status(Approved));
    for (name, verified, updates, is_shown) in [
        ("ja", false, &[][..], false),
        ("jb", true, &[], true),
        ("jc", false, &[&approved][..], true),
        ("jd", false, &[&approved, &pending], true),
        ("je", false, &[&to_status(Disabled)], true),
    ] {
        let mut user = accounts.register(name).await;
        if verified {
            let verified = accounts.confirm(user.id, 0, name, name).await;
            user = verified
                .ok()
                .flatten()
                .expect("an address can be confirmed");
        }
        for update in updates {
            let updated = accounts.update(user.id, (*update).clone(), Actor::System);
            user = updated.await.expect("a status can be changed");
        }
        if is_shown {
            shown.push(user);
        }
    }
    shown.push(accounts.invited("jf").await);
    for search in [None, Some("j"), Some("ja"), Some("jb")] {
        for status in [None, Some(Pending), Some(Approved)] {
            let filter = UserFilter {
                status,
                hides_unverified: true,
                ..search.map(search_for).unwrap_or_default()
            };
            for order in SORTS {
                let mut expected = in_order(&shown, &order);
                expected.retain(|user| filter.matches(user));
                for limit in [1, 100] {
                    let listed = pages(&accounts, &filter, &order, limit).await;
                    assert_eq!(addresses(&listed), addresses(&expected), "{rule}");
                }
            }
            let expected = shown.iter().filter(|user| filter.matches(user)).count();
            let counted = usize::try_from(accounts.count(filter).await);
            assert_eq!(counted, Ok(expected), "{rule}, also if they are counted");
        }
    }
}

/// Returns all pages of a list, one after the other.
async fn pages<S: AccountStore>(
    accounts: &Fixture<S>,
    filter: &UserFilter,
    order: &UserOrder,
    limit: u32,
) -> Vec<User> {
    let (mut pages, mut order) = (Vec::new(), order.clone());
    // A store that repeats its pages fails instead of running forever.
    for _ in 0..20 {
        let query = UserQuery {
            filter: filter.clone(),
            order: order.clone(),
            limit: Some(limit),
        };
        let page = accounts.list(query).await;
        let Some(last) = page.last() else {
            break;
        };
        order = order.after(last);
        pages.extend(page);
    }
    pages
}

/// Registers accounts, pairs of which have the same age, in mixed order. Languages sort their
/// addresses in another way than bytes.
async fn register_out_of_order<S: AccountStore>(accounts: &Fixture<S>) -> Vec<User> {
    let mut users = Vec::new();
    for (name, seconds) in [
        ("ab", 3),
        ("a-c", 1),
        ("a", 0),
        ("b", 2),
        ("a_b", 3),
        ("a.d", 0),
        ("a~", 1),
        ("a1", 2),
    ] {
        users.push(register_at(accounts, name, seconds).await);
    }
    users
}

async fn register_at<S: AccountStore>(accounts: &Fixture<S>, name: &str, seconds: u64) -> User {
    let new = NewUser {
        created_at: moment(seconds),
        ..new_user(name, AdminGrant::Never)
    };
    let user = accounts.store().insert(new).await;
    user.expect("a free address can be registered")
}

fn search_for(text: &str) -> UserFilter {
    let search = EmailPrefix::new(text);
    UserFilter {
        search: Some(search.expect("a text that can be searched")),
        ..UserFilter::default()
    }
}

fn in_order(users: &[User], order: &UserOrder) -> Vec<User> {
    let mut users = users.to_vec();
    match order {
        UserOrder::CreatedAt {
            descending: true, ..
        } => {
            users.sort_by_key(|user| Reverse((user.created_at, user.id)));
        }
        UserOrder::CreatedAt { .. } => users.sort_by_key(|user| (user.created_at, user.id)),
        UserOrder::Email {
            descending: true, ..
        } => {
            users.sort_by_key(|user| Reverse(user.email.clone()));
        }
        UserOrder::Email { .. } => users.sort_by_key(|user| user.email.clone()),
    }
    users
}

/// Returns `true` if `user` is listed after `other`.
fn is_after(user: &User, other: &User, order: &UserOrder) -> bool {
    let both = in_order(&[user.clone(), other.clone()], order);
    both.last() == Some(user)
}

fn addresses(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.email.as_str()).collect()
}
