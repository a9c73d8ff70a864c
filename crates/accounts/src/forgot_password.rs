//! Requests for a mail with which a new password can be set.

use tower_warder::private::ThrottledRoute;
use tower_warder::{BoxError, UserStatus};

use super::actor::Actor;
use super::audit::{AuditActor, AuditEventKind};
use super::email::Email;
use super::error::AccountError;
use super::mail::{MailPurpose, MailQueue};
use super::model::User;
use super::one_time_token::{MailRequest, TokenPurpose};
use super::service::Accounts;
use super::store::AccountStore;
use super::store_error::StoreError;

/// Operations with [mail](Accounts::mail).
impl<S: AccountStore> Accounts<S> {
    /// Enables mail: for new passwords, verification and change of addresses, invitations and
    /// registration. Needs [one-time tokens](Self::one_time_tokens). Defaults to none.
    ///
    /// [`forgot_password_routes`](crate::forgot_password_routes) has the route for new passwords.
    pub fn mail(mut self, queue: MailQueue) -> Self {
        self.mail = Some(queue);
        self
    }

    /// Returns `true` if [mail](Self::mail) is configured.
    pub const fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    pub(super) fn expect_mail(&self) -> Result<&MailQueue, AccountError> {
        self.mail.as_ref().ok_or(AccountError::NoMail)
    }

    /// Has a link for a new password sent to an account, if there is one with this address that is
    /// approved. The result does not tell whether there is: a Tokio task looks for it.
    ///
    /// With the [throttle](crate::throttle::Throttle), each address gets one mail in 5 minutes.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`], [`AccountError::NoMail`] or
    /// [`AccountError::NoOneTimeTokens`].
    #[doc(alias = "recovery")]
    pub async fn forgot_password(&self, request: MailRequest) -> Result<(), AccountError> {
        let queue = self.expect_mail()?;
        self.expect_one_time_tokens()?;
        let route = ThrottledRoute::ForgotPassword;
        if !self
            .may_mail(route, &request.email, &request.client)
            .await?
        {
            return Ok(());
        }
        let accounts = self.for_client(&request.client);
        queue.spawn(|queue| async move { accounts.mail_reset_link(&queue, request).await });
        Ok(())
    }

    /// Finds the account of an address, at most at as many queries at once as mails are sent.
    pub(super) async fn find_for_mail(
        &self,
        queue: &MailQueue,
        email: &Email,
    ) -> Result<Option<User>, StoreError> {
        let _turn = queue.turn().await;
        self.store.find_by_email(email).await
    }

    async fn mail_reset_link(
        &self,
        queue: &MailQueue,
        request: MailRequest,
    ) -> Result<(), BoxError> {
        let tokens = self.expect_one_time_tokens()?;
        let user = self.find_for_mail(queue, &request.email).await?;
        let Some(user) = user.filter(|user| user.status == UserStatus::Approved) else {
            return Ok(());
        };
        let created = tokens
            .create(
                TokenPurpose::RESET_PASSWORD,
                &user,
                Some(user.email.clone()),
                Actor::System,
                self.now(),
            )
            .await?;
        let event = AuditEventKind::PasswordResetMailed;
        let event = self
            .audit
            .event(event, AuditActor::Anonymous, Some(user.id));
        let (purpose, locale) = (MailPurpose::ResetPassword, request.locale);
        let mail = queue.mail(purpose, user.email, Some(&created), locale);
        queue.send(&mail).await?;
        self.audit.record(&event);
        Ok(())
    }
}
