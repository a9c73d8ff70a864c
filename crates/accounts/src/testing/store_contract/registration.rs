//! Rules about registration: the first admin, and one account per address.

use std::collections::HashSet;

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, email, is_email_taken, moment, new_user, to_status, winners};
use crate::{AccountStore, Actor, AdminGrant, Email, NewUser};

pub(super) async fn account_is_stored_as_registered<S: AccountStore>(accounts: Fixture<S>) {
    let domain = format!("{}.org", ["a"; 3].map(|it| it.repeat(61)).join("."));
    let longest = Email::new(&format!("{}@{domain}", "j".repeat(64)));
    let hash = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$dGFn";
    for (email, hashed_password, is_admin, status) in [
        (email("jane+x_y%z.w-v"), hash, false, UserStatus::Pending),
        (
            email("john"),
            "unreadable; 'quoted' \"twice\" ü🗼",
            false,
            UserStatus::Approved,
        ),
        (email("o'jack`{|}~"), "", true, UserStatus::Disabled),
        (
            longest.expect("an address of 254 characters"),
            "hash",
            true,
            UserStatus::Approved,
        ),
    ] {
        let new = NewUser {
            email: email.clone(),
            hashed_password: hashed_password.to_owned(),
            is_admin,
            status,
            created_at: moment(0),
            admin_grant: AdminGrant::Never,
        };
        let inserted = accounts
            .store()
            .insert(new.clone())
            .await
            .expect("a free address can be registered");
        assert!(inserted.id > 0, "an id is positive");
        assert_eq!(
            inserted,
            new.into_user(inserted.id, false),
            "an account has the address, the hash, the role, the status and the time that it was \
             registered with"
        );
        assert_eq!(
            accounts.find(inserted.id).await.as_ref(),
            Some(&inserted),
            "an account is found by id as it was registered"
        );
        let found = accounts.store().find_by_email(&email).await;
        assert_eq!(
            found.expect("accounts can be found by address"),
            Some(inserted),
            "an account is found by address as it was registered"
        );
    }
}

pub(super) async fn concurrent_first_accounts_yield_one_admin<S: AccountStore>(
    accounts: Fixture<S>,
) {
    concurrent_registrations_yield_one_admin(accounts, AdminGrant::IfFirstAccount).await;
}

pub(super) async fn concurrent_first_admins_yield_one_admin<S: AccountStore>(accounts: Fixture<S>) {
    accounts.register("early").await;
    concurrent_registrations_yield_one_admin(accounts, AdminGrant::IfNoAdmin).await;
}

async fn concurrent_registrations_yield_one_admin<S: AccountStore>(
    accounts: Fixture<S>,
    admin_grant: AdminGrant,
) {
    let results = accounts
        .race(MANY, move |accounts, n| async move {
            accounts.insert(&format!("user{n}"), admin_grant).await
        })
        .await;
    let registered: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("many different addresses at the same moment all succeed"))
        .collect();

    let ids: HashSet<_> = registered.iter().map(|user| user.id).collect();
    assert_eq!(ids.len(), registered.len(), "no two accounts have one id");
    let admins = registered.iter().filter(|user| user.is_active_admin());
    assert_eq!(
        admins.count(),
        1,
        "of many who register at the same moment exactly one becomes admin ({admin_grant:?})"
    );
    for user in registered {
        let name = user.email.trim_end_matches("@example.org");
        assert_eq!(
            user,
            new_user(name, admin_grant).into_user(user.id, user.is_active_admin()),
            "the first admin is admin and approved, all others are neither ({admin_grant:?})"
        );
        assert_eq!(
            accounts.must_find(user.id).await,
            user,
            "an account is kept as it was registered ({admin_grant:?})"
        );
    }
}

pub(super) async fn admin_grant_depends_on_its_condition<S: AccountStore>(accounts: Fixture<S>) {
    for (name, admin_grant, given, rule) in [
        (
            "a",
            AdminGrant::Never,
            false,
            "AdminGrant::Never never makes an admin",
        ),
        (
            "b",
            AdminGrant::IfFirstAccount,
            false,
            "there is already an account",
        ),
        (
            "c",
            AdminGrant::IfNoAdmin,
            true,
            "pending accounts do not count as the first admin",
        ),
        (
            "d",
            AdminGrant::IfNoAdmin,
            false,
            "there is already an approved admin",
        ),
    ] {
        let user = accounts.insert(name, admin_grant).await;
        let user = user.expect("a free address can be registered");
        assert_eq!(user.is_active_admin(), given, "{rule}");
        assert_eq!(user.is_admin, given, "{rule}");
    }
}

pub(super) async fn rejected_registration_keeps_the_admin_grant<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let early = accounts.register("early").await;
    let result = accounts.insert("early", AdminGrant::IfNoAdmin).await;
    assert!(
        result.as_ref().is_err_and(is_email_taken),
        "an address that is taken is rejected with EmailTaken, also for the first admin: {result:?}"
    );
    assert_eq!(
        accounts.must_find(early.id).await,
        early,
        "a rejected registration changes nothing"
    );
    assert!(
        accounts.first_admin("admin").await.is_active_admin(),
        "a rejected registration keeps the grant available"
    );
}

pub(super) async fn concurrent_claims_of_an_address_succeed_once<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "of many who register one address at the same moment exactly one gets it";
    let results = accounts
        .race(MANY, |accounts, _| async move {
            accounts.insert("jane", AdminGrant::IfFirstAccount).await
        })
        .await;
    let winners = winners(results, is_email_taken, rule);
    assert_eq!(winners.len(), 1, "{rule}");
    assert!(
        winners.iter().all(|user| user.is_active_admin()),
        "the first account becomes admin"
    );
    assert_eq!(accounts.all().await, winners, "{rule}");

    let disabled = winners.first().map(|user| user.id).unwrap_or_default();
    let second = accounts.approved("second", true, Actor::System).await;
    accounts
        .update(disabled, to_status(UserStatus::Disabled), &second)
        .await
        .expect("an admin can be disabled where another one stays");
    let again = accounts.insert("jane", AdminGrant::Never).await;
    assert!(
        again.as_ref().is_err_and(is_email_taken),
        "a disabled account keeps its address: {again:?}"
    );
}
