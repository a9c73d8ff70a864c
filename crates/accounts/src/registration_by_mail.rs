//! Registration by mail: the owner of the address sets the password by a link.

use tower_warder::{BoxError, UserStatus};

use super::actor::Actor;
use super::audit::{AuditActor, AuditEvent, AuditEventKind};
use super::email::Email;
use super::error::AccountError;
use super::hooks::HookError;
use super::mail::{Mail, MailPurpose, MailQueue};
use super::model::User;
use super::one_time_token::{OneTimePasswordReset, TokenPurpose};
use super::registration::MailRegistration;
use super::service::Accounts;
use super::store::{AccountStore, AdminGrant, NewUser};
use super::store_error::StoreError;
use super::user_change::UserAction;

/// Registration by mail, which needs [mail](Accounts::mail) and
/// [one-time tokens](Accounts::one_time_tokens).
impl<S: AccountStore> Accounts<S> {
    /// Sends a link to an address, by which its owner registers. The result does not tell whether the
    /// address is registered already: a Tokio task looks for the account.
    ///
    /// - A new address gets a pending account that [has no password](User::has_password), and a link
    ///   for [`complete_registration`](Self::complete_registration). So does one that was invited, or
    ///   whose registration is not complete.
    /// - One that has an account gets a mail that says so, with a link for a new password if the account
    ///   is approved.
    ///
    /// With the [throttle](crate::throttle::Throttle), each address gets one such mail in 5 minutes, and
    /// registrations are limited by client address. Works for any [`Registration`](crate::Registration).
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`], [`AccountError::WrongBootstrapSecret`],
    /// [`AccountError::NoMail`] or [`AccountError::NoOneTimeTokens`].
    pub async fn register_by_mail(
        &self,
        registration: MailRegistration,
    ) -> Result<(), AccountError> {
        let queue = self.expect_mail()?;
        self.expect_one_time_tokens()?;
        let attempt = self.begin_registration(&registration.client).await?;
        let admin_grant = match self.bootstrap.admin_grant(registration.given_secret()) {
            // It stays counted, too.
            Ok(admin_grant) => admin_grant,
            Err(error) => return Self::settle(attempt, Err(error)).await,
        };
        if !self.may_mail_registration(&registration).await? {
            return Ok(());
        }
        let accounts = self.for_client(&registration.client);
        queue.spawn(|queue| async move {
            accounts
                .mail_registration(&queue, registration, admin_grant)
                .await
        });
        Ok(())
    }

    /// Sets the password at the end of a registration by mail, by the token of its link, and verifies
    /// the address. The account then waits for approval, unless it is the first admin: see
    /// [`BootstrapPolicy`](crate::BootstrapPolicy).
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::InvalidOneTimeToken`];
    /// [`AccountError::RejectedPassword`], after which the token is still valid;
    /// [`AccountError::NoOneTimeTokens`] or [`AccountError::Unavailable`].
    pub async fn complete_registration(
        &self,
        password: OneTimePasswordReset,
    ) -> Result<User, AccountError> {
        let purpose = TokenPurpose::COMPLETE_REGISTRATION;
        let user = self.use_password_link(&password, purpose).await?;
        if user.is_active_admin() {
            let accounts = self.for_client(&password.client);
            let kind = AuditEventKind::FirstAdminCreated;
            accounts.record(kind, AuditActor::Anonymous, user.id);
        }
        Ok(user)
    }

    async fn mail_registration(
        &self,
        queue: &MailQueue,
        registration: MailRegistration,
        admin_grant: AdminGrant,
    ) -> Result<(), BoxError> {
        let prepared = self.prepare_mail(queue, registration, admin_grant).await?;
        if let Some((mail, event)) = prepared {
            queue.send(&mail).await?;
            self.audit.record(&event);
        }
        Ok(())
    }

    /// Returns `None` if too many accounts are pending, another task registers the address, or a hook
    /// rejects it.
    async fn prepare_mail(
        &self,
        queue: &MailQueue,
        registration: MailRegistration,
        admin_grant: AdminGrant,
    ) -> Result<Option<(Mail, AuditEvent)>, BoxError> {
        let email = &registration.email;
        let user = match self.find_for_mail(queue, email).await? {
            Some(user) if user.awaits_password() => self.renew(user, admin_grant).await?,
            Some(user) => Some(user),
            None => {
                self.insert_without_password(queue, email, admin_grant)
                    .await?
            }
        };
        let Some(user) = user else {
            return Ok(None);
        };
        let event = AuditEventKind::RegistrationMailed;
        let mut event = self
            .audit
            .event(event, AuditActor::Anonymous, Some(user.id));
        let (purpose, token) = if user.awaits_password() {
            let token = TokenPurpose::COMPLETE_REGISTRATION;
            (MailPurpose::CompleteRegistration, Some(token))
        } else {
            event.reason = Some("account_exists".into());
            match user.status {
                UserStatus::Approved => {
                    let token = TokenPurpose::RESET_PASSWORD;
                    (MailPurpose::AccountExists, Some(token))
                }
                _ => (MailPurpose::AccountNotApproved, None),
            }
        };
        let created = match token {
            Some(token) => {
                let tokens = self.expect_one_time_tokens()?;
                let to = Some(user.email.clone());
                let created = tokens.create(token, &user, to, Actor::System, self.now());
                Some(created.await?)
            }
            None => None,
        };
        let mail = queue.mail(purpose, user.email, created.as_ref(), registration.locale);
        Ok(Some((mail, event)))
    }

    /// The secret was given for an address that somebody else may have entered before.
    async fn renew(
        &self,
        user: User,
        admin_grant: AdminGrant,
    ) -> Result<Option<User>, AccountError> {
        if admin_grant != AdminGrant::IfNoAdmin {
            return Ok(Some(user));
        }
        let claim = self.change(user.id, UserAction::ClaimFirstAdmin, Actor::System);
        match claim.await {
            // There is an admin: the secret is worth nothing any more.
            Err(StoreError::Outdated) => Ok(Some(user)),
            claimed => Ok(claimed?),
        }
    }

    async fn insert_without_password(
        &self,
        queue: &MailQueue,
        email: &Email,
        admin_grant: AdminGrant,
    ) -> Result<Option<User>, BoxError> {
        // Not while a hook works, which may be slow: mails of others do not wait for it.
        let turn = queue.turn().await;
        let checked = self.check_pending_limit(admin_grant).await;
        drop(turn);
        match checked {
            // It has written a line to the log.
            Err(AccountError::TooManyPending) => return Ok(None),
            checked => checked?,
        }
        let new = NewUser {
            email: email.clone(),
            hashed_password: User::NO_PASSWORD.to_owned(),
            is_admin: false,
            status: UserStatus::Pending,
            created_at: self.now(),
            admin_grant,
        };
        let actor = AuditActor::Anonymous;
        match self.before_register(email, actor).await {
            // It is in the audit log. Anyone can cause it, so that it is no error of the server.
            Err(HookError::Veto(_)) => return Ok(None),
            checked => checked.map_err(AccountError::from)?,
        }
        let turn = queue.turn().await;
        let event = self.audit.begin_registration();
        let inserted = self.insert_account(new, actor, event).await;
        drop(turn);
        match inserted {
            Ok(user) => {
                self.after_register(&user, actor).await;
                Ok(Some(user))
            }
            // By another request, which sends the mail; or by a hook in the transaction.
            Err(StoreError::EmailTaken | StoreError::Vetoed(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
