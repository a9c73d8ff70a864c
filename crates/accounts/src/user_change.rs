//! Changes of an account, and the rule that one approved admin has to remain.

use std::fmt;
use std::time::SystemTime;

use tower_warder::UserStatus;

use super::actor::Actor;
use super::display_name::DisplayName;
use super::email::Email;
use super::input::UserUpdate;
use super::model::User;
use super::store_error::{LastAdminError, StoreError};

/// Change of an account, with its author and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// Id of the account.
    pub id: i64,
    /// What is changed.
    pub action: UserAction,
    /// Author of the change.
    pub by: Actor,
    /// Time of the change.
    pub at: SystemTime,
}

/// What a [`UserChange`] does.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserAction {
    /// Changes fields. An account that is no longer approved gets the next token generation.
    Update(UserUpdate),
    /// Deletes the account. Its address can be registered again at once.
    Delete,
    /// Deletes the account on behalf of its owner.
    DeleteOwn {
        /// The token generation of the caller's token. With another one, or if it is not approved, the
        /// account is [outdated](StoreError::Outdated).
        generation: u64,
    },
    /// Sets or removes the display name on behalf of the account's owner.
    SetDisplayName {
        /// The token generation of the caller's token, as in [`DeleteOwn`](Self::DeleteOwn).
        generation: u64,
        /// The name, or `None` for none.
        name: Option<DisplayName>,
    },
    /// Sets a new password, and the next token generation.
    ResetPassword {
        /// Hash of the new password.
        hash: String,
        /// Whether the owner has to set another password at the next log-in:
        /// [`User::must_change_password`].
        must_change: bool,
    },
    /// Replaces a hash by another one of the same password. The token generation stays.
    Rehash {
        /// The hash to replace. With another one the account is [outdated](StoreError::Outdated).
        old: String,
        /// The new hash.
        new: String,
    },
    /// Sets the next token generation, and with it a new password, if one is given: the owner's, which
    /// does not have to be changed.
    RevokeTokens {
        /// The token generation of the caller's token. With another one, or if it is not approved, the
        /// account is [outdated](StoreError::Outdated).
        generation: u64,
        /// Hash of the new password.
        hash: Option<String>,
    },
    /// Sets an address that its owner has confirmed, at the time of the change. Another address than
    /// before also gets the next token generation.
    ConfirmEmail {
        /// The token generation when the owner was asked. With another one, or if it is neither pending
        /// nor approved, the account is [outdated](StoreError::Outdated).
        generation: u64,
        /// The address when the owner was asked. With another one the account is
        /// [outdated](StoreError::Outdated).
        from: Email,
        /// The confirmed address.
        to: Email,
    },
    /// Deletes an account that is pending and was never approved. Another account is
    /// [outdated](StoreError::Outdated).
    DeletePending {
        /// The account has to be registered before this time.
        created_before: SystemTime,
    },
    /// Makes a pending account without a password the first admin, once its owner sets the password, and
    /// sets the next token generation. If there is an approved admin, and for another account, it is
    /// [outdated](StoreError::Outdated).
    ClaimFirstAdmin,
    /// Invites the owner of a pending account again: sets the role that it is approved with, the next
    /// token generation, and the time of registration. The account must have no password, or be neither
    /// approved before nor verified: then somebody else may have registered it, and the password is
    /// removed. Another account is [outdated](StoreError::Outdated).
    Invite {
        /// Whether it becomes an admin.
        is_admin: bool,
    },
    /// Sets the first password of a pending account, and the next token generation.
    SetFirstPassword {
        /// Hash of the password.
        hash: String,
        /// The token generation of the account. With another one, or if it is not pending or has a
        /// password, it is [outdated](StoreError::Outdated).
        generation: u64,
        /// Whether the owner proved to receive mail at the address.
        verifies_email: bool,
        /// Whether this approves the account. If not, it is no admin, unless it was meant to be one
        /// and there is no approved admin: then it becomes the first.
        approves: bool,
    },
}

impl UserChange {
    /// Returns the account after the change, or `None` if it is deleted.
    ///
    /// `stored` are the accounts that decide, as they are stored: that with [`id`](Self::id), that of
    /// the [actor](Self::by), and at least one approved admin besides the former, if there is one.
    /// Others make no difference. A request is authorized before its body arrives, and the admin can
    /// be disabled meanwhile; so a store reads them in the transaction that makes the change.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAdmin`], else [`StoreError::NotFound`] or [`StoreError::Outdated`], else
    /// [`StoreError::NoPassword`], else [`StoreError::LastAdmin`]: nothing may be written.
    pub fn apply<'a>(
        &self,
        stored: impl IntoIterator<Item = &'a User>,
    ) -> Result<Option<User>, StoreError> {
        let (mut before, mut actor, mut has_other_admin) = (None, None, false);
        for user in stored {
            if user.id == self.id {
                before = Some(user);
            } else {
                has_other_admin |= user.is_active_admin();
            }
            if Some(user.id) == self.by.id() {
                actor = Some(user);
            }
        }
        self.by.check(actor).map_err(StoreError::NotAdmin)?;
        let before = before.ok_or_else(|| self.missing())?;
        let after = self.action_on(before, has_other_admin)?;
        if let Some(after) = &after
            && after.status == UserStatus::Approved
            && before.status != UserStatus::Approved
            && !after.has_password()
        {
            // Nobody could log in to it, and it would count as an approved admin all the same.
            return Err(StoreError::NoPassword);
        }
        let is_active_admin = after.as_ref().is_some_and(User::is_active_admin);
        if before.is_active_admin() && !is_active_admin && !has_other_admin {
            return Err(StoreError::LastAdmin(match after {
                None => LastAdminError::Deletion,
                // A demotion takes precedence.
                Some(user) if !user.is_admin => LastAdminError::Demotion,
                Some(_) => LastAdminError::Disabling,
            }));
        }
        Ok(after)
    }

    const fn missing(&self) -> StoreError {
        match self.action {
            UserAction::Rehash { .. }
            | UserAction::RevokeTokens { .. }
            | UserAction::DeleteOwn { .. }
            | UserAction::SetDisplayName { .. }
            | UserAction::ConfirmEmail { .. }
            | UserAction::DeletePending { .. }
            | UserAction::ClaimFirstAdmin
            | UserAction::Invite { .. }
            | UserAction::SetFirstPassword { .. } => StoreError::Outdated,
            _ => StoreError::NotFound,
        }
    }

    fn action_on(&self, before: &User, has_other_admin: bool) -> Result<Option<User>, StoreError> {
        let mut user = before.clone();
        match &self.action {
            UserAction::Update(update) => self.update(&mut user, update),
            UserAction::Delete => return Ok(None),
            UserAction::DeleteOwn { generation } => {
                check_caller(&user, *generation)?;
                return Ok(None);
            }
            UserAction::DeletePending { created_before } => {
                let is_expired = user.status == UserStatus::Pending
                    && user.approved_at.is_none()
                    && user.created_at < *created_before;
                return is_expired.then_some(None).ok_or(StoreError::Outdated);
            }
            UserAction::SetDisplayName { generation, name } => {
                check_caller(&user, *generation)?;
                user.display_name = name.clone().map(String::from);
            }
            UserAction::ResetPassword { hash, must_change } => {
                user.hashed_password.clone_from(hash);
                user.must_change_password = *must_change;
                user.token_generation += 1;
            }
            UserAction::Rehash { old, new } => {
                if user.hashed_password != *old {
                    return Err(StoreError::Outdated);
                }
                user.hashed_password.clone_from(new);
            }
            UserAction::RevokeTokens { generation, hash } => {
                check_caller(&user, *generation)?;
                user.token_generation += 1;
                if let Some(hash) = hash {
                    user.hashed_password.clone_from(hash);
                    user.must_change_password = false;
                }
            }
            UserAction::ConfirmEmail {
                generation,
                from,
                to,
            } => {
                if !matches!(user.status, UserStatus::Pending | UserStatus::Approved)
                    || user.token_generation != *generation
                    || user.email != from.as_str()
                {
                    return Err(StoreError::Outdated);
                }
                user.email_verified_at = Some(self.at);
                // So that links that were sent to the address before are revoked with the tokens.
                if from != to {
                    user.email = to.as_str().to_owned();
                    user.token_generation += 1;
                }
            }
            UserAction::ClaimFirstAdmin => {
                if !user.awaits_password() || has_other_admin {
                    return Err(StoreError::Outdated);
                }
                user.is_admin = true;
                // Earlier links, such as that of an invitation, are not for an admin.
                user.token_generation += 1;
            }
            UserAction::Invite { is_admin } => {
                if !user.awaits_password() && !user.is_new_and_unverified() {
                    return Err(StoreError::Outdated);
                }
                user.hashed_password = User::NO_PASSWORD.to_owned();
                user.is_admin = *is_admin;
                user.created_at = self.at;
                // Earlier links are invalid.
                user.token_generation += 1;
            }
            UserAction::SetFirstPassword {
                hash,
                generation,
                verifies_email,
                approves,
            } => {
                if !user.awaits_password() || user.token_generation != *generation {
                    return Err(StoreError::Outdated);
                }
                user.hashed_password.clone_from(hash);
                user.token_generation += 1;
                if *verifies_email {
                    user.email_verified_at = Some(self.at);
                }
                if *approves || user.is_admin && !has_other_admin {
                    self.approve(&mut user);
                } else {
                    user.is_admin = false;
                }
            }
        }
        Ok(Some(user))
    }

    fn approve(&self, user: &mut User) {
        user.status = UserStatus::Approved;
        if user.approved_at.is_none() {
            user.approved_at = Some(self.at);
            user.approved_by = self.by.id();
        }
    }

    fn update(&self, user: &mut User, update: &UserUpdate) {
        let was_approved = user.status == UserStatus::Approved;
        if let Some(email) = &update.email
            && user.email != email.as_str()
        {
            user.email = email.as_str().to_owned();
            user.email_verified_at = None;
            if !user.has_password() {
                // The links were sent to the owner of the other address.
                user.token_generation += 1;
            }
        }
        user.is_admin = update.is_admin.unwrap_or(user.is_admin);
        user.status = update.status.unwrap_or(user.status);
        let is_approved = user.status == UserStatus::Approved;
        if is_approved && !was_approved {
            self.approve(user);
        }
        // So that a stolen token stays revoked when the account is approved again.
        if was_approved && !is_approved {
            user.token_generation += 1;
        }
    }
}

/// Checks that a token of this generation is a valid one of the account.
fn check_caller(user: &User, generation: u64) -> Result<(), StoreError> {
    match user.status == UserStatus::Approved && user.token_generation == generation {
        true => Ok(()),
        false => Err(StoreError::Outdated),
    }
}

impl fmt::Debug for UserAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(update) => f.debug_tuple("Update").field(update).finish(),
            Self::Delete => f.write_str("Delete"),
            Self::DeleteOwn { generation } => f
                .debug_struct("DeleteOwn")
                .field("generation", generation)
                .finish(),
            Self::SetDisplayName { generation, name } => f
                .debug_struct("SetDisplayName")
                .field("generation", generation)
                .field("name", name)
                .finish(),
            Self::ResetPassword { must_change, .. } => f
                .debug_struct("ResetPassword")
                .field("must_change", must_change)
                .finish_non_exhaustive(),
            Self::Rehash { .. } => f.debug_struct("Rehash").finish_non_exhaustive(),
            Self::RevokeTokens { generation, .. } => f
                .debug_struct("RevokeTokens")
                .field("generation", generation)
                .finish_non_exhaustive(),
            Self::ConfirmEmail {
                generation,
                from,
                to,
            } => f
                .debug_struct("ConfirmEmail")
                .field("generation", generation)
                .field("from", from)
                .field("to", to)
                .finish(),
            Self::DeletePending { created_before } => f
                .debug_struct("DeletePending")
                .field("created_before", created_before)
                .finish(),
            Self::ClaimFirstAdmin => f.write_str("ClaimFirstAdmin"),
            Self::Invite { is_admin } => f
                .debug_struct("Invite")
                .field("is_admin", is_admin)
                .finish(),
            Self::SetFirstPassword {
                generation,
                verifies_email,
                approves,
                ..
            } => f
                .debug_struct("SetFirstPassword")
                .field("generation", generation)
                .field("verifies_email", verifies_email)
                .field("approves", approves)
                .finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
