//! Lists and changes of accounts, over any store.

use tower_warder::UserStatus;
use tower_warder::password::HashCaller;

use super::actor::Actor;
use super::error::AccountError;
use super::input::{PasswordReset, UserUpdate};
use super::model::User;
use super::password_policy;
use super::service::{ALL_GENERATIONS, Accounts};
use super::store::AccountStore;
use super::user_change::UserAction;
use super::user_query::{UserFilter, UserPage, UserQuery};

impl<S: AccountStore> Accounts<S> {
    /// Returns a page of the list of accounts.
    ///
    /// The store counts the accounts only if there are more of them than on this page.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    #[doc(alias = "search")]
    #[doc(alias = "pagination")]
    pub async fn list(&self, query: &UserQuery) -> Result<UserPage, AccountError> {
        // One account more than the limit shows that there is another page.
        let mut one_more = query.clone();
        one_more.filter = self.listed(&query.filter);
        one_more.limit = query.limit.map(|limit| limit.saturating_add(1));
        let mut users = self.store.list(&one_more).await?;
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok());
        let is_last = limit.is_none_or(|limit| users.len() <= limit);
        users.truncate(limit.unwrap_or(usize::MAX));
        let total = match u64::try_from(users.len()) {
            Ok(total) if is_last && query.order.is_from_start() => total,
            _ => self.store.count(&one_more.filter).await?,
        };
        let next = users.last().filter(|_| !is_last).map(|last| UserQuery {
            order: query.order.after(last),
            ..query.clone()
        });
        Ok(UserPage { users, total, next })
    }

    /// Returns the number of accounts that wait for approval. Those whose owner has not set a password
    /// yet do not.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn count_pending(&self) -> Result<u64, AccountError> {
        let pending = UserFilter {
            status: Some(UserStatus::Pending),
            has_password: Some(true),
            ..UserFilter::default()
        };
        Ok(self.store.count(&self.listed(&pending)).await?)
    }

    /// Changes the account `id` on behalf of `by`: an admin's `&User`, or [`Actor::System`].
    ///
    /// Disabling an approved account, or making it pending, revokes all its tokens and sessions.
    /// They stay revoked when it is approved again.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`],
    /// [`AccountError::EmailTaken`], [`AccountError::EmailNotVerified`], [`AccountError::NoPassword`],
    /// [`AccountError::Vetoed`] or [`AccountError::Unavailable`]. On an error nothing is changed.
    pub async fn update(
        &self,
        id: i64,
        update: UserUpdate,
        by: impl Into<Actor>,
    ) -> Result<User, AccountError> {
        let by = by.into();
        self.check_approval(id, &update, by).await?;
        let email = update.email.clone();
        let changed = self.change(id, UserAction::Update(update), by).await?;
        let changed = changed.ok_or(AccountError::NotFound)?;
        if let Some(email) = email
            && self.has_email_verification()
            && changed.email_verified_at.is_none()
        {
            self.mail_unverified(email, None);
        }
        Ok(changed)
    }

    /// Deletes the account `id` on behalf of `by`. Its address can be registered again at once; its
    /// id is never reused.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::LastAdmin`],
    /// [`AccountError::Vetoed`] or [`AccountError::Unavailable`].
    pub async fn delete(&self, id: i64, by: impl Into<Actor>) -> Result<(), AccountError> {
        self.change(id, UserAction::Delete, by.into()).await?;
        self.end_sessions_before(id, ALL_GENERATIONS, None).await;
        Ok(())
    }

    /// Sets a new password on behalf of `by`, and revokes all tokens that were issued before. The owner
    /// has to set another one at the next log-in if the input [says so](PasswordReset::must_change).
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAdmin`], [`AccountError::NotFound`], [`AccountError::RejectedPassword`],
    /// [`AccountError::NoOneTimeTokens`], [`AccountError::Vetoed`] or [`AccountError::Unavailable`].
    pub async fn reset_password(
        &self,
        id: i64,
        reset: PasswordReset,
        by: impl Into<Actor>,
    ) -> Result<(), AccountError> {
        let by = by.into();
        // Saves the cost of a hash; the store checks again.
        self.check_actor(by).await?;
        if reset.must_change {
            // Otherwise the owner could not log in.
            self.expect_one_time_tokens()?;
        }
        let user = self.store.find(id).await?.ok_or(AccountError::NotFound)?;
        let policy = self.password_policy.as_deref();
        password_policy::check(policy, &reset.password, &user.email).await?;
        // Not by the account of an admin, who may reset several at once.
        let caller = HashCaller::new().preferred(by.id().is_some());
        let hasher = self.hasher_for(caller);
        let hash = hasher.hash(reset.password.as_str()).await?;
        let action = UserAction::ResetPassword {
            hash,
            must_change: reset.must_change,
        };
        self.change(id, action, by).await?;
        Ok(())
    }
}
