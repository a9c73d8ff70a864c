//! A store of sessions under a test's direction.

use std::sync::Mutex;

use tokio::sync::Semaphore;
use tower_warder::accounts::{MemorySessions, Rotation, Session, SessionStore, StoreError};
use tower_warder::async_trait;

use crate::support::OUTAGE;

/// Fails, or stops one call in its middle, when a test says so.
#[derive(Debug)]
pub struct StagedSessions {
    store: MemorySessions,
    fails: Mutex<Vec<&'static str>>,
    pause: Mutex<Option<Pause>>,
    arrived: Semaphore,
    gate: Semaphore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    BeforeOpen,
    /// With the session in hand, as it was.
    AfterFind,
    BeforeRotate,
    AfterRotate,
    BeforeEndBefore,
}

impl StagedSessions {
    pub fn new() -> Self {
        Self {
            store: MemorySessions::new(),
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

    async fn end_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        self.enter("end_before")?;
        self.at(Pause::BeforeEndBefore).await;
        self.store.end_before(user_id, generation, kept).await
    }
}
