//! Invalidation channel by `LISTEN` and `NOTIFY`: a trigger on the table reports every change.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, stream};
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::time::{self, interval, sleep};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;

/// Listens for changed accounts, including those changed with `psql`, and reconnects after errors.
/// Yields `Disconnected` whenever messages may have been lost. For
/// [`UserCache::subscribe`](tower_warder::cache::UserCache::subscribe).
///
/// `table` is the name of the accounts table: `users`, with the prefix if the store has one. Every
/// table of this name in the database is heard, in whatever schema: that invalidates more than
/// necessary, never less.
///
/// Uses a connection of its own, which must not lead through a pooler that shares connections
/// between transactions: such stores need another URL here, others have
/// [`PostgresStore::invalidations`](crate::PostgresStore::invalidations). Spawns a task, so it must
/// be called on a tokio runtime.
pub fn listen(
    database: PgConnectOptions,
    table: &str,
) -> impl Stream<Item = Invalidation> + Send + use<> {
    let table = table.to_owned();
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        while !sender.is_closed() {
            let Err(error) = listen_once(&database, &table, &sender).await;
            // A closed receiver ends the loop at the next check.
            let _ = sender.send(Invalidation::Disconnected(error)).await;
            sleep(RETRY).await;
        }
    });
    stream::poll_fn(move |cx| receiver.poll_recv(cx))
}

/// Ends only with an error.
async fn listen_once(
    database: &PgConnectOptions,
    table: &str,
    sender: &mpsc::Sender<Invalidation>,
) -> Result<Infallible, BoxError> {
    // A separate connection: the pool of the store may be exhausted.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(database.clone());
    let mut listener = in_time(PgListener::connect_with(&pool)).await?;
    // Otherwise it would reconnect without reporting the gap.
    listener.eager_reconnect(false);
    in_time(listener.listen(table)).await?;
    sender.send(Invalidation::Connected).await?;
    let mut keep_alive = interval(KEEP_ALIVE);
    loop {
        tokio::select! {
            received = listener.try_recv() => match received? {
                Some(notification) => sender.send(read(notification.payload())).await?,
                None => return Err("the connection was lost".into()),
            },
            _ = keep_alive.tick() => {
                in_time(listener.execute("SELECT 1")).await?;
            }
        }
    }
}

/// Parses a payload: the ID of a user, or `*`.
fn read(payload: &str) -> Invalidation {
    match payload {
        "*" => Invalidation::All,
        id => Invalidation::Key(id.to_owned()),
    }
}

/// Applies the timeout.
async fn in_time<T>(answer: impl Future<Output = sqlx::Result<T>>) -> Result<T, BoxError> {
    match time::timeout(TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err("the server did not answer in time".into()),
    }
}

const QUEUE: usize = 1024;

/// Interval of the keep-alive, and its timeout: a connection that was cut silently is detected
/// after the sum of both.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(500);
