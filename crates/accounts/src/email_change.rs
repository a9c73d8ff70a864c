//! Change of an e-mail address by its owner.

use tower_warder::BoxError;
use tower_warder::private::ThrottledRoute;

use super::actor::Actor;
use super::audit::{AuditActor, AuditEventKind};
use super::email::Email;
use super::error::AccountError;
use super::mail::{MailPurpose, MailQueue};
use super::model::User;
use super::one_time_token::{EmailChange, EmailConfirmation, TokenPurpose};
use super::service::Accounts;
use super::store::AccountStore;

/// Change of the own address.
impl<S: AccountStore> Accounts<S> {
    /// Has a link sent to a new address, by which the account of `user` gets it, and a notice to the
    /// present one. Requires the password. The result does not tell whether another account has the
    /// address: a Tokio task looks for it, and sends no link then.
    ///
    /// The link is valid for an hour, and until the next request. `user` is the caller, as the request
    /// was authorized. With the [throttle](crate::throttle::Throttle), each address gets one such link
    /// in 5 minutes.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::WrongPassword`];
    /// [`AccountError::TokensRevoked`] if the account was disabled or deleted meanwhile, or its tokens
    /// were revoked; [`AccountError::NoMail`], [`AccountError::NoOneTimeTokens`] or
    /// [`AccountError::Unavailable`].
    pub async fn request_email_change(
        &self,
        user: &User,
        change: EmailChange,
    ) -> Result<(), AccountError> {
        let queue = self.expect_mail()?;
        self.expect_one_time_tokens()?;
        let accounts = self.for_client(&change.client);
        let stored = accounts.current_owner(user).await?;
        accounts
            .check_current_password(&stored, &change.password)
            .await?;
        let route = ThrottledRoute::ChangeEmail;
        if !self.may_mail(route, &change.email, &change.client).await? {
            return Ok(());
        }
        let kind = AuditEventKind::EmailChangeRequested;
        let actor = AuditActor::Account(stored.id);
        let event = accounts.audit.event(kind, actor, Some(stored.id));
        accounts.audit.record(&event);
        // Also if the address is taken: otherwise this notice would tell that it is not.
        let notice = (stored.email.clone(), MailPurpose::EmailChangeRequested);
        notify(queue, notice, change.locale.clone());
        queue.spawn(|queue| async move {
            let sent = accounts.send_change_link(&queue, stored, change.email, change.locale);
            sent.await
        });
        Ok(())
    }

    async fn send_change_link(
        &self,
        queue: &MailQueue,
        user: User,
        email: Email,
        locale: Option<String>,
    ) -> Result<(), BoxError> {
        let tokens = self.expect_one_time_tokens()?;
        let (created, taken) = {
            // Not more queries at once than mails.
            let _turn = queue.turn().await;
            let created = tokens
                .create(
                    TokenPurpose::CHANGE_EMAIL,
                    &user,
                    Some(pair(&user.email, &email)),
                    Actor::System,
                    self.now(),
                )
                .await?;
            // After that: it makes the earlier link invalid, which would tell whether the address is taken.
            (created, self.store.find_by_email(&email).await?)
        };
        if taken.is_some() {
            return Ok(());
        }
        let mail = queue.mail(
            MailPurpose::ChangeEmail,
            email.into(),
            Some(&created),
            locale,
        );
        queue.send(&mail).await
    }

    /// Changes an address by a one-time token, and revokes all tokens and sessions of its account: also
    /// the links that were sent to the address before. That gets a notice.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::InvalidOneTimeToken`], also if the address
    /// was changed meanwhile, or another account has the new one; [`AccountError::NoOneTimeTokens`] or
    /// [`AccountError::Unavailable`].
    pub async fn change_email_by_token(
        &self,
        input: EmailConfirmation,
    ) -> Result<(), AccountError> {
        let accounts = self.for_client(&input.client);
        let route = ThrottledRoute::ChangeEmail;
        let attempt = accounts.begin_token_use(route, &input.client).await?;
        let result = accounts.change_by_token(&input.token).await;
        Self::settle(attempt, result).await
    }

    async fn change_by_token(&self, text: &str) -> Result<(), AccountError> {
        let tokens = self.expect_one_time_tokens()?;
        let found = tokens.find(TokenPurpose::CHANGE_EMAIL, text, self.now());
        let token = found
            .await
            .inspect_err(|error| self.record_rejected_token(error, None))?;
        let (from, to) = token
            .email
            .as_deref()
            .and_then(parse_pair)
            .ok_or(AccountError::InvalidOneTimeToken)?;
        let user = self.confirm_email(&token, from.clone(), to).await?;
        self.end_sessions_before(user.id, user.token_generation, None)
            .await;
        if let Some(queue) = &self.mail {
            notify(queue, (from.into(), MailPurpose::EmailChanged), None);
        }
        Ok(())
    }
}

/// Sends a mail without a link in the background.
fn notify(queue: &MailQueue, (to, purpose): (String, MailPurpose), locale: Option<String>) {
    let notice = queue.mail(purpose, to, None, locale);
    queue.spawn(|queue| async move { queue.send(&notice).await });
}

/// Returns what the token has: the present address and the new one. No address contains a blank.
fn pair(from: &str, to: &Email) -> String {
    format!("{from} {to}")
}

fn parse_pair(text: &str) -> Option<(Email, Email)> {
    let (from, to) = text.split_once(' ')?;
    Some((Email::new(from).ok()?, Email::new(to).ok()?))
}
