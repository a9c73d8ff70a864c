//! Rules of each change, over accounts in each state.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::actor::NotAdmin;
use crate::email::Email;

use UserStatus::{Approved, Disabled, Pending};

fn user(is_admin: bool, status: UserStatus) -> User {
    User {
        id: 7,
        email: "jane@example.org".to_owned(),
        hashed_password: "hash".to_owned(),
        is_admin,
        status,
        created_at: UNIX_EPOCH,
        approved_at: None,
        approved_by: None,
        token_generation: 3,
        email_verified_at: None,
        display_name: None,
        must_change_password: false,
    }
}

fn admin(id: i64) -> User {
    let admin = user(true, Approved);
    User { id, ..admin }
}

fn change(action: UserAction) -> UserChange {
    UserChange {
        id: 7,
        action,
        by: Actor::System,
        at: UNIX_EPOCH + Duration::from_secs(60),
    }
}

fn update(is_admin: Option<bool>, status: Option<UserStatus>) -> UserChange {
    change(UserAction::Update(UserUpdate {
        email: None,
        is_admin,
        status,
    }))
}

fn applied(change: &UserChange, user: &User) -> User {
    change.apply([user, &admin(1), &admin(2)]).unwrap().unwrap()
}

#[test]
fn last_admin_keeps_role_and_approval() {
    let last = user(true, Approved);
    for (change, error) in [
        (update(None, None), None),
        (update(Some(true), Some(Approved)), None),
        (update(Some(false), None), Some(LastAdminError::Demotion)),
        (
            update(None, Some(Disabled)),
            Some(LastAdminError::Disabling),
        ),
        (update(None, Some(Pending)), Some(LastAdminError::Disabling)),
        (
            update(Some(true), Some(Pending)),
            Some(LastAdminError::Disabling),
        ),
        (
            update(Some(false), Some(Disabled)),
            Some(LastAdminError::Demotion),
        ),
        (change(UserAction::Delete), Some(LastAdminError::Deletion)),
        (
            change(UserAction::DeleteOwn { generation: 3 }),
            Some(LastAdminError::Deletion),
        ),
    ] {
        for status in [Pending, Disabled] {
            let inactive = User { status, ..admin(1) };
            let rejected = match change.apply([&last, &inactive]) {
                Ok(_) => None,
                Err(StoreError::LastAdmin(error)) => Some(error),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(rejected, error, "{change:?}");
        }
        assert!(change.apply([&last, &admin(1)]).is_ok(), "{change:?}");
    }
}

#[test]
fn admin_that_is_not_approved_is_not_the_last_one() {
    for status in [Pending, Disabled] {
        let admin = user(true, status);
        assert!(update(Some(false), None).apply([&admin]).is_ok());
        let deleted = change(UserAction::Delete).apply([&admin]).unwrap();
        assert_eq!(deleted, None);
    }
}

#[test]
fn actor_is_checked_before_everything_else() {
    let pending = User {
        status: Pending,
        ..admin(1)
    };
    let plain = User {
        is_admin: false,
        ..admin(1)
    };
    for (action, by, expected) in [
        (UserAction::Delete, &pending, Some(NotAdmin::Inactive)),
        (UserAction::Delete, &plain, Some(NotAdmin::Demoted)),
        (UserAction::Delete, &admin(2), Some(NotAdmin::Inactive)),
        (UserAction::Delete, &admin(1), None),
    ] {
        let change = UserChange {
            by: Actor::Admin(1),
            ..change(action)
        };
        let error = change.apply([by]).unwrap_err();
        match (error, expected) {
            (StoreError::NotAdmin(error), Some(expected)) => assert_eq!(error, expected),
            (StoreError::NotFound, None) => {}
            (error, expected) => panic!("{error} {expected:?}"),
        }
    }
}

#[test]
fn approval_is_recorded_once() {
    let first = UserChange {
        by: Actor::Admin(1),
        ..update(None, Some(Approved))
    };
    let approved = applied(&first, &user(false, Pending));
    assert_eq!(approved.approved_at, Some(first.at));
    assert_eq!(approved.approved_by, Some(1));

    let disabled = applied(&update(None, Some(Disabled)), &approved);
    let again = UserChange {
        by: Actor::Admin(2),
        at: first.at + Duration::from_secs(60),
        ..first
    };
    let again = applied(&again, &disabled);
    assert_eq!(again.approved_at, approved.approved_at);
    assert_eq!(again.approved_by, approved.approved_by);
}

#[test]
fn leaving_approved_raises_the_token_generation() {
    for (from, to, generation) in [
        (Approved, Disabled, 4),
        (Approved, Pending, 4),
        (Approved, Approved, 3),
        (Pending, Approved, 3),
        (Disabled, Approved, 3),
        (Pending, Disabled, 3),
        (Disabled, Pending, 3),
    ] {
        let changed = applied(&update(None, Some(to)), &user(false, from));
        assert_eq!(changed.token_generation, generation, "{from:?} {to:?}");
    }
    let promoted = applied(&update(Some(true), None), &user(false, Approved));
    assert_eq!(promoted.token_generation, 3);
}

#[test]
fn another_address_is_not_verified() {
    let verified = User {
        email_verified_at: Some(UNIX_EPOCH),
        ..user(false, Approved)
    };
    for (email, still) in [
        (None, true),
        (Some("jane@example.org"), true),
        (Some("paul@example.org"), false),
    ] {
        let change = change(UserAction::Update(UserUpdate {
            email: email.map(|email| Email::new(email).unwrap()),
            is_admin: None,
            status: None,
        }));
        let changed = applied(&change, &verified);
        assert_eq!(changed.email_verified_at.is_some(), still, "{email:?}");
    }
}

#[test]
fn confirmed_address_is_verified_and_replaced() {
    let email = |name: &str| Email::new(&format!("{name}@example.org")).unwrap();
    for (status, generation, from, to, expected) in [
        (Approved, 3, "jane", "jane", Some(3)),
        (Pending, 3, "jane", "jane", Some(3)),
        (Approved, 3, "jane", "new", Some(4)),
        (Disabled, 3, "jane", "jane", None),
        (Approved, 2, "jane", "jane", None),
        (Approved, 4, "jane", "new", None),
        (Approved, 3, "other", "jane", None),
        (Approved, 3, "other", "other", None),
    ] {
        let change = change(UserAction::ConfirmEmail {
            generation,
            from: email(from),
            to: email(to),
        });
        match (change.apply([&user(false, status)]), expected) {
            (Ok(Some(user)), Some(generation)) => {
                assert_eq!(user.email, email(to).as_str(), "{change:?}");
                assert_eq!(user.email_verified_at, Some(change.at));
                assert_eq!(user.token_generation, generation, "{change:?}");
            }
            (Err(StoreError::Outdated), None) => {}
            (result, _) => panic!("{change:?}: {result:?}"),
        }
        let missing = change.apply([&admin(1)]);
        assert!(matches!(missing, Err(StoreError::Outdated)), "{missing:?}");
    }
}

#[test]
fn temporary_password_is_marked_until_it_is_replaced() {
    let temporary = |must_change| UserAction::ResetPassword {
        hash: "temporary".to_owned(),
        must_change,
    };
    let revoke = |hash: Option<&str>| UserAction::RevokeTokens {
        generation: 3,
        hash: hash.map(str::to_owned),
    };
    let rehash = UserAction::Rehash {
        old: "hash".to_owned(),
        new: "better".to_owned(),
    };
    for (action, from_false, from_true) in [
        (temporary(true), true, true),
        (temporary(false), false, false),
        (revoke(Some("new")), false, false),
        (revoke(None), false, true),
        (rehash, false, true),
        (UserAction::Update(UserUpdate::default()), false, true),
    ] {
        let change = change(action);
        for (before, after) in [(false, from_false), (true, from_true)] {
            let marked = User {
                must_change_password: before,
                ..user(false, Approved)
            };
            let changed = applied(&change, &marked);
            assert_eq!(changed.must_change_password, after, "{change:?}");
        }
    }
}

#[test]
fn first_admin_is_claimed_while_there_is_none() {
    for (status, hash, has_admin, expected) in [
        (Pending, User::NO_PASSWORD, false, true),
        (Pending, User::NO_PASSWORD, true, false),
        (Pending, "hash", false, false),
        (Disabled, User::NO_PASSWORD, false, false),
    ] {
        let stored = User {
            hashed_password: hash.to_owned(),
            ..user(false, status)
        };
        let admin = admin(1);
        let all = [Some(&stored), has_admin.then_some(&admin)];
        let claimed = change(UserAction::ClaimFirstAdmin).apply(all.into_iter().flatten());
        match (claimed, expected) {
            (Ok(Some(claimed)), true) => {
                assert!(claimed.is_admin);
                assert_eq!(claimed.token_generation, 4);
            }
            (Err(StoreError::Outdated), false) => {}
            (result, _) => panic!("{status:?} {hash} {has_admin}: {result:?}"),
        }
    }
}

#[test]
fn invitation_replaces_an_unconfirmed_registration() {
    let verified = Some(UNIX_EPOCH);
    for (status, email_verified_at, approved_at, expected) in [
        (Pending, None, None, true),
        (Pending, verified, None, false),
        (Pending, None, verified, false),
        (Approved, None, verified, false),
        (Disabled, None, None, false),
    ] {
        let stored = User {
            email_verified_at,
            approved_at,
            ..user(false, status)
        };
        let invited = change(UserAction::Invite { is_admin: true }).apply([&stored]);
        match (invited, expected) {
            (Ok(Some(invited)), true) => {
                assert!(!invited.has_password() && invited.is_admin);
                assert_eq!(invited.token_generation, 4);
            }
            (Err(StoreError::Outdated), false) => {}
            (result, _) => panic!("{stored:?}: {result:?}"),
        }
    }
}

#[test]
fn first_password_approves_by_invitation_only() {
    let set = |approves| {
        change(UserAction::SetFirstPassword {
            hash: "new".to_owned(),
            generation: 3,
            verifies_email: false,
            approves,
        })
    };
    for (is_admin, approves, has_admin, expected) in [
        (true, true, true, (true, Approved)),
        (false, true, true, (false, Approved)),
        (true, false, true, (false, Pending)),
        (false, false, true, (false, Pending)),
        (true, false, false, (true, Approved)),
        (false, false, false, (false, Pending)),
    ] {
        let invited = User {
            hashed_password: User::NO_PASSWORD.to_owned(),
            ..user(is_admin, Pending)
        };
        let admin = admin(1);
        let stored = [Some(&invited), has_admin.then_some(&admin)];
        let changed = set(approves).apply(stored.into_iter().flatten());
        let changed = changed.unwrap().unwrap();
        assert_eq!((changed.is_admin, changed.status), expected);
        assert_eq!(changed.approved_at.is_some(), changed.status == Approved);
        assert_eq!(
            (changed.token_generation, changed.email_verified_at),
            (4, None)
        );
        let again = set(approves).apply([&changed, &admin]);
        assert!(matches!(again, Err(StoreError::Outdated)), "{again:?}");
    }
}

#[test]
fn outdated_hash_or_generation_is_rejected() {
    let rehash = |old: &str| UserAction::Rehash {
        old: old.to_owned(),
        new: "new".to_owned(),
    };
    let revoke = |generation| UserAction::RevokeTokens {
        generation,
        hash: None,
    };
    let named = |generation| UserAction::SetDisplayName {
        generation,
        name: None,
    };
    let delete = |generation| UserAction::DeleteOwn { generation };
    let deleted = change(delete(3)).apply([&user(false, Approved)]);
    assert_eq!(deleted.unwrap(), None);
    for (action, status, generation) in [
        (rehash("hash"), Approved, Some(3)),
        (rehash("hash"), Disabled, Some(3)),
        (rehash("HASH"), Approved, None),
        (revoke(3), Approved, Some(4)),
        (revoke(2), Approved, None),
        (revoke(4), Approved, None),
        (revoke(3), Pending, None),
        (revoke(3), Disabled, None),
        (delete(2), Approved, None),
        (delete(4), Approved, None),
        (delete(3), Pending, None),
        (delete(3), Disabled, None),
        (named(3), Approved, Some(3)),
        (named(2), Approved, None),
        (named(3), Disabled, None),
    ] {
        let change = change(action);
        let result = change.apply([&user(false, status)]);
        match (result, generation) {
            (Ok(Some(user)), Some(generation)) => {
                assert_eq!(user.token_generation, generation, "{change:?}");
            }
            (Err(StoreError::Outdated), None) => {}
            (result, _) => panic!("{change:?}: {result:?}"),
        }
        let missing = change.apply([&admin(1)]);
        assert!(matches!(missing, Err(StoreError::Outdated)), "{missing:?}");
    }
}
