//! How nodes hear whom the others change: a channel that the cache of users follows.

mod postgres;
mod redis;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ::redis::Client;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio::time::{self, sleep};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;

use super::database::{Database, PostgresServer, Unusable};

/// Where the channel is, as `INVALIDATION_URL` says it.
#[derive(Clone)]
pub enum Channel {
    /// The database itself tells of every change, whoever makes it.
    Postgres(PostgresServer),
    /// Each node tells of its own changes.
    Redis(Client),
}

impl Channel {
    /// Listens for ever, and says so whenever something may have been missed.
    pub fn listen(self) -> impl Stream<Item = Invalidation> {
        let (says, mut said) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            while !says.is_closed() {
                let listened = match &self {
                    Self::Postgres(server) => postgres::listen(&server.options, &says).await,
                    Self::Redis(client) => redis::listen(client, &says).await,
                };
                let Err(error) = listened;
                // Nobody is left to hear it: the next round ends.
                let _ = says.send(Invalidation::Disconnected(error)).await;
                sleep(RETRY).await;
            }
        });
        stream::poll_fn(move |cx| said.poll_recv(cx))
    }

    /// Takes the words that the others are to hear, unless they hear them from the database.
    pub fn tell(&self) -> Option<impl Fn(Invalidation) + Send + Sync + use<>> {
        match self {
            Self::Postgres(_) => None,
            Self::Redis(client) => Some(redis::teller(client.clone())),
        }
    }
}

/// That of the database, if it has one.
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

/// The place, and never the password.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(server) => server.fmt(f),
            Self::Redis(client) => client.get_connection_info().addr().fmt(f),
        }
    }
}

/// Ends only by an error.
type Listened = Result<Infallible, BoxError>;
type Says = mpsc::Sender<Invalidation>;

/// A payload: a user's id, or everybody.
fn read(payload: &str) -> Invalidation {
    match payload {
        EVERYBODY => Invalidation::All,
        id => Invalidation::Key(id.to_owned()),
    }
}

/// The answer, unless it takes too long.
async fn in_time<T, E: Into<BoxError>>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    match time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err("no answer in time".into()),
    }
}

async fn say(says: &Says, invalidation: Invalidation) -> Result<(), BoxError> {
    Ok(says.send(invalidation).await?)
}

const NAME: &str = "users";
const EVERYBODY: &str = "*";
const QUEUE: usize = 1024;

/// How often the other end is asked whether it is still there, and how long it may take to answer:
/// a channel that is cut without a word is found out after the two together.
const BEAT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(500);
