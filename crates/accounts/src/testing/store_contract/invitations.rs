//! Rules about accounts whose owners have not set a password yet.

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, hash, moment, to_admin, to_email, to_status};
use crate::{AccountStore, Actor, StoreError, User, UserFilter, UserOrder, UserQuery};

pub(super) async fn first_password_is_set_once<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "a first password is set for a pending account without one and of the named \
                generation: the generation is raised by one, and the account is approved by the \
                author of the invitation";
    let admin = accounts.first_admin("admin").await;
    let mut jane = accounts.invited("jane").await;
    assert!(!jane.has_password(), "an account can be without a password");
    let registered = accounts.register("registered").await;
    for (id, generation) in [(jane.id, 1), (jane.id + 9, 0), (registered.id, 0)] {
        let set = accounts.set_first_password(id, generation, "new", &admin);
        assert!(matches!(set.await, Ok(None)), "{rule}");
    }
    assert_eq!(
        accounts.must_find(registered.id).await,
        registered,
        "{rule}"
    );
    let set = accounts.set_first_password(jane.id, 0, "new", &admin).await;
    jane = User {
        hashed_password: hash("new"),
        status: UserStatus::Approved,
        approved_at: Some(moment(1000)),
        approved_by: Some(admin.id),
        email_verified_at: Some(moment(1000)),
        token_generation: 1,
        ..jane
    };
    let set = set.expect("a first password can be set");
    assert_eq!(set.as_ref(), Some(&jane), "{rule}");
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    let again = accounts.set_first_password(jane.id, 1, "other", &admin);
    assert!(matches!(again.await, Ok(None)), "{rule}");

    let disabled = accounts.invited("disabled").await;
    let update = accounts.update(disabled.id, to_status(UserStatus::Disabled), &admin);
    let disabled = update.await.expect("an account can be disabled");
    let generation = disabled.token_generation;
    let set = accounts.set_first_password(disabled.id, generation, "new", &admin);
    assert!(matches!(set.await, Ok(None)), "{rule}");
    assert_eq!(accounts.must_find(disabled.id).await, disabled, "{rule}");
}

pub(super) async fn concurrent_first_passwords_succeed_once<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many that set the first password at the same moment one does";
    let jane = accounts.invited("jane").await;
    let results = accounts
        .race(MANY, move |accounts, n| async move {
            let name = format!("password{n}");
            let set = accounts.set_first_password(jane.id, 0, &name, Actor::System);
            set.await.map(|set| set.map(|_| hash(&name)))
        })
        .await;
    let set = results.into_iter().filter_map(|result| {
        result.expect("the first password can be set by many at the same moment")
    });
    let set: Vec<_> = set.collect();
    assert_eq!(set.len(), 1, "{rule}");
    let jane = accounts.must_find(jane.id).await;
    assert_eq!(
        (jane.hashed_password, jane.token_generation),
        (set.concat(), 1),
        "{rule}"
    );
}

pub(super) async fn first_password_needs_the_author_of_the_invitation<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "an invitation is invalid once its author is no admin";
    let root = accounts.first_admin("root").await;
    let admin = accounts.approved("admin", true, &root).await;
    let jane = accounts.invited("jane").await;
    let demoted = accounts.update(admin.id, to_admin(false), &root).await;
    demoted.expect("an admin can be demoted");
    let set = accounts.set_first_password(jane.id, 0, "new", &admin).await;
    assert!(
        matches!(set, Err(StoreError::NotAdmin(_))),
        "{rule}: {set:?}"
    );
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
}

pub(super) async fn invitation_is_renewed<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "another invitation sets the role, the time of registration and the next token \
                generation, and removes a password, of a pending account only that was neither \
                approved nor verified with one";
    let admin = accounts.first_admin("admin").await;
    let mut jane = accounts.invited("jane").await;
    for is_admin in [true, true, false] {
        let renewed = accounts.invite(jane.id, is_admin, &admin).await;
        jane.token_generation += 1;
        jane.is_admin = is_admin;
        jane.created_at = moment(1000);
        let renewed = renewed.expect("an account without a password can be invited again");
        assert_eq!(renewed.as_ref(), Some(&jane), "{rule}");
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    }
    let mark = accounts.register("mark").await;
    let taken = accounts.invite(mark.id, true, &admin).await;
    let taken = taken.expect("an account that nobody knows can be invited");
    let has_password = taken.as_ref().map(User::has_password);
    assert_eq!(has_password, Some(false), "{rule}");
    assert_eq!(accounts.find(mark.id).await, taken, "{rule}");
    let paul = accounts.register("paul").await;
    let paul = accounts.confirm(paul.id, 0, "paul", "paul").await;
    let paul = paul.ok().flatten().expect("an address can be confirmed");
    let renewed = accounts.invite(paul.id, true, &admin).await;
    assert!(matches!(renewed, Ok(None)), "{rule}: {renewed:?}");
    assert_eq!(accounts.must_find(paul.id).await, paul, "{rule}");
    let moved = accounts.update(jane.id, to_email("jane2"), &admin).await;
    assert_eq!(
        moved.expect("an address can be changed").token_generation,
        jane.token_generation + 1,
        "another address makes the links invalid that were sent to the one before"
    );
}

pub(super) async fn account_without_password_is_not_approved<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "an account without a password is not approved, also with an admin grant";
    let jane = accounts.invited("jane").await;
    let approved = accounts.update(jane.id, to_status(UserStatus::Approved), Actor::System);
    let approved = approved.await;
    assert!(
        matches!(approved, Err(StoreError::NoPassword)),
        "{rule}: {approved:?}"
    );
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    let granted = accounts.invited_with_grant("first").await;
    assert_eq!(
        (granted.is_admin, granted.status),
        (true, UserStatus::Pending),
        "{rule}"
    );
    let set = accounts
        .set_first_password_of_registration(granted.id, "new")
        .await;
    let first = set
        .expect("a first password can be set")
        .expect("it is set");
    assert!(
        first.is_active_admin(),
        "its owner becomes the first admin: {first:?}"
    );
    let second = accounts
        .set_first_password_of_registration(jane.id, "new")
        .await;
    let second = second
        .expect("a first password can be set")
        .expect("it is set");
    assert_eq!(
        (second.is_admin, second.status),
        (false, UserStatus::Pending),
        "{rule}"
    );
}

pub(super) async fn accounts_without_password_are_listed_apart<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let jane = accounts.register("jane").await;
    let invited = accounts.invited("invited").await;
    for (has_password, expected) in [
        (None, vec![jane.clone(), invited.clone()]),
        (Some(true), vec![jane]),
        (Some(false), vec![invited]),
    ] {
        let filter = UserFilter {
            status: Some(UserStatus::Pending),
            has_password,
            ..UserFilter::default()
        };
        let query = UserQuery {
            filter: filter.clone(),
            order: UserOrder::CreatedAt {
                descending: false,
                after: None,
            },
            limit: Some(10),
        };
        let rule = "accounts with and without a password are listed and counted apart";
        assert_eq!(
            accounts.list(query).await,
            expected,
            "{rule}: {has_password:?}"
        );
        let count = usize::try_from(accounts.count(filter).await);
        assert_eq!(count, Ok(expected.len()), "{rule}: {has_password:?}");
    }
}
