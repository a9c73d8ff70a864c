//! Accounts of another system, with their password hashes.

use std::fmt;
use std::time::SystemTime;

use tower_warder::UserStatus;

use super::audit::AuditActor;
use super::email::Email;
use super::error::AccountError;
use super::model::{User, whole_micros};
use super::service::Accounts;
use super::store::{AccountStore, AdminGrant, NewUser};

/// Account of another system.
#[derive(Clone, PartialEq, Eq)]
pub struct UserImport {
    /// The address, which is the user name at log-in.
    pub email: Email,
    /// Password hash as it is stored there, without NUL. With one that the
    /// [hasher](Accounts::hasher) cannot read, every log-in is answered like a wrong password until
    /// the password is reset.
    pub hashed_password: String,
    /// Status of the account.
    pub status: UserStatus,
    /// Whether the account is an admin. Has effect only while it is approved.
    pub is_admin: bool,
    /// Time of registration, not in the future: tokens from before are rejected. Defaults to the
    /// present.
    pub created_at: Option<SystemTime>,
}

impl UserImport {
    /// Creates a pending account that is no admin.
    pub fn new(email: Email, hashed_password: impl Into<String>) -> Self {
        Self {
            email,
            hashed_password: hashed_password.into(),
            status: UserStatus::Pending,
            is_admin: false,
            created_at: None,
        }
    }
}

impl fmt::Debug for UserImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserImport")
            .field("email", &self.email)
            .field("hashed_password", &"[redacted]")
            .field("status", &self.status)
            .field("is_admin", &self.is_admin)
            .field("created_at", &self.created_at)
            .finish()
    }
}

impl<S: AccountStore> Accounts<S> {
    /// Adds an account of another system on behalf of the application, in one write. Its hash is
    /// replaced at the next log-in, if the [hasher](Self::hasher) can read it:
    /// [`hash_status`](tower_warder::password::PasswordHasher::hash_status) tells.
    ///
    /// An account that exists is not changed, so an import can be repeated.
    ///
    /// # Errors
    ///
    /// [`AccountError::EmailTaken`], [`AccountError::Vetoed`] or [`AccountError::Unavailable`].
    #[doc(alias = "migrate")]
    pub async fn import(&self, import: UserImport) -> Result<User, AccountError> {
        let mut hashed_password = import.hashed_password;
        if hashed_password == User::NO_PASSWORD && import.status == UserStatus::Approved {
            // Its owner has used it elsewhere, and gets a password by a reset: no password matches.
            hashed_password.push_str("imported");
        }
        let new = NewUser {
            email: import.email,
            hashed_password,
            is_admin: import.is_admin,
            status: import.status,
            created_at: import.created_at.map_or_else(|| self.now(), whole_micros),
            admin_grant: AdminGrant::Never,
        };
        let actor = AuditActor::System;
        if self.has_hooks() && self.store.find_by_email(&new.email).await?.is_some() {
            return Err(AccountError::EmailTaken);
        }
        self.before_register(&new.email, actor).await?;
        let event = self.audit.begin_import(import.is_admin);
        let user = self.insert_account(new, actor, event).await?;
        self.after_register(&user, actor).await;
        Ok(user)
    }
}
