//! Rules about updating accounts.

use tower_warder::UserStatus;

use super::fixture::{
    Fixture, MANY, ROUNDS, email, hash, is_email_taken, moment, to_admin, to_email, to_status,
    winners,
};
use crate::{AccountStore, AdminGrant, User, UserAction, UserChange, UserUpdate};

pub(super) async fn leaving_approved_raises_the_generation<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "leaving approved raises the token generation by one, in the same write";
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.approved("jane", false, &admin).await;
    let mut generation = jane.token_generation;
    for (status, raised) in [
        (UserStatus::Disabled, 1),
        (UserStatus::Pending, 0),
        (UserStatus::Approved, 0),
        (UserStatus::Approved, 0),
        (UserStatus::Pending, 1),
        (UserStatus::Disabled, 0),
        (UserStatus::Approved, 0),
    ] {
        generation += raised;
        let changed = accounts.update(jane.id, to_status(status), &admin).await;
        let changed = changed.expect("a status can be changed");
        assert_eq!(changed.token_generation, generation, "{rule}");
        assert_eq!(accounts.must_find(jane.id).await, changed, "{rule}");
    }
}

pub(super) async fn concurrent_disabling_and_revocation_both_count<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "leaving approved and an end of the tokens at the same moment both raise the token \
                generation";
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.approved("jane", false, &admin).await;
    for round in 0..ROUNDS {
        let approval = accounts.update(jane.id, to_status(UserStatus::Approved), &admin);
        let before = approval.await.expect("a status can be changed");
        let results = accounts
            .race(2, |accounts, n| {
                let (id, generation, admin) = (jane.id, before.token_generation, admin.clone());
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        let disabling = to_status(UserStatus::Disabled);
                        let disabled = accounts.update(id, disabling, &admin).await;
                        disabled.map(|_| 1)
                    } else {
                        let ended = accounts.revoke(id, generation, None).await;
                        ended.map(|ended| u64::from(ended.is_some()))
                    }
                }
            })
            .await;
        let raised = results
            .into_iter()
            .map(|result| result.expect("both at the same moment are no error"));
        let generation = before.token_generation + raised.sum::<u64>();
        let after = accounts.must_find(jane.id).await;
        assert_eq!(after.token_generation, generation, "{rule}");
        assert_eq!(after.status, UserStatus::Disabled, "{rule}");
    }
}

pub(super) async fn update_changes_only_the_given_fields<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    let mut expected = accounts.approved("jane", false, &admin).await;
    let everything = UserUpdate {
        email: Some(email("joan")),
        is_admin: Some(true),
        status: Some(UserStatus::Disabled),
    };
    for update in [
        UserUpdate::default(),
        to_admin(true),
        to_email("janet"),
        to_status(UserStatus::Pending),
        to_admin(false),
        everything,
    ] {
        if let Some(email) = &update.email {
            expected.email = email.as_str().to_owned();
        }
        expected.is_admin = update.is_admin.unwrap_or(expected.is_admin);
        // Only the change to pending leaves the approved status.
        expected.token_generation += u64::from(update.status == Some(UserStatus::Pending));
        expected.status = update.status.unwrap_or(expected.status);
        let changed = accounts.update(expected.id, update, &admin).await;
        assert_eq!(
            changed.expect("an account can be changed"),
            expected,
            "an update changes what it names and returns the account after it"
        );
        assert_eq!(
            accounts.must_find(expected.id).await,
            expected,
            "an update is kept as it was returned"
        );
    }
    assert_eq!(
        accounts.must_find(admin.id).await,
        admin,
        "an update changes no other account"
    );
}

pub(super) async fn first_approval_is_recorded<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    let other = accounts.approved("other", true, &admin).await;
    let jane = accounts.register("jane").await;
    let change = async |status, by: &User, seconds| {
        let change = UserChange {
            id: jane.id,
            action: UserAction::Update(to_status(status)),
            by: by.into(),
            at: moment(seconds),
        };
        let changed = accounts.store().change(&change).await;
        let changed = changed
            .expect("a status can be changed")
            .unwrap_or(jane.clone());
        (changed.approved_at, changed.approved_by)
    };
    assert_eq!(
        change(UserStatus::Disabled, &other, 1).await,
        (None, None),
        "what is no approval is not recorded as one"
    );
    let first = (Some(moment(2)), Some(admin.id));
    for (status, by, seconds) in [
        (UserStatus::Approved, &admin, 2),
        (UserStatus::Approved, &other, 3),
        (UserStatus::Pending, &other, 4),
        (UserStatus::Approved, &other, 5),
    ] {
        assert_eq!(
            change(status, by, seconds).await,
            first,
            "the first approval is recorded and never changed again"
        );
    }
}

pub(super) async fn owner_sets_the_display_name<S: AccountStore>(accounts: Fixture<S>) {
    let rule =
        "an owner sets and removes the display name in the named generation, and nothing else";
    let admin = accounts.first_admin("admin").await;
    let mut jane = accounts.approved("jane", false, &admin).await;
    for name in [
        Some("Jane"),
        Some("Zo\u{eb} <b> 'x' \u{1f5fc}"),
        None,
        Some("Jane"),
    ] {
        let named = accounts.name(jane.id, jane.token_generation, name).await;
        jane.display_name = name.map(str::to_owned);
        assert_eq!(
            named.expect("a name can be set"),
            Some(jane.clone()),
            "{rule}"
        );
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
        assert_eq!(
            accounts.find_by_email("jane").await,
            Some(jane.clone()),
            "{rule}"
        );
        assert_eq!(
            accounts.all().await,
            [jane.clone(), admin.clone()],
            "{rule}"
        );
    }
    let other = jane.token_generation + 1;
    let rejected = accounts.name(jane.id, other, Some("Eve")).await;
    assert_eq!(rejected.expect(rule), None, "{rule}");
    // Changes of others keep it.
    let changed = accounts.update(jane.id, to_status(UserStatus::Disabled), &admin);
    let changed = changed.await.expect("a status can be changed");
    assert_eq!(changed.display_name, jane.display_name, "{rule}");
    let rejected = accounts.name(jane.id, changed.token_generation, None).await;
    assert_eq!(rejected.expect(rule), None, "{rule}");
    assert_eq!(accounts.must_find(jane.id).await, changed, "{rule}");
}

pub(super) async fn address_moves_with_its_account<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.register("jane").await;
    for name in ["jane", "janet"] {
        let changed = accounts.update(jane.id, to_email(name), &admin).await;
        let changed = changed.expect("an address that is free or one's own can be set");
        assert_eq!(
            accounts.find_by_email(name).await,
            Some(changed),
            "an account is found by its address"
        );
    }
    assert_eq!(
        accounts.find_by_email("jane").await,
        None,
        "no account is found by an address that moved"
    );
    let successor = accounts.register("jane").await;
    assert_ne!(successor.id, jane.id, "an address that moved is free");
}

pub(super) async fn taken_address_is_rejected<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    accounts.register("john").await;
    let jane = accounts.register("jane").await;
    let before = accounts.all().await;
    let update = UserUpdate {
        email: Some(email("john")),
        is_admin: Some(true),
        status: Some(UserStatus::Approved),
    };
    let result = accounts.update(jane.id, update, &admin).await;
    assert!(
        result.as_ref().is_err_and(is_email_taken),
        "an address of another account is rejected with EmailTaken: {result:?}"
    );
    assert_eq!(
        accounts.all().await,
        before,
        "a rejected change changes nothing"
    );
}

pub(super) async fn concurrent_claims_of_an_address_succeed_once<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "of many who take one address at the same moment exactly one gets it";
    let admin = accounts.first_admin("admin").await;
    for n in 0..MANY {
        accounts.register(&format!("user{n}")).await;
    }
    let before = accounts.all().await;
    let results = accounts
        .race(MANY, |accounts, n| {
            let admin = admin.clone();
            async move {
                // Some update their address, some register.
                if n % 5 == 0 {
                    return accounts.insert("jane", AdminGrant::Never).await;
                }
                let user = accounts.find_by_email(&format!("user{n}")).await;
                let id = user.map(|user| user.id).unwrap_or_default();
                accounts.update(id, to_email("jane"), &admin).await
            }
        })
        .await;
    let winners = winners(results, is_email_taken, rule);
    assert_eq!(winners.len(), 1, "{rule}");
    let winner = winners.into_iter().next();
    assert_eq!(accounts.find_by_email("jane").await, winner, "{rule}");
    for user in before {
        if winner.as_ref().is_none_or(|winner| winner.id != user.id) {
            assert_eq!(
                accounts.must_find(user.id).await,
                user,
                "a rejected change changes nothing"
            );
        }
    }
}

pub(super) async fn concurrent_changes_are_all_kept<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    for round in 0..ROUNDS {
        let mut expected = accounts.register(&format!("old{round}")).await;
        let id = expected.id;
        let results = accounts
            .race(4, |accounts, n| {
                let admin = admin.clone();
                async move {
                    let update = match n {
                        0 => to_admin(true),
                        1 => to_email(&format!("new{round}")),
                        2 => to_status(UserStatus::Approved),
                        _ => {
                            let reset = accounts.reset(id, &hash("reset"), &admin).await;
                            return reset.map(drop);
                        }
                    };
                    accounts.update(id, update, &admin).await.map(drop)
                }
            })
            .await;
        for result in results {
            result.expect("changes of one account at the same moment all succeed");
        }
        expected.is_admin = true;
        expected.email = email(&format!("new{round}")).into();
        expected.status = UserStatus::Approved;
        expected.approved_at = Some(moment(1000));
        expected.approved_by = Some(admin.id);
        expected.hashed_password = hash("reset");
        expected.token_generation = 1;
        assert_eq!(
            accounts.must_find(id).await,
            expected,
            "changes of one account at the same moment all stay"
        );
    }
}
