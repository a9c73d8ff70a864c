//! Channel that tells the nodes about changed users, to invalidate their caches.

mod redis;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ::redis::Client;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{self, sleep};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;
use tower_warder_sqlx::channel;

use super::database::{Database, PostgresServer, Unusable};

/// Invalidation channel: the value of `INVALIDATION_URL`.
#[derive(Clone)]
pub enum Channel {
    /// A trigger in the database reports every change, including manual ones.
    Postgres(PostgresServer),
    /// Each node publishes its own changes.
    Redis(Client),
}

impl Channel {
    /// Listens for invalidations and reconnects after errors. Yields `Disconnected` whenever
    /// messages may have been lost.
    pub fn listen(self) -> BoxStream<'static, Invalidation> {
        let client = match self {
            Self::Postgres(server) => {
                return channel::listen(server.options, NAME).boxed();
            }
            Self::Redis(client) => client,
        };
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            while !sender.is_closed() {
                let Err(error) = redis::listen(&client, &sender).await;
                // A closed receiver ends the loop at the next check.
                let _ = sender.send(Invalidation::Disconnected(error)).await;
                sleep(RETRY).await;
            }
        });
        stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
    }

    /// Returns the function that publishes invalidations, or `None` if the database does so.
    pub fn publisher(&self) -> Option<impl Fn(Invalidation) + Send + Sync + use<>> {
        match self {
            Self::Postgres(_) => None,
            Self::Redis(client) => Some(redis::publisher(client.clone())),
        }
    }

    /// Publishes an invalidation before it returns, for a process that ends then. Does nothing if
    /// the database publishes it.
    pub async fn publish(&self, invalidation: Invalidation) -> Result<(), BoxError> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Redis(client) => redis::publish(client.clone(), invalidation).await,
        }
    }
}

/// Channel of the database, if it has one.
impl TryFrom<&Database> for Channel {
    type Error = Unusable;

    fn try_from(database: &Database) -> Result<Self, Unusable> {
        match database {
            Database::Postgres(server) => Ok(Self::Postgres(server.clone())),
            Database::Sqlite(_) => Err(Unusable),
        }
    }
}

impl FromStr for Channel {
    type Err = Unusable;

    fn from_str(url: &str) -> Result<Self, Unusable> {
        if url.starts_with("redis:") {
            return Client::open(url).map(Self::Redis).map_err(|_| Unusable);
        }
        Self::try_from(&url.parse::<Database>()?)
    }
}

/// Formats the address, never the password.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(server) => server.fmt(f),
            Self::Redis(client) => client.get_connection_info().addr().fmt(f),
        }
    }
}

/// Listening ends only with an error.
type Listened = Result<Infallible, BoxError>;
type Sender = mpsc::Sender<Invalidation>;

/// Parses a payload: the ID of a user, or `*`.
fn read(payload: &str) -> Invalidation {
    match payload {
        ALL => Invalidation::All,
        id => Invalidation::Key(id.to_owned()),
    }
}

/// Applies the timeout.
async fn in_time<T, E: Into<BoxError>>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    match time::timeout(TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err("the server did not answer in time".into()),
    }
}

async fn send(sender: &Sender, invalidation: Invalidation) -> Result<(), BoxError> {
    Ok(sender.send(invalidation).await?)
}

const NAME: &str = "users";
const ALL: &str = "*";
const QUEUE: usize = 1024;

/// Interval of the keep-alive, and its timeout: a connection that was cut silently is detected
/// after the sum of both.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(500);
