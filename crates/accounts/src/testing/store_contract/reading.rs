//! Rules about finding accounts.

use super::fixture::{Fixture, is_not_found, to_email};
use crate::{AccountStore, Actor, UserUpdate};

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
        let replaced = accounts.rehash(id, "", "hash").await;
        assert!(
            matches!(replaced, Ok(None)),
            "a rehash of a missing account is rejected with Outdated: {replaced:?}"
        );
    }
    assert_eq!(
        accounts.all().await,
        [jane],
        "a rejected call changes nothing"
    );
}
