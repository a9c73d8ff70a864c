//! Rules about the last admin.

use super::fixture::{
    Fixture, ROUNDS, email, is_last_admin, to_admin, to_email, to_status, winners,
};
use crate::accounts::{AccountStore, LastAdmin, StoreError, User, UserUpdate};
use crate::user::UserStatus;

pub(super) async fn a_refused_change_of_the_last_admin_changes_nothing<S: AccountStore>(
    accounts: Fixture<S>,
) {
    let admin = accounts.first_admin("admin").await;
    let plain = accounts.approved("plain", false, &admin).await;
    let before = accounts.all().await;
    let both = |status| UserUpdate {
        email: Some(email("moved")),
        is_admin: Some(false),
        status,
    };
    for (update, reason) in [
        (to_admin(false), LastAdmin::Demotion),
        (both(None), LastAdmin::Demotion),
        // Demotion is named first.
        (both(Some(UserStatus::Disabled)), LastAdmin::Demotion),
        (to_status(UserStatus::Disabled), LastAdmin::Disabling),
        (to_status(UserStatus::Pending), LastAdmin::Disabling),
        (
            UserUpdate {
                // Also an address that is taken is named later.
                email: Some(email("plain")),
                ..to_status(UserStatus::Disabled)
            },
            LastAdmin::Disabling,
        ),
    ] {
        // Whoever acts.
        for by in [&admin, &plain] {
            let refused = accounts.update(admin.id, update.clone(), by).await;
            assert_refused(refused, reason, &format!("{update:?}"));
        }
    }
    let refused = accounts.store().delete(admin.id).await;
    assert_refused(refused, LastAdmin::Deletion, "deletion");
    assert_eq!(
        accounts.all().await,
        before,
        "a refused change changes nothing"
    );
    assert_eq!(
        accounts.find_by_email("moved").await,
        None,
        "a refused change changes nothing"
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
    let refused = accounts.update(admin.id, to_admin(false), &admin).await;
    assert_refused(
        refused,
        LastAdmin::Demotion,
        "others are disabled or pending",
    );
    let refused = accounts.store().delete(admin.id).await;
    assert_refused(
        refused,
        LastAdmin::Deletion,
        "others are disabled or pending",
    );

    // Who is not approved is nobody's last admin.
    let disabled = accounts.find_by_email("disabled").await;
    let id = disabled.map(|user| user.id).unwrap_or_default();
    accounts
        .update(id, to_admin(false), &admin)
        .await
        .expect("a disabled admin can be demoted");
    let pending = accounts.find_by_email("pending").await;
    let id = pending.map(|user| user.id).unwrap_or_default();
    accounts
        .store()
        .delete(id)
        .await
        .expect("a pending admin can be deleted");

    let other = accounts.approved("other", true, &admin).await;
    accounts
        .update(admin.id, to_admin(false), &admin)
        .await
        .expect("an admin can step down where another one stays");
    let refused = accounts.store().delete(other.id).await;
    assert_refused(refused, LastAdmin::Deletion, "the other stepped down");
}

pub(super) async fn two_admins_cannot_remove_each_other<S: AccountStore>(accounts: Fixture<S>) {
    let rule = "of two admins who remove each other at the same moment one stays";
    let mut old = accounts.first_admin("admin").await;
    for round in 0..ROUNDS {
        let one = accounts.approved(&format!("one{round}"), true, &old).await;
        let two = accounts.approved(&format!("two{round}"), true, &old).await;
        accounts
            .store()
            .delete(old.id)
            .await
            .expect("an admin can be deleted where others stay");
        let results = accounts
            .race(2, |accounts, n| {
                let (by, whom, how) = if n == 0 {
                    (one.clone(), two.clone(), round % 4)
                } else {
                    (two.clone(), one.clone(), round / 4 % 4)
                };
                async move { remove(&accounts, &whom, &by, how).await }
            })
            .await;
        let removals = winners(results, is_last_admin, rule);
        assert_eq!(removals.len(), 1, "{rule}");
        let mut left = accounts.active_admins().await;
        assert_eq!(left.len(), 1, "{rule}");
        old = left.remove(0);
    }
}

pub(super) async fn admins_who_all_step_down_leave_one<S: AccountStore>(accounts: Fixture<S>) {
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

/// One of the four ways to remove an admin.
async fn remove<S: AccountStore>(
    accounts: &Fixture<S>,
    whom: &User,
    by: &User,
    how: u32,
) -> Result<(), StoreError> {
    let update = match how {
        0 => to_admin(false),
        1 => to_status(UserStatus::Disabled),
        2 => to_status(UserStatus::Pending),
        _ => return accounts.store().delete(whom.id).await,
    };
    accounts.update(whom.id, update, by).await.map(drop)
}

fn assert_refused<T>(result: Result<T, StoreError>, reason: LastAdmin, case: &str) {
    let given = match result {
        Ok(_) => panic!("the last admin stays ({case})"),
        Err(StoreError::LastAdmin(given)) => given,
        Err(error) => panic!("the last admin stays ({case}), but was kept by: {error:?}"),
    };
    assert_eq!(given, reason, "a refusal names its reason ({case})");
}
