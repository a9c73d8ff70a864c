//! Rules about revoking the tokens of an account.

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, ROUNDS, hash, to_status};
use crate::{AccountStore, Actor};

pub(super) async fn tokens_of_the_expected_generation_are_revoked<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "the tokens of an account end if it is approved and of the named generation: the \
                generation is raised by one, a given hash is set, and nothing else changes";
    let admin = accounts.first_admin("admin").await;
    let mut jane = accounts.approved("jane", false, &admin).await;
    for (generation, name, ends) in [
        (0, None, true),
        (0, None, false),
        (0, Some("late"), false),
        (2, Some("early"), false),
        (1, Some("new"), true),
        (2, None, true),
        (3, Some("newer"), true),
    ] {
        let new = name.map(hash);
        let ended = accounts.revoke(jane.id, generation, new.as_deref()).await;
        let ended = ended.expect("the tokens of an account can be ended");
        assert_eq!(ended.is_some(), ends, "{rule}");
        if ends {
            jane.token_generation += 1;
            jane.hashed_password = new.unwrap_or(jane.hashed_password);
        }
        assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
        assert!(ended.is_none_or(|ended| ended == jane), "{rule}");
    }
    for status in [UserStatus::Pending, UserStatus::Disabled] {
        let update = accounts.update(jane.id, to_status(status), &admin).await;
        let inactive = update.expect("an account can be disabled");
        let generation = inactive.token_generation;
        let ended = accounts.revoke(jane.id, generation, Some("mine")).await;
        assert!(matches!(ended, Ok(None)), "{rule}: {ended:?}");
        assert_eq!(accounts.must_find(jane.id).await, inactive, "{rule}");
    }
    let missing = accounts.revoke(jane.id + 1, 0, None).await;
    assert!(matches!(missing, Ok(None)), "{rule}: {missing:?}");
    assert_eq!(accounts.must_find(admin.id).await, admin, "{rule}");
}

pub(super) async fn concurrent_revocations_succeed_once<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many that end one generation at the same moment one does, and its hash is set";
    let mut jane = accounts.approved("jane", false, Actor::System).await;
    let results = accounts
        .race(MANY, |accounts, n| {
            let id = jane.id;
            async move {
                let new = hash(&format!("change{n}"));
                let ended = accounts.revoke(id, 0, Some(&new)).await;
                ended.map(|ended| ended.map(|_| new))
            }
        })
        .await;
    let ended = results.into_iter().filter_map(|result| {
        result.expect("the tokens of an account can be ended by many at the same moment")
    });
    let ended: Vec<_> = ended.collect();
    assert_eq!(ended.len(), 1, "{rule}");
    jane.token_generation = 1;
    jane.hashed_password = ended.concat();
    assert_eq!(accounts.must_find(jane.id).await, jane, "{rule}");
}

pub(super) async fn reset_wins_over_a_concurrent_change<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "a reset wins over a change of the password at the same moment";
    let jane = accounts.approved("jane", false, Actor::System).await;
    for round in 0..ROUNDS {
        let reset = hash(&format!("reset{round}"));
        let before = accounts.must_find(jane.id).await;
        let results = accounts
            .race(2, |accounts, n| {
                let (id, generation, reset) = (jane.id, before.token_generation, reset.clone());
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        let reset = accounts.reset(id, &reset, Actor::System).await;
                        reset.map(|_| 1)
                    } else {
                        let own = hash("own");
                        let ended = accounts.revoke(id, generation, Some(&own)).await;
                        ended.map(|ended| u64::from(ended.is_some()))
                    }
                }
            })
            .await;
        let raised = results
            .into_iter()
            .map(|result| result.expect("a reset and a change at the same moment are no error"));
        let generation = before.token_generation + raised.sum::<u64>();
        let after = accounts.must_find(jane.id).await;
        assert_eq!(after.hashed_password, reset, "{rule}");
        assert_eq!(after.token_generation, generation, "{rule}");
    }
}
