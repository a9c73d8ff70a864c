//! Rules about password hashes and the token generation.

use tower_warder::UserStatus;

use super::fixture::{Fixture, MANY, ROUNDS, hash, to_status};
use crate::{AccountStore, Actor};

pub(super) async fn reset_sets_the_hash_and_raises_the_generation<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let admin = accounts.first_admin("admin").await;
    let mut jane = accounts.register("jane").await;
    assert_eq!(jane.token_generation, 0, "the first token generation is 0");
    // The same hash again is a reset too.
    for name in ["new", "new", "newer"] {
        let reset = accounts.reset(jane.id, &hash(name), &admin).await;
        jane.hashed_password = hash(name);
        jane.token_generation += 1;
        assert_eq!(
            reset.expect("a password can be reset"),
            jane,
            "a reset returns the account after it: it raises the token generation by one"
        );
        assert_eq!(
            accounts.must_find(jane.id).await,
            jane,
            "a reset sets the hash, raises the token generation by one and changes nothing else"
        );
    }
    assert_eq!(
        accounts.must_find(admin.id).await,
        admin,
        "a reset changes no other account"
    );
}

pub(super) async fn temporary_password_is_marked_until_it_is_replaced<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let rule = "a reset sets whether the password has to be changed, a change of it removes that, \
                and nothing else changes it";
    let admin = accounts.first_admin("admin").await;
    let jane = accounts.approved("jane", false, &admin).await;
    let is_marked = async |is_marked| {
        let stored = accounts.must_find(jane.id).await;
        assert_eq!(stored.must_change_password, is_marked, "{rule}");
        stored
    };
    is_marked(false).await;
    for (must_change, new) in [(true, None), (false, None), (true, Some("owner's"))] {
        let old = hash("temporary");
        let reset = accounts.reset_to(jane.id, &old, must_change, &admin).await;
        let reset = reset.expect("a password can be reset");
        assert_eq!(reset, is_marked(must_change).await, "{rule}");
        let rehashed = accounts.rehash(jane.id, &old, &hash("better")).await;
        assert_eq!(
            rehashed.expect("a hash can be replaced"),
            Some(is_marked(must_change).await),
            "{rule}"
        );
        let changed = accounts.update(jane.id, to_status(UserStatus::Approved), &admin);
        let changed = changed.await.expect("a status can be changed");
        assert_eq!(changed, is_marked(must_change).await, "{rule}");
        let new = new.map(hash);
        let revoked = accounts.revoke(jane.id, changed.token_generation, new.as_deref());
        assert_eq!(
            revoked.await.expect("the tokens can be revoked"),
            Some(is_marked(must_change && new.is_none()).await),
            "{rule}"
        );
    }
    assert_eq!(accounts.must_find(admin.id).await, admin, "{rule}");
}

pub(super) async fn rehash_replaces_only_the_expected_hash<S: AccountStore>(accounts: Fixture<S>) {
    let mut jane = accounts.register("jane").await;
    let old = jane.hashed_password.clone();
    for (known, new, replaces) in [
        (old.as_str(), hash("better"), true),
        (old.as_str(), hash("late"), false),
        ("", hash("blind"), false),
        // Hashes differ by case.
        (&hash("BETTER"), hash("careless"), false),
        (&hash("better"), hash("best"), true),
    ] {
        let replaced = accounts.rehash(jane.id, known, &new).await;
        let replaced = replaced.expect("a hash can be replaced");
        assert_eq!(
            replaced.is_some(),
            replaces,
            "a rehash replaces the hash that it expects and no other"
        );
        if replaces {
            jane.hashed_password = new;
            assert_eq!(
                replaced.as_ref(),
                Some(&jane),
                "a rehash returns the account after it, and keeps the token generation"
            );
        }
        assert_eq!(
            accounts.must_find(jane.id).await,
            jane,
            "a rehash replaces the hash that it knows, keeps the token generation and changes \
             nothing else"
        );
    }
}

pub(super) async fn reset_wins_over_a_concurrent_rehash<S: AccountStore>(accounts: Fixture<S>) {
    let mut jane = accounts.register("jane").await;
    for round in 0..ROUNDS {
        let (old, reset) = (jane.hashed_password.clone(), hash(&format!("reset{round}")));
        let results = accounts
            .race(2, |accounts, n| {
                let (id, old, reset) = (jane.id, old.clone(), reset.clone());
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        accounts.reset(id, &reset, Actor::System).await.map(drop)
                    } else {
                        let better = hash("better");
                        accounts.rehash(id, &old, &better).await.map(drop)
                    }
                }
            })
            .await;
        for result in results {
            result.expect("a reset and a rehash at the same moment are no error");
        }
        jane.hashed_password = reset;
        jane.token_generation += 1;
        assert_eq!(
            accounts.must_find(jane.id).await,
            jane,
            "a reset wins over a rehash at the same moment"
        );
    }
}

pub(super) async fn concurrent_resets_all_raise_the_generation<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let jane = accounts.register("jane").await;
    let results = accounts
        .race(MANY, |accounts, n| {
            let id = jane.id;
            async move {
                let hash = hash(&format!("reset{n}"));
                accounts.reset(id, &hash, Actor::System).await
            }
        })
        .await;
    for result in results {
        result.expect("a password can be reset by many at the same moment");
    }
    assert_eq!(
        accounts.must_find(jane.id).await.token_generation,
        u64::from(MANY),
        "every reset raises the token generation, also at the same moment"
    );
}
