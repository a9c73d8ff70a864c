//! Account store that a test controls.

use std::ops::Deref;
use std::sync::Arc;

use tower_warder::async_trait;
use tower_warder_accounts::{
    AccountStore, Actor, Email, NewUser, StoreError, User, UserChange, UserFilter, UserQuery,
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

    async fn update(&self, id: i64, change: UserChange) -> Result<User, StoreError> {
        self.enter("update")?;
        self.at(Pause::BeforeUpdate).await;
        let updated = self.store.update(id, change).await;
        self.at(Pause::AfterUpdate).await;
        updated
    }

    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError> {
        self.enter("delete")?;
        self.at(Pause::BeforeDelete).await;
        self.store.delete(id, by).await
    }

    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError> {
        self.enter("reset_password")?;
        self.at(Pause::BeforeResetPassword).await;
        self.store.reset_password(id, hash, by).await
    }

    async fn update_hash_if(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        self.enter("update_hash_if")?;
        self.at(Pause::BeforeReplaceHash).await;
        self.store.update_hash_if(id, old, new).await
    }

    async fn revoke_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.enter("revoke_tokens")?;
        self.at(Pause::BeforeEndTokens).await;
        let ended = self.store.revoke_tokens(id, generation, hash).await;
        self.at(Pause::AfterEndTokens).await;
        ended
    }
}
