//! Channel that tells the nodes about changed users, to invalidate their caches.

use std::fmt;
use std::str::FromStr;

use futures_util::stream::{BoxStream, StreamExt};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;
use tower_warder_redis::RedisChannel;
use tower_warder_redis::redis::Client;
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
    /// Returns the Redis of the channel, if it is one.
    pub fn redis(&self) -> Option<&Client> {
        match self {
            Self::Postgres(_) => None,
            Self::Redis(client) => Some(client),
        }
    }

    /// Listens for invalidations and reconnects after errors. Yields `Disconnected` whenever
    /// messages may have been lost.
    pub fn listen(self) -> BoxStream<'static, Invalidation> {
        match self {
            Self::Postgres(server) => channel::listen(server.options, NAME).boxed(),
            Self::Redis(client) => RedisChannel::new(client).listen().boxed(),
        }
    }

    /// Returns the function that publishes invalidations, or `None` if the database does so.
    pub fn publisher(&self) -> Option<impl Fn(Invalidation) + Send + Sync + use<>> {
        match self {
            Self::Postgres(_) => None,
            Self::Redis(client) => Some(RedisChannel::new(client.clone()).publisher()),
        }
    }

    /// Publishes an invalidation before it returns, for a process that ends then. Does nothing if
    /// the database publishes it.
    pub async fn publish(&self, invalidation: Invalidation) -> Result<(), BoxError> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Redis(client) => {
                RedisChannel::new(client.clone())
                    .publish(invalidation)
                    .await
            }
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
        if url.starts_with(REDIS) {
            return redis(url).map(Self::Redis);
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

/// Parses the URL of a Redis.
pub fn redis(url: &str) -> Result<Client, Unusable> {
    if !url.starts_with(REDIS) {
        return Err(Unusable);
    }
    Client::open(url).map_err(|_| Unusable)
}

/// The client is built without TLS.
const REDIS: &str = "redis:";

/// Channel of the trigger in PostgreSQL.
const NAME: &str = "users";
