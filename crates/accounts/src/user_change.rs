//! Changes of an account, and the rule that one approved admin has to remain.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use tower_warder::UserStatus;

use super::actor::Actor;
use super::input::UserUpdate;
use super::model::User;

/// Update of an account, with its author and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// Fields to change.
    pub update: UserUpdate,
    /// Author of the change.
    pub by: Actor,
    /// Time of the change.
    pub at: SystemTime,
}

/// Error of a change or deletion after which no account would be admin *and* approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastAdminError {
    /// The account would no longer be an admin. Takes precedence over [`Disabling`](Self::Disabling).
    Demotion,
    /// The account would no longer be approved.
    Disabling,
    /// The account would be deleted.
    Deletion,
}

impl User {
    /// Returns the account after a change. Leaving [`Approved`](UserStatus::Approved) raises the token
    /// generation by one, which revokes all tokens and sessions.
    ///
    /// `other_admins` is the number of other accounts that are admin *and* approved. A store reads the
    /// row, counts the others and writes the result in one transaction, serialized with all other
    /// changes of accounts.
    ///
    /// # Errors
    ///
    /// [`LastAdminError`]: nothing may be written.
    pub fn apply(&self, change: &UserChange, other_admins: u64) -> Result<Self, LastAdminError> {
        let UserUpdate {
            email,
            is_admin,
            status,
        } = &change.update;
        let mut user = self.clone();
        if let Some(email) = email {
            user.email = email.as_str().to_owned();
        }
        user.is_admin = is_admin.unwrap_or(user.is_admin);
        user.status = status.unwrap_or(user.status);

        if self.is_active_admin() && !user.is_active_admin() && other_admins == 0 {
            // A demotion takes precedence.
            return Err(if user.is_admin {
                LastAdminError::Disabling
            } else {
                LastAdminError::Demotion
            });
        }
        let was_approved = self.status == UserStatus::Approved;
        let is_approved = user.status == UserStatus::Approved;
        if is_approved && !was_approved && self.approved_at.is_none() {
            user.approved_at = Some(change.at);
            user.approved_by = change.by.id();
        }
        // So that a stolen token stays revoked when the account is approved again.
        if was_approved && !is_approved {
            user.token_generation += 1;
        }
        Ok(user)
    }

    /// Checks that the account may be deleted. `other_admins` is as for [`apply`](Self::apply).
    ///
    /// # Errors
    ///
    /// [`LastAdminError::Deletion`].
    pub fn check_deletion(&self, other_admins: u64) -> Result<(), LastAdminError> {
        if self.is_active_admin() && other_admins == 0 {
            return Err(LastAdminError::Deletion);
        }
        Ok(())
    }
}

impl fmt::Display for LastAdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demotion => "the last admin cannot be demoted",
            Self::Disabling => "the last admin cannot be disabled",
            Self::Deletion => "the last admin cannot be deleted",
        })
    }
}

impl Error for LastAdminError {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

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
        }
    }

    fn change(is_admin: Option<bool>, status: Option<UserStatus>) -> UserChange {
        UserChange {
            update: UserUpdate {
                email: None,
                is_admin,
                status,
            },
            by: Actor::Admin(1),
            at: UNIX_EPOCH + Duration::from_secs(60),
        }
    }

    #[test]
    fn last_admin_keeps_role_and_approval() {
        let last = user(true, Approved);
        for (is_admin, status, error) in [
            (None, None, None),
            (Some(true), Some(Approved), None),
            (Some(false), None, Some(LastAdminError::Demotion)),
            (None, Some(Disabled), Some(LastAdminError::Disabling)),
            (None, Some(Pending), Some(LastAdminError::Disabling)),
            (Some(true), Some(Pending), Some(LastAdminError::Disabling)),
            (Some(false), Some(Disabled), Some(LastAdminError::Demotion)),
        ] {
            let change = change(is_admin, status);
            assert_eq!(last.apply(&change, 0).err(), error, "{change:?}");
            assert!(last.apply(&change, 1).is_ok(), "{change:?}");
        }
        assert_eq!(last.check_deletion(0), Err(LastAdminError::Deletion));
        assert_eq!(last.check_deletion(1), Ok(()));
    }

    #[test]
    fn admin_that_is_not_approved_is_not_the_last_one() {
        for status in [Pending, Disabled] {
            let admin = user(true, status);
            assert!(admin.apply(&change(Some(false), None), 0).is_ok());
            assert!(admin.check_deletion(0).is_ok());
        }
    }

    #[test]
    fn approval_is_recorded_once() {
        let first = change(None, Some(Approved));
        let approved = user(false, Pending).apply(&first, 1).unwrap();
        assert_eq!(approved.approved_at, Some(first.at));
        assert_eq!(approved.approved_by, Some(1));

        let disabled = approved.apply(&change(None, Some(Disabled)), 1).unwrap();
        let again = UserChange {
            by: Actor::Admin(2),
            at: first.at + Duration::from_secs(60),
            ..first
        };
        let again = disabled.apply(&again, 1).unwrap();
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
            let changed = user(false, from).apply(&change(None, Some(to)), 1);
            assert_eq!(
                changed.unwrap().token_generation,
                generation,
                "{from:?} {to:?}"
            );
        }
        let promoted = user(false, Approved).apply(&change(Some(true), None), 1);
        assert_eq!(promoted.unwrap().token_generation, 3);
    }
}
