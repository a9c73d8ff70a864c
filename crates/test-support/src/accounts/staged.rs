//! Account store that a test controls.

use std::ops::Deref;
use std::sync::Arc;

use tower_warder::async_trait;
use tower_warder_accounts::{
    AccountStore, Email, NewUser, StoreError, User, UserAction, UserChange, UserFilter, UserQuery,
};

use super::direction::Direction;
use crate::Place;

/// Store whose calls fail or pause on command.
pub struct Staged {
    store: Arc<dyn AccountStore>,
    _place: Place,
    direction: Direction<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// After the account was read, which may be outdated when the call resumes.
    AfterFindByEmail,
    BeforeInsert,
    BeforeReplaceHash,
    BeforeUpdate,
    AfterUpdate,
    BeforeDelete,
    BeforeResetPassword,
    BeforeEndTokens,
    AfterEndTokens,
    BeforeFirstPassword,
}

impl Staged {
    pub async fn new() -> Self {
        Self::over(Place::new().await).await
    }

    pub async fn over(place: Place) -> Self {
        Self {
            store: place.store().await,
            _place: place,
            direction: Direction::new(),
        }
    }
}

impl Deref for Staged {
    type Target = Direction<Pause>;

    fn deref(&self) -> &Direction<Pause> {
        &self.direction
    }
}

#[async_trait]
impl AccountStore for Staged {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        self.enter("insert")?;
        self.at(Pause::BeforeInsert).await;
        self.store.insert(new).await
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        self.enter("find")?;
        self.store.find(id).await
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.enter("find_by_email")?;
        let found = self.store.find_by_email(email).await;
        self.at(Pause::AfterFindByEmail).await;
        found
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        self.enter("list")?;
        self.store.list(query).await
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.enter("count")?;
        self.store.count(filter).await
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        let (method, before, after) = match change.action {
            UserAction::SetDisplayName { .. } => ("set_display_name", Pause::BeforeUpdate, None),
            UserAction::Update(_) => ("update", Pause::BeforeUpdate, Some(Pause::AfterUpdate)),
            UserAction::Delete
            | UserAction::DeleteOwn { .. }
            | UserAction::DeletePending { .. } => ("delete", Pause::BeforeDelete, None),
            UserAction::ResetPassword { .. } => {
                ("reset_password", Pause::BeforeResetPassword, None)
            }
            UserAction::Rehash { .. } => ("rehash", Pause::BeforeReplaceHash, None),
            UserAction::RevokeTokens { .. } => (
                "revoke_tokens",
                Pause::BeforeEndTokens,
                Some(Pause::AfterEndTokens),
            ),
            UserAction::SetFirstPassword { .. } => {
                ("set_first_password", Pause::BeforeFirstPassword, None)
            }
            _ => panic!("an action that no test controls: {change:?}"),
        };
        self.enter(method)?;
        self.at(before).await;
        let changed = self.store.change(change).await;
        if let Some(after) = after {
            self.at(after).await;
        }
        changed
    }
}
