//! Reads of accounts by ID, several in one statement.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tower_warder_accounts::{StoreError, User};

use super::{Row, SqliteStore};
use crate::users::{self, users};

impl SqliteStore {
    /// Reads an account. While a statement runs, further reads wait, and the next statement reads
    /// their accounts together: passing a statement to the thread of a connection takes longer than
    /// reading a row.
    ///
    /// The statement of a read begins after this call, and finds what was committed before.
    pub(super) async fn read(&self, id: i64) -> Result<Option<User>, StoreError> {
        let (result, row) = oneshot::channel();
        if let Some(running) = self.reads.add(Read { id, result }) {
            // A task of its own, because this request may be cancelled while others wait.
            tokio::spawn(self.clone().run_reads(running));
        }
        let row = row.await??;
        let row = row.as_deref().map(Row::from_row).transpose()?;
        row.map(Row::into_user).transpose()
    }

    async fn run_reads(self, mut running: Running) {
        loop {
            // First the other requests that can proceed: they may read, too.
            yield_now().await;
            let Some(reads) = running.next() else {
                return;
            };
            let found = self.find_all(&reads).await.map_err(Arc::new);
            for Read { id, result } in reads {
                let row = match &found {
                    Ok(rows) => Ok(rows.get(&id).cloned()),
                    Err(error) => Err(Arc::clone(error)),
                };
                // Fails if the request was cancelled.
                let _ = result.send(row);
            }
        }
    }

    async fn find_all(&self, reads: &[Read]) -> sqlx::Result<HashMap<i64, Arc<SqliteRow>>> {
        let rows = if let [read] = reads {
            let query = sqlx::query(self.sql(users::FIND)).bind(read.id);
            let row = query.fetch_optional(&self.pool).await?;
            row.into_iter().collect()
        } else {
            let ids: Vec<_> = reads.iter().map(|read| read.id.to_string()).collect();
            let ids = format!("[{}]", ids.join(","));
            let query = sqlx::query(self.sql(FIND_ALL)).bind(ids);
            query.fetch_all(&self.pool).await?
        };
        rows.into_iter()
            .map(|row| Ok((row.try_get("id")?, Arc::new(row))))
            .collect()
    }
}

/// Reads that wait until the running statement ends. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Reads(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Read>,
    is_running: bool,
}

struct Read {
    id: i64,
    result: oneshot::Sender<Result<Option<Arc<SqliteRow>>, Arc<sqlx::Error>>>,
}

impl Reads {
    /// Adds a read. If none is running, the caller has to run them.
    fn add(&self, read: Read) -> Option<Running> {
        let mut state = self.lock();
        state.waiting.push_back(read);
        let was_running = mem::replace(&mut state.is_running, true);
        (!was_running).then(|| Running(Some(self.clone())))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reads").finish_non_exhaustive()
    }
}

/// The reads that one task runs, until none waits.
struct Running(Option<Reads>);

impl Running {
    fn next(&mut self) -> Option<Vec<Read>> {
        let reads = self.0.take()?;
        let mut state = reads.lock();
        if state.waiting.is_empty() {
            state.is_running = false;
            return None;
        }
        let count = state.waiting.len().min(MAX_READS);
        let next = state.waiting.drain(..count).collect();
        drop(state);
        self.0 = Some(reads);
        Some(next)
    }
}

/// The task was cancelled, because its runtime ends: another one starts with the next read.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(reads) = &self.0 {
            *reads.lock() = State::default();
        }
    }
}

const FIND_ALL: &str = users!("WHERE id IN (SELECT value FROM json_each($1))");

/// Number of rows that a connection of sqlx sends, by default, before it waits for their receiver.
const MAX_READS: usize = 50;
