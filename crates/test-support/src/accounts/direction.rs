//! What a test tells a store to do.

use std::sync::Mutex;

use tokio::sync::Semaphore;
use tower_warder_accounts::StoreError;

use crate::OUTAGE;

/// Calls that fail, or stop in their middle, when a test says so. `P` are the places to stop at.
#[derive(Debug)]
pub struct Direction<P> {
    fails: Mutex<Vec<&'static str>>,
    pause: Mutex<Option<P>>,
    arrived: Semaphore,
    gate: Semaphore,
}

impl<P: PartialEq> Direction<P> {
    pub fn new() -> Self {
        Self {
            fails: Mutex::default(),
            pause: Mutex::new(None),
            arrived: Semaphore::new(0),
            gate: Semaphore::new(0),
        }
    }

    /// From now on these methods fail.
    pub fn fails(&self, methods: &[&'static str]) {
        *self.fails.lock().unwrap() = methods.to_vec();
    }

    /// The next call that comes by waits there.
    pub fn pause(&self, pause: P) {
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

    /// For the store, at the beginning of a call.
    pub fn enter(&self, method: &str) -> Result<(), StoreError> {
        match self.fails.lock().unwrap().contains(&method) {
            true => Err(StoreError::unavailable(OUTAGE)),
            false => Ok(()),
        }
    }

    /// For the store, where a call may have to wait.
    pub async fn at(&self, point: P) {
        if self.stops_at(point) {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
    }

    fn stops_at(&self, point: P) -> bool {
        let mut pause = self.pause.lock().unwrap();
        pause.take_if(|pause| *pause == point).is_some()
    }
}
