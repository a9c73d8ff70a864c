//! Session store that a test makes fail or pause.

use std::ops::Deref;

use tower_warder::async_trait;
use tower_warder_accounts::{InMemorySessionStore, Rotation, Session, SessionStore, StoreError};

use crate::support::accounts::direction::Direction;

/// Fails or pauses calls as a test demands.
#[derive(Debug)]
pub struct StagedSessions {
    store: InMemorySessionStore,
    direction: Direction<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    BeforeOpen,
    /// After the session was read.
    AfterFind,
    BeforeRotate,
    AfterRotate,
    BeforeEndBefore,
}

impl StagedSessions {
    pub fn new() -> Self {
        Self {
            store: InMemorySessionStore::new(),
            direction: Direction::new(),
        }
    }
}

impl Deref for StagedSessions {
    type Target = Direction<Pause>;

    fn deref(&self) -> &Direction<Pause> {
        &self.direction
    }
}

#[async_trait]
impl SessionStore for StagedSessions {
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError> {
        self.enter("open")?;
        self.at(Pause::BeforeOpen).await;
        self.store.open(session, most).await
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.enter("find")?;
        let found = self.store.find(id).await;
        self.at(Pause::AfterFind).await;
        found
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        self.enter("list")?;
        self.store.list(user_id).await
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        self.enter("rotate")?;
        self.at(Pause::BeforeRotate).await;
        let rotated = self.store.rotate(id, token, rotation).await;
        self.at(Pause::AfterRotate).await;
        rotated
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        self.enter("end")?;
        self.store.end(id, user_id).await
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        self.enter("revoke_before")?;
        self.at(Pause::BeforeEndBefore).await;
        self.store.revoke_before(user_id, generation, kept).await
    }
}
