//! A store under a test's direction.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tower_warder::accounts::{AccountStore, Actor, Change, Email, NewUser, Page, StoreError, User};
use tower_warder::async_trait;

use crate::support::{OUTAGE, Place};

/// Fails, or stops one call in its middle, when a test says so.
pub struct Staged {
    store: Arc<dyn AccountStore>,
    _place: Place,
    fails: Mutex<Vec<&'static str>>,
    pause: Mutex<Option<Pause>>,
    arrived: Semaphore,
    gate: Semaphore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// With the account in hand, as it was.
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
            fails: Mutex::default(),
            pause: Mutex::default(),
            arrived: Semaphore::new(0),
            gate: Semaphore::new(0),
        }
    }

    /// From now on these methods fail.
    pub fn fails(&self, methods: &[&'static str]) {
        *self.fails.lock().unwrap() = methods.to_vec();
    }

    /// The next call that comes by waits there.
    pub fn pause(&self, pause: Pause) {
        *self.pause.lock().unwrap() = Some(pause);
    }

    /// Until the call has come to its pause.
    pub async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets the call go on.
    pub fn go_on(&self) {
        self.gate.add_permits(1);
    }

    fn enter(&self, method: &str) -> Result<(), StoreError> {
        match self.fails.lock().unwrap().contains(&method) {
            true => Err(StoreError::unavailable(OUTAGE)),
            false => Ok(()),
        }
    }

    async fn at(&self, point: Pause) {
        let waits = self
            .pause
            .lock()
            .unwrap()
            .take_if(|pause| *pause == point)
            .is_some();
        if waits {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
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

    async fn list(&self, page: Page) -> Result<Vec<User>, StoreError> {
        self.enter("list")?;
        self.store.list(page).await
    }

    async fn count_pending(&self) -> Result<u64, StoreError> {
        self.enter("count_pending")?;
        self.store.count_pending().await
    }

    async fn update(&self, id: i64, change: Change) -> Result<User, StoreError> {
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

    async fn replace_hash(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        self.enter("replace_hash")?;
        self.at(Pause::BeforeReplaceHash).await;
        self.store.replace_hash(id, old, new).await
    }

    async fn end_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.enter("end_tokens")?;
        self.at(Pause::BeforeEndTokens).await;
        let ended = self.store.end_tokens(id, generation, hash).await;
        self.at(Pause::AfterEndTokens).await;
        ended
    }
}
