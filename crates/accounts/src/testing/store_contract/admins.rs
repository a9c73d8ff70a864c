//! Rules about the last admin.

use tower_warder::UserStatus;

use super::fixture::{
    Fixture, ROUNDS, email, hash, is_last_admin, is_not_admin, to_admin, to_email, to_status,
    winners,
};
use crate::{AccountStore, Actor, LastAdminError, StoreError, User, UserUpdate};

pub(super) async fn rejected_change_of_the_last_admin_changes_nothing<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let admin = accounts.first_admin("admin").await;
    accounts.approved("plain", false, &admin).await;
    let before = accounts.all().await;
    let both = |status| UserUpdate {
        email: Some(email("moved")),
        is_admin: Some(false),
        status,
    };
    for (update, reason) in [
        (to_admin(false), LastAdminError::Demotion),
        (both(None), LastAdminError::Demotion),
        // Demotion is reported first.
        (both(Some(UserStatus::Disabled)), LastAdminError::Demotion),
        (to_status(UserStatus::Disabled), LastAdminError::Disabling),
        (to_status(UserStatus::Pending), LastAdminError::Disabling),
        (
            UserUpdate {
                // A taken address is reported later.
                email: Some(email("plain")),
                ..to_status(UserStatus::Disabled)
            },
            LastAdminError::Disabling,
        ),
    ] {
        // For every actor.
        for by in [Actor::Admin(admin.id), Actor::System] {
            let result = accounts.update(admin.id, update.clone(), by).await;
            assert_rejected(result, reason, &format!("{update:?}"));
        }
    }
    let result = accounts.delete(admin.id, &admin).await;
    assert_rejected(result, LastAdminError::Deletion, "deletion");
    assert_eq!(
        accounts.all().await,
        before,
        "a rejected change changes nothing"
    );
    assert_eq!(
        accounts.find_by_email("moved").await,
        None,
        "a rejected change changes nothing"
    );

    for update in [
        UserUpdate::default(),
        to_admin(true),
        to_status(UserStatus::Approved),
        to_email("moved"),
    ] {
        let changed = accounts.update(admin.id, update, &admin).await;
        let changed = changed.expect("what leaves the last admin in place can be changed");
        assert!(changed.is_active_admin(), "the last admin stays");
    }
}

pub(super) async fn only_approved_admins_count<S: AccountStore>(accounts: Fixture<S>) {
    let admin = accounts.first_admin("admin").await;
    for (name, status) in [
        ("disabled", UserStatus::Disabled),
        ("pending", UserStatus::Pending),
    ] {
        let other = accounts.approved(name, true, &admin).await;
        accounts
            .update(other.id, to_status(status), &admin)
            .await
            .expect("an admin can be disabled where another one stays");
    }
    accounts.approved("plain", false, &admin).await;
    let result = accounts.update(admin.id, to_admin(false), &admin).await;
    assert_rejected(
        result,
        LastAdminError::Demotion,
        "others are disabled or pending",
    );
    let result = accounts.delete(admin.id, &admin).await;
    assert_rejected(
        result,
        LastAdminError::Deletion,
        "others are disabled or pending",
    );

    // An account that is not approved is never the last admin.
    let disabled = accounts.find_by_email("disabled").await;
    let id = disabled.map(|user| user.id).unwrap_or_default();
    accounts
        .update(id, to_admin(false), &admin)
        .await
        .expect("a disabled admin can be demoted");
    let pending = accounts.find_by_email("pending").await;
    let id = pending.map(|user| user.id).unwrap_or_default();
    accounts
        .delete(id, &admin)
        .await
        .expect("a pending admin can be deleted");

    let other = accounts.approved("other", true, &admin).await;
    accounts
        .update(admin.id, to_admin(false), &admin)
        .await
        .expect("an admin can step down where another one stays");
    let result = accounts.delete(other.id, &other).await;
    assert_rejected(result, LastAdminError::Deletion, "the other stepped down");
}

pub(super) async fn two_admins_cannot_remove_each_other<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of two admins who remove each other at the same moment one stays";
    let mut old = accounts.first_admin("admin").await;
    for round in 0..ROUNDS {
        let one = accounts.approved(&format!("one{round}"), true, &old).await;
        let two = accounts.approved(&format!("two{round}"), true, &old).await;
        accounts
            .delete(old.id, &one)
            .await
            .expect("an admin can be deleted where others stay");
        let results = accounts
            .race(2, |accounts, n| {
                let (by, target, how) = if n == 0 {
                    (one.clone(), two.clone(), round % 4)
                } else {
                    (two.clone(), one.clone(), round / 4 % 4)
                };
                async move { remove(&accounts, &target, &by, how).await }
            })
            .await;
        // The loser is no longer admin.
        let removals = winners(results, is_not_admin, rule);
        assert_eq!(removals.len(), 1, "{rule}");
        let mut left = accounts.active_admins().await;
        assert_eq!(left.len(), 1, "{rule}");
        old = left.remove(0);
    }
}

pub(super) async fn concurrent_demotions_leave_one_admin<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of many admins who step down at the same moment one stays";
    let first = accounts.first_admin("admin").await;
    let mut admins = vec![first.clone()];
    for n in 1..8 {
        admins.push(accounts.approved(&format!("admin{n}"), true, &first).await);
    }
    let results = accounts
        .race(8, |accounts, n| {
            let admin = admins.get(n as usize).cloned();
            let admin = admin.expect("as many attempts as admins");
            async move { remove(&accounts, &admin, &admin, n % 4).await }
        })
        .await;
    assert_eq!(winners(results, is_last_admin, rule).len(), 7, "{rule}");
    assert_eq!(accounts.active_admins().await.len(), 1, "{rule}");
}

pub(super) async fn only_approved_admins_change_accounts<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "only approved admins change accounts, others are rejected with NotAdmin";
    let admin = accounts.first_admin("admin").await;
    let plain = accounts.approved("plain", false, &admin).await;
    let jane = accounts.register("jane").await;
    let mut actors = vec![jane.id, plain.id, 0, -1, i64::MAX];
    for (name, status) in [
        ("disabled", UserStatus::Disabled),
        ("pending", UserStatus::Pending),
    ] {
        let other = accounts.approved(name, true, &admin).await;
        let changed = accounts.update(other.id, to_status(status), &admin).await;
        actors.push(changed.expect("an admin can be disabled").id);
    }
    let gone = accounts.approved("gone", true, &admin).await;
    let deleted = accounts.delete(gone.id, &admin).await;
    deleted.expect("an admin can be deleted where another one stays");
    actors.push(gone.id);

    let before = accounts.all().await;
    for by in actors {
        // Reported before every other error: unknown account, last admin, taken address.
        for id in [jane.id, by, gone.id, admin.id] {
            for update in [
                UserUpdate::default(),
                to_admin(false),
                to_status(UserStatus::Approved),
                to_email("plain"),
            ] {
                let result = accounts.update(id, update, Actor::Admin(by)).await;
                assert!(
                    result.as_ref().is_err_and(is_not_admin),
                    "{rule}: {result:?}"
                );
            }
            let result = accounts.delete(id, Actor::Admin(by)).await;
            assert!(
                result.as_ref().is_err_and(is_not_admin),
                "{rule}: {result:?}"
            );
            let result = accounts.reset(id, &hash("reset"), Actor::Admin(by)).await;
            assert!(
                result.as_ref().is_err_and(is_not_admin),
                "{rule}: {result:?}"
            );
        }
    }
    assert_eq!(
        accounts.all().await,
        before,
        "a rejected call changes nothing"
    );
}

pub(super) async fn disabled_admin_resets_no_password<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "a disabled admin resets no password, also at the same moment";
    let admin = accounts.first_admin("admin").await;
    for round in 0..ROUNDS {
        let other = accounts
            .approved(&format!("other{round}"), true, &admin)
            .await;
        let results = accounts
            .race(2, |accounts, n| {
                let (admin, other) = (admin.clone(), other.clone());
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        let reset = accounts.reset(admin.id, &hash("reset"), &other).await;
                        return reset.map(|_| None);
                    }
                    let update = to_status(UserStatus::Disabled);
                    accounts.update(other.id, update, &admin).await?;
                    let admin = accounts.must_find(admin.id).await;
                    Ok(Some(admin.token_generation))
                }
            })
            .await;
        let generations = winners(results, is_not_admin, rule);
        let now = accounts.must_find(admin.id).await.token_generation;
        assert!(generations.contains(&Some(now)), "{rule}");
    }
}

/// Removes an admin in one of four ways.
async fn remove<S: AccountStore>(
    accounts: &Fixture<S>,
    target: &User,
    by: &User,
    how: u32,
) -> Result<(), StoreError> {
    let update = match how {
        0 => to_admin(false),
        1 => to_status(UserStatus::Disabled),
        2 => to_status(UserStatus::Pending),
        _ => return accounts.delete(target.id, by).await,
    };
    accounts.update(target.id, update, by).await.map(drop)
}

fn assert_rejected<T>(result: Result<T, StoreError>, reason: LastAdminError, case: &str) {
    let given = match result {
        Ok(_) => panic!("the last admin stays ({case})"),
        Err(StoreError::LastAdmin(given)) => given,
        Err(error) => panic!("the last admin stays ({case}), but was kept by: {error:?}"),
    };
    assert_eq!(given, reason, "a rejection has its reason ({case})");
}
