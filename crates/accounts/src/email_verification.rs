//! Verification of e-mail addresses by mail.

use tower_warder::private::{LogLimit, ThrottledRoute, log_limited};
use tower_warder::{BoxError, UserStatus};

use super::actor::Actor;
use super::email::Email;
use super::error::AccountError;
use super::input::UserUpdate;
use super::mail::{MailPurpose, MailQueue};
use super::model::User;
use super::one_time_token::{EmailConfirmation, MailRequest, OneTimeToken, TokenPurpose};
use super::service::Accounts;
use super::store::AccountStore;
use super::store_error::StoreError;
use super::user_change::UserAction;
use super::user_query::UserFilter;
use super::verification_policy::EmailVerification;

/// Verification of addresses.
impl<S: AccountStore> Accounts<S> {
    /// Has a mail sent to each account that [registers](Self::register), and to a new address that an
    /// admin sets, with a link by which the owner verifies the address. Needs
    /// [one-time tokens](Self::one_time_tokens) and [mail](Self::mail). Defaults to none.
    ///
    /// [`email_verification_routes`](crate::email_verification_routes) has the routes. The policy
    /// [`Verified`](tower_warder::policy::Verified) requires a verified address.
    ///
    /// A verified address proves that somebody who reads its mail has confirmed it, and nothing about
    /// the password: anyone can register the address of another person, who may confirm it without
    /// thinking. The mail should say to ignore it then. Do not give access to what somebody else has
    /// stored under the address, such as an invitation or an older account, because it is verified; a
    /// password that is reset by mail is the owner's.
    pub const fn email_verification(mut self, verification: EmailVerification) -> Self {
        self.email_verification = Some(verification);
        self
    }

    /// Returns `true` if [verification](Self::email_verification) is enabled.
    pub const fn has_email_verification(&self) -> bool {
        self.email_verification.is_some()
    }

    /// Returns the filter of a list for admins.
    pub(super) fn listed(&self, filter: &UserFilter) -> UserFilter {
        UserFilter {
            hides_unverified: filter.hides_unverified || self.verifies_before_approval(),
            ..filter.clone()
        }
    }

    /// Checks that an admin may make this change: not approve an account whose address has to be
    /// verified before.
    ///
    /// The store checks nothing of it. If the address is changed meanwhile, the result is that of an
    /// approval before the change.
    pub(super) async fn check_approval(
        &self,
        id: i64,
        update: &UserUpdate,
        by: Actor,
    ) -> Result<(), AccountError> {
        let approves = update.status == Some(UserStatus::Approved) && by.id().is_some();
        if !approves || !self.verifies_before_approval() {
            return Ok(());
        }
        self.check_actor(by).await?;
        let user = self.store.find(id).await?.ok_or(AccountError::NotFound)?;
        let keeps_email = |email: &Email| email.as_str() == user.email;
        let keeps_email = update.email.as_ref().is_none_or(keeps_email);
        let is_verified = user.email_verified_at.is_some() && keeps_email;
        match is_verified || user.approved_at.is_some() {
            true => Ok(()),
            false => Err(AccountError::EmailNotVerified),
        }
    }

    fn verifies_before_approval(&self) -> bool {
        self.email_verification == Some(EmailVerification::BeforeApproval)
    }

    /// Has the link sent again, if there is an account with this address that is pending or approved
    /// and whose address is not verified. The result does not tell whether there is: a Tokio task looks
    /// for it.
    ///
    /// With the [throttle](crate::throttle::Throttle), each address gets one such mail in 5 minutes.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`], [`AccountError::NoMail`] or
    /// [`AccountError::NoOneTimeTokens`].
    pub async fn request_email_verification(
        &self,
        request: MailRequest,
    ) -> Result<(), AccountError> {
        let queue = self.expect_mail()?;
        self.expect_one_time_tokens()?;
        let route = ThrottledRoute::VerifyEmail;
        if self
            .may_mail(route, &request.email, &request.client)
            .await?
        {
            let accounts = self.for_client(&request.client);
            accounts.mail_verification_link(queue, request.email, request.locale);
        }
        Ok(())
    }

    /// Has the link sent to a new account, or to the new address of one.
    pub(super) fn mail_unverified(&self, email: Email, locale: Option<String>) {
        static LIMIT: LogLimit = LogLimit::new();

        match self.expect_mail() {
            Ok(queue) => self.mail_verification_link(queue, email, locale),
            Err(error) => log_limited!(LIMIT, error, "{error}"),
        }
    }

    fn mail_verification_link(&self, queue: &MailQueue, email: Email, locale: Option<String>) {
        let accounts = self.clone();
        queue.spawn(|queue| async move {
            let sent = accounts.send_verification_link(&queue, email, locale);
            sent.await
        });
    }

    async fn send_verification_link(
        &self,
        queue: &MailQueue,
        email: Email,
        locale: Option<String>,
    ) -> Result<(), BoxError> {
        let tokens = self.expect_one_time_tokens()?;
        let user = self.find_for_mail(queue, &email).await?;
        let Some(user) = user.filter(User::awaits_verification) else {
            return Ok(());
        };
        let created = tokens
            .create(
                TokenPurpose::VERIFY_EMAIL,
                &user,
                Some(user.email.clone()),
                Actor::System,
                self.now(),
            )
            .await?;
        let mail = queue.mail(MailPurpose::VerifyEmail, user.email, Some(&created), locale);
        queue.send(&mail).await
    }

    /// Marks an address as verified by a one-time token, and returns its account.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::InvalidOneTimeToken`], also if the account has
    /// another address by now; [`AccountError::NoOneTimeTokens`] or [`AccountError::Unavailable`].
    pub async fn verify_email(&self, input: EmailConfirmation) -> Result<User, AccountError> {
        let accounts = self.for_client(&input.client);
        let route = ThrottledRoute::VerifyEmail;
        let attempt = accounts.begin_token_use(route, &input.client).await?;
        let result = accounts.verify_by_token(&input.token).await;
        Self::settle(attempt, result).await
    }

    async fn verify_by_token(&self, text: &str) -> Result<User, AccountError> {
        let tokens = self.expect_one_time_tokens()?;
        let found = tokens.find(TokenPurpose::VERIFY_EMAIL, text, self.now());
        let token = found
            .await
            .inspect_err(|error| self.record_rejected_token(error, None))?;
        let email = token
            .email
            .as_deref()
            .and_then(|text| Email::new(text).ok());
        let email = email.ok_or(AccountError::InvalidOneTimeToken)?;
        self.confirm_email(&token, email.clone(), email).await
    }

    /// Sets the verified address `to` of the account of a token whose address is `from`, and uses the token
    /// up.
    pub(super) async fn confirm_email(
        &self,
        token: &OneTimeToken,
        from: Email,
        to: Email,
    ) -> Result<User, AccountError> {
        let confirmed = self.try_confirm_email(token, from, to).await;
        let id = Some(token.user_id);
        confirmed.inspect_err(|error| self.record_rejected_token(error, id))
    }

    async fn try_confirm_email(
        &self,
        token: &OneTimeToken,
        from: Email,
        to: Email,
    ) -> Result<User, AccountError> {
        let user = self.store.find(token.user_id).await?;
        let user = user.filter(|user| token.is_of(user) && user.email == from.as_str());
        let id = user.ok_or(AccountError::InvalidOneTimeToken)?.id;
        let generation = token.generation;
        let action = UserAction::ConfirmEmail {
            generation,
            from,
            to,
        };
        // Only if nothing has revoked the token meanwhile: the store compares generation and address. So
        // the link stays valid if the store fails.
        let user = match self.change(id, action, Actor::System).await {
            Ok(changed) => changed.ok_or(AccountError::InvalidOneTimeToken)?,
            // The same for an address that another account took meanwhile.
            Err(StoreError::Outdated | StoreError::EmailTaken) => {
                return Err(AccountError::InvalidOneTimeToken);
            }
            Err(error) => return Err(error.into()),
        };
        // A change of the address has revoked it. A verification is not repeated: of concurrent uses one
        // removes the row.
        let tokens = self.expect_one_time_tokens()?;
        tokens.take(token, self.now()).await?;
        Ok(user)
    }
}

impl User {
    fn awaits_verification(&self) -> bool {
        let is_open = matches!(self.status, UserStatus::Pending | UserStatus::Approved);
        // The link with which the first password is set verifies the address, too.
        is_open && self.email_verified_at.is_none() && self.has_password()
    }
}
