//! Changes of an account, and the rule that one approved admin has to remain.

use std::fmt;
use std::time::SystemTime;

use tower_warder::UserStatus;

use crate::actor::Actor;
use crate::display_name::DisplayName;
use crate::email::Email;
use crate::input::UserUpdate;
use crate::model::User;
use crate::store_error::{LastAdminError, StoreError};

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
mod tests;
