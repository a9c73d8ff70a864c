//! Invitations: accounts whose owners set the first password by a link.

use std::fmt;

use serde_json::Value;
use tower_warder::UserStatus;

use super::actor::Actor;
use super::body::{Body, FromJson};
use super::email::Email;
use super::error::AccountError;
use super::mail::MailPurpose;
use super::model::User;
use super::one_time_token::{NewOneTimeToken, OneTimePasswordReset, TokenPurpose};
use super::service::Accounts;
use super::store::{AccountStore, AdminGrant, NewUser};
use super::store_error::StoreError;
use super::user_change::UserAction;
use super::validation_error::ValidationError;

/// Input of an invitation.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The address.
    pub email: Email,
    /// Whether the account becomes an admin.
    pub is_admin: bool,
    pub(super) locale: Option<String>,
}

impl Invitation {
    /// Creates an invitation that makes no admin.
    pub const fn new(email: Email) -> Self {
        Self {
            email,
            is_admin: false,
            locale: None,
        }
    }

    /// Makes the account an admin, or none.
    #[must_use]
    pub const fn admin(mut self, is_admin: bool) -> Self {
        self.is_admin = is_admin;
        self
    }

    /// Sets the language of the mail, such as `de-AT`.
    #[must_use]
    pub fn locale(mut self, locale: Option<&str>) -> Self {
        self.locale = locale.map(str::to_owned);
        self
    }
}

impl FromJson for Invitation {
    fn from_json(body: Value) -> Result<Self, Vec<ValidationError>> {
        let mut body = Body::open(body)?;
        let email = body.required("email");
        let is_admin: Option<bool> = body.optional("is_admin");
        match (email, body.into_errors()) {
            (Some(email), errors) if errors.is_empty() => {
                Ok(Self::new(email).admin(is_admin.unwrap_or_default()))
            }
            (_, errors) => Err(errors),
        }
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("email", &self.email)
            .field("is_admin", &self.is_admin)
            .field("locale", &self.locale)
            .finish()
    }
}

/// Operations with invitations, which need [one-time tokens](Accounts::one_time_tokens).
impl<S: AccountStore> Accounts<S> {
    /// Invites the owner of an address on behalf of `by`, and returns the account and a one-time token
    /// for a link, to be handed over to the owner. With it
    /// [`accept_invitation`](Self::accept_invitation) sets the password and approves the account.
    ///
    /// Until then the account is pending and [has no password](User::has_password): that of a
    /// registration which was neither approved nor verified is removed. Another invitation of the address
    /// makes the earlier link invalid, and sets the role anew; to revoke it, [delete](Self::delete) the
    /// account. The link is also invalid once the admin that created it is
    /// no longer one.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`]; [`AccountError::EmailTaken`] if the account of the address has a
    /// password and was approved or verified before, or is disabled; [`AccountError::NoOneTimeTokens`] or
    /// [`AccountError::Unavailable`].
    pub async fn invite(
        &self,
        invitation: Invitation,
        by: impl Into<Actor>,
    ) -> Result<(User, NewOneTimeToken), AccountError> {
        self.create_invitation(&invitation, None, by.into()).await
    }

    /// Invites the owner of an address as [`invite`](Self::invite) does, and sends the link by
    /// [mail](Self::mail), in the background. Accepting it verifies the address.
    ///
    /// # Errors
    ///
    /// Those of `invite`, and [`AccountError::NoMail`]. If the queue of mail is full,
    /// [`AccountError::Unavailable`]: invite again.
    pub async fn invite_by_mail(
        &self,
        invitation: Invitation,
        by: impl Into<Actor>,
    ) -> Result<User, AccountError> {
        let queue = self.expect_mail()?;
        let email = Some(&invitation.email);
        let created = self.create_invitation(&invitation, email, by.into());
        let (user, token) = created.await?;
        let purpose = MailPurpose::AcceptInvitation;
        let mail = queue.mail(purpose, user.email.clone(), Some(&token), invitation.locale);
        let is_queued = queue.spawn(|queue| async move { queue.send(&mail).await });
        if is_queued {
            Ok(user)
        } else {
            Err(AccountError::unavailable("the queue of mail is full"))
        }
    }

    /// Sets the first password of an account that was invited, by the token of its link, and approves
    /// the account on behalf of the author of the invitation.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::InvalidOneTimeToken`];
    /// [`AccountError::RejectedPassword`], after which the token is still valid;
    /// [`AccountError::NoOneTimeTokens`] or [`AccountError::Unavailable`].
    pub async fn accept_invitation(
        &self,
        password: OneTimePasswordReset,
    ) -> Result<User, AccountError> {
        let purpose = TokenPurpose::ACCEPT_INVITATION;
        self.use_password_link(&password, purpose).await
    }

    /// `verified` is the address that accepting the invitation verifies.
    async fn create_invitation(
        &self,
        invitation: &Invitation,
        verified: Option<&Email>,
        by: Actor,
    ) -> Result<(User, NewOneTimeToken), AccountError> {
        let tokens = self.expect_one_time_tokens()?;
        self.check_actor(by).await?;
        let user = match self.store.find_by_email(&invitation.email).await? {
            Some(user) => self.renew_invitation(&user, invitation, by).await?,
            None => self.insert_invited(invitation, by).await?,
        };
        let purpose = TokenPurpose::ACCEPT_INVITATION;
        let verified = verified.map(|email| email.as_str().to_owned());
        let created = tokens.create(purpose, &user, verified, by, self.now());
        let token = created.await?;
        Ok((user, token))
    }

    async fn renew_invitation(
        &self,
        user: &User,
        invitation: &Invitation,
        by: Actor,
    ) -> Result<User, AccountError> {
        let is_admin = invitation.is_admin;
        match self
            .change(user.id, UserAction::Invite { is_admin }, by)
            .await
        {
            Ok(Some(user)) => Ok(user),
            // It is somebody's, or disabled.
            Ok(None) | Err(StoreError::Outdated) => Err(AccountError::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn insert_invited(
        &self,
        invitation: &Invitation,
        by: Actor,
    ) -> Result<User, AccountError> {
        let new = NewUser {
            email: invitation.email.clone(),
            hashed_password: User::NO_PASSWORD.to_owned(),
            is_admin: invitation.is_admin,
            status: UserStatus::Pending,
            created_at: self.now(),
            admin_grant: AdminGrant::Never,
        };
        let actor = by.into();
        self.before_register(&new.email, actor).await?;
        let event = self.audit.begin_invitation(actor, new.is_admin);
        let user = self.insert_account(new, actor, event).await?;
        self.after_register(&user, actor).await;
        Ok(user)
    }
}
