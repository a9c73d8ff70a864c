//! Control of a store by a test.

use std::mem;
use std::sync::Mutex;

use tokio::sync::Semaphore;
use tower_warder_accounts::StoreError;

use crate::OUTAGE;

/// Makes calls fail or pause on command. `P` are the points where a call can pause.
#[derive(Debug)]
pub struct Direction<P> {
    calls: Mutex<Vec<String>>,
    fails: Mutex<Vec<&'static str>>,
    pause: Mutex<Option<P>>,
    arrived: Semaphore,
    gate: Semaphore,
}

impl<P: PartialEq> Direction<P> {
    pub fn new() -> Self {
        Self {
            calls: Mutex::default(),
            fails: Mutex::default(),
            pause: Mutex::new(None),
            arrived: Semaphore::new(0),
            gate: Semaphore::new(0),
        }
    }

    /// Returns the methods that were called since the last time.
    pub fn calls(&self) -> Vec<String> {
        mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Makes these methods fail from now on.
    pub fn fails(&self, methods: &[&'static str]) {
        *self.fails.lock().unwrap() = methods.to_vec();
    }

    /// Pauses the next call at this point.
    pub fn pause(&self, pause: P) {
        *self.pause.lock().unwrap() = Some(pause);
    }

    /// Waits until a call has paused.
    pub async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Resumes the paused call.
    pub fn go_on(&self) {
        self.gate.add_permits(1);
    }

    /// Called by the store at the beginning of a method.
    pub fn enter(&self, method: &str) -> Result<(), StoreError> {
        self.calls.lock().unwrap().push(method.to_owned());
        match self.fails.lock().unwrap().contains(&method) {
            true => Err(StoreError::unavailable(OUTAGE)),
            false => Ok(()),
        }
    }

    /// Called by the store where a call may pause.
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
