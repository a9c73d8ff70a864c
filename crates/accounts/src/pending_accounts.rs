//! Limit and expiry of pending accounts.

use std::time::Duration;

use tower_warder::UserStatus;
use tower_warder::private::{LogLimit, log_limited};

use super::actor::Actor;
use super::error::AccountError;
use super::service::Accounts;
use super::store::{AccountStore, AdminGrant};
use super::store_error::StoreError;
use super::user_change::UserAction;
use super::user_query::{UserFilter, UserOrder, UserQuery};

impl<S: AccountStore> Accounts<S> {
    /// Sets the maximum number of pending accounts, also of those that were invited: further
    /// registrations are rejected until an admin has decided about some, or
    /// [`delete_pending`](Self::delete_pending) has deleted some. Invitations, and the registration of
    /// the first admin by its secret, are not. Defaults to no maximum.
    ///
    /// Registrations that run at the same moment can exceed the maximum by their number: the accounts
    /// are counted before a password is hashed, and not again.
    pub const fn max_pending(mut self, maximum: u64) -> Self {
        self.max_pending = Some(maximum);
        self
    }

    /// # Errors
    ///
    /// [`AccountError::TooManyPending`], which is logged, or [`AccountError::Unavailable`].
    pub(super) async fn check_pending_limit(
        &self,
        admin_grant: AdminGrant,
    ) -> Result<(), AccountError> {
        static LIMIT: LogLimit = LogLimit::new();

        let Some(maximum) = self.max_pending else {
            return Ok(());
        };
        // With the secret: otherwise a flood could keep the operator from becoming the first admin.
        if admin_grant == AdminGrant::IfNoAdmin || self.store.count(&pending()).await? < maximum {
            return Ok(());
        }
        log_limited!(
            LIMIT,
            warn,
            maximum,
            "too many accounts are pending, and registrations are rejected: approve or delete some"
        );
        Err(AccountError::TooManyPending)
    }

    /// Deletes accounts that are pending, were never approved, and were registered longer ago than
    /// `age`; returns their number. Call it from time to time, in the background. One that is approved
    /// at the same moment stays.
    ///
    /// Accounts that were invited, and unfinished registrations, are pending, too: their links are invalid
    /// from then on. Another invitation begins the time anew.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`]: some may have been deleted.
    #[doc(alias = "expiry")]
    pub async fn delete_pending(&self, age: Duration) -> Result<u64, AccountError> {
        let Some(created_before) = self.now().checked_sub(age) else {
            return Ok(0);
        };
        let mut deleted = 0;
        let mut query = UserQuery {
            filter: pending(),
            order: UserOrder::CreatedAt {
                descending: false,
                after: None,
            },
            limit: Some(PAGE),
        };
        loop {
            // Of the store: those that no admin sees expire as well.
            let users = self.store.list(&query).await?;
            let Some(last) = users.last() else {
                return Ok(deleted);
            };
            query.order = query.order.after(last);
            for user in users {
                if user.created_at >= created_before {
                    // So are all that follow.
                    return Ok(deleted);
                }
                let action = UserAction::DeletePending { created_before };
                match self.change(user.id, action, Actor::System).await {
                    Ok(_) => deleted += 1,
                    // Changed meanwhile, or kept by a hook.
                    Err(StoreError::Outdated | StoreError::Vetoed(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

fn pending() -> UserFilter {
    UserFilter {
        status: Some(UserStatus::Pending),
        ..UserFilter::default()
    }
}

const PAGE: u32 = 100;
