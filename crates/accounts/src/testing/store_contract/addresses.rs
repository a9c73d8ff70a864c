//! Rules about the confirmation of addresses.

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, email, is_email_taken, moment, to_email, to_status, winners};
use crate::{AccountStore, Actor};

pub(super) async fn confirmed_address_is_verified<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "an address is verified if the account has it and the named generation, pending or \
                approved: nothing else changes";
    let mut jane = accounts.register("jane").await;
    for (generation, name) in [(1, "jane"), (0, "jan"), (0, "jane2")] {
        let other = accounts.confirm(jane.id, generation, name, name).await;
        assert!(matches!(other, Ok(None)), "{rule}: {other:?}");
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    }
    let confirmed = accounts.confirm(jane.id, 0, "jane", "jane").await;
    jane.email_verified_at = Some(moment(1000));
    assert_eq!(
        confirmed.expect("an address can be confirmed").as_ref(),
        Some(&jane),
        "{rule}"
    );
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");

    let paul = accounts.approved("paul", false, Actor::System).await;
    let confirmed = accounts.confirm(paul.id, 0, "paul", "paul").await;
    assert!(matches!(confirmed, Ok(Some(_))), "{rule}: {confirmed:?}");
    assert!(
        accounts
            .must_find(paul.id)
            .await
            .email_verified_at
            .is_some(),
        "{rule}"
    );

    let rule = "the address of a disabled or a missing account is not verified";
    let eve = accounts.register("eve").await;
    let disabled = accounts
        .update(eve.id, to_status(UserStatus::Disabled), Actor::System)
        .await;
    let disabled = disabled.expect("an account can be disabled");
    let late = accounts
        .confirm(eve.id, disabled.token_generation, "eve", "eve")
        .await;
    assert!(matches!(late, Ok(None)), "{rule}: {late:?}");
    assert_eq!(accounts.must_find(eve.id).await, disabled, "{rule}");
    let missing = accounts.confirm(eve.id + 1, 0, "eve", "eve").await;
    assert!(matches!(missing, Ok(None)), "{rule}: {missing:?}");

    let rule = "another address that is set is not verified";
    let moved = accounts
        .update(jane.id, to_email("jane2"), Actor::System)
        .await;
    let moved = moved.expect("an address can be changed");
    assert_eq!(moved.email_verified_at, None, "{rule}");
    assert_eq!(accounts.must_find(jane.id).await, moved, "{rule}");
}

pub(super) async fn confirmed_change_moves_the_address<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "a confirmed change of an address sets it, verifies it and raises the generation by one, \
                if the account has the address before and the named generation";
    let mut jane = accounts.approved("jane", false, Actor::System).await;
    for (generation, from) in [(1, "jane"), (0, "jan"), (0, "new")] {
        let other = accounts.confirm(jane.id, generation, from, "new").await;
        assert!(matches!(other, Ok(None)), "{rule}: {other:?}");
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
    }
    let changed = accounts.confirm(jane.id, 0, "jane", "new").await;
    jane.email = email("new").into();
    jane.email_verified_at = Some(moment(1000));
    jane.token_generation = 1;
    assert_eq!(
        changed.expect("a change can be confirmed").as_ref(),
        Some(&jane),
        "{rule}"
    );
    assert_eq!(
        accounts.find_by_email("new").await,
        Some(jane.clone()),
        "{rule}"
    );
    assert_eq!(accounts.find_by_email("jane").await, None, "{rule}");

    let rule = "a confirmed change to the address of another account changes nothing";
    let paul = accounts.approved("paul", false, Actor::System).await;
    let taken = accounts.confirm(paul.id, 0, "paul", "new").await;
    assert!(
        taken.as_ref().is_err_and(is_email_taken),
        "{rule}: {taken:?}"
    );
    assert_eq!(accounts.must_find(paul.id).await, paul, "{rule}");
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
}

pub(super) async fn concurrent_confirmations_succeed_once<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many confirmed changes of one account at the same moment one is made";
    let jane = accounts.approved("jane", false, Actor::System).await;
    let id = jane.id;
    let results = accounts
        .race(MANY, |accounts, n| async move {
            let name = format!("jane{n}");
            let changed = accounts.confirm(id, 0, "jane", &name).await;
            changed.map(|changed| changed.map(|user| user.email))
        })
        .await;
    let changed: Vec<_> = results
        .into_iter()
        .filter_map(|result| result.expect("changes can be confirmed at the same moment"))
        .collect();
    assert_eq!(changed.len(), 1, "{rule}");
    let after = accounts.must_find(id).await;
    assert_eq!(after.email, changed.concat(), "{rule}");
    assert_eq!(after.token_generation, 1, "{rule}");

    let rule = "of many accounts that confirm one address at the same moment one gets it";
    let mut ids = Vec::new();
    for n in 0..MANY {
        let name = format!("user{n}");
        ids.push(accounts.approved(&name, false, Actor::System).await.id);
    }
    let results = accounts
        .race(MANY, |accounts, n| {
            let id = ids.get(n as usize).copied().unwrap_or_default();
            async move {
                let from = format!("user{n}");
                accounts.confirm(id, 0, &from, "free").await
            }
        })
        .await;
    assert_eq!(winners(results, is_email_taken, rule).len(), 1, "{rule}");
}
