//! Invalidations by publish/subscribe.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use redis::{Client, Value};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep, timeout};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;

use super::connection::SharedConnection;
use super::publisher::{self, ALL, RETRY};

/// Channel by which instances tell each other about changed users.
///
/// Each instance publishes what it invalidates, and listens to the others:
///
/// ```no_run
/// use tower_warder::cache::UserCache;
/// use tower_warder::testing::TestUser as User;
/// use tower_warder_redis::{RedisChannel, redis};
///
/// # #[tokio::main]
/// # async fn main() -> redis::RedisResult<()> {
/// let channel = RedisChannel::new(redis::Client::open("redis://127.0.0.1/")?);
/// let cache = UserCache::<User>::new(10_000).on_invalidate(channel.publisher());
/// tokio::spawn(cache.subscribe(channel.listen()));
/// # Ok(())
/// # }
/// ```
///
/// A change that is made in the database by hand is not announced: it takes effect after the
/// [time to live](tower_warder::cache::UserCache::ttl). So does a change by an instance that has lost
/// Redis while others have not, until it has reconnected: then it invalidates all users.
///
/// A client that can publish in this Redis can empty the caches, and no more: a message authorizes no
/// request.
#[doc(alias = "pubsub")]
#[derive(Clone)]
#[must_use]
pub struct RedisChannel {
    client: Client,
    name: String,
}

impl RedisChannel {
    /// Creates a channel on the server of this client. Does not connect yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            name: DEFAULT_NAME.to_owned(),
        }
    }

    /// Name of the channel. Defaults to `users`. Applications that share a server need different
    /// ones: the number of the database does not separate channels.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Returns the function for
    /// [`UserCache::on_invalidate`](tower_warder::cache::UserCache::on_invalidate).
    ///
    /// A task publishes in the order of the calls. It starts with an invalidation of all users, which
    /// covers what an earlier process could not publish, and repeats that after each error, which is
    /// logged. It ends with the function.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn publisher(&self) -> impl Fn(Invalidation) + Send + Sync + use<> {
        let (queue, payloads) = mpsc::unbounded_channel();
        let connection = SharedConnection::new(self.client.clone());
        tokio::spawn(publisher::publish(connection, self.name.clone(), payloads));
        let publish = move |invalidation| {
            // The task lives as long as the queue.
            let _ = queue.send(payload(invalidation));
        };
        publish(Invalidation::All);
        publish
    }

    /// Publishes an invalidation before it returns, for a process that ends then.
    ///
    /// # Errors
    ///
    /// If Redis does not confirm in time.
    pub async fn publish(&self, invalidation: Invalidation) -> Result<(), BoxError> {
        let connection = SharedConnection::new(self.client.clone());
        let command = publisher::commands(&self.name, &[payload(invalidation)]);
        Ok(connection.query::<()>(&command).await?)
    }

    /// Returns the stream for [`UserCache::subscribe`](tower_warder::cache::UserCache::subscribe).
    ///
    /// It does not end: after an error it yields `Disconnected`, with the reason, and connects again
    /// after 500 milliseconds. A connection that was cut silently is noticed after 2 seconds.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn listen(&self) -> impl Stream<Item = Invalidation> + Send + use<> {
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        let channel = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = channel.forward(&sender) => {}
            }
        });
        stream::poll_fn(move |cx| receiver.poll_recv(cx))
    }

    async fn forward(&self, sender: &Sender) {
        loop {
            let Err(error) = self.forward_until_error(sender).await;
            // A closed receiver ends the task.
            let _ = sender.send(Invalidation::Disconnected(error)).await;
            sleep(RETRY).await;
        }
    }

    async fn forward_until_error(&self, sender: &Sender) -> Result<Infallible, BoxError> {
        let (mut sink, mut messages) = in_time(self.client.get_async_pubsub()).await?.split();
        in_time(sink.subscribe(&self.name)).await?;
        sender.send(Invalidation::Connected).await?;
        let mut keep_alive = interval(KEEP_ALIVE);
        loop {
            tokio::select! {
                message = messages.next() => {
                    let message = message.ok_or("the connection was lost")?;
                    sender.send(invalidation(message.get_payload().ok())).await?;
                }
                _ = keep_alive.tick() => {
                    in_time(sink.ping::<Value>()).await?;
                }
            }
        }
    }
}

// By hand: the client has the user name of its URL.
impl fmt::Debug for RedisChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisChannel")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

type Sender = mpsc::Sender<Invalidation>;

fn payload(invalidation: Invalidation) -> String {
    match invalidation {
        Invalidation::Key(key) => key,
        _ => ALL.to_owned(),
    }
}

/// Parses a payload. One that is no text comes from another application, and is not ignored.
fn invalidation(payload: Option<String>) -> Invalidation {
    match payload {
        Some(key) if key != ALL => Invalidation::Key(key),
        _ => Invalidation::All,
    }
}

async fn in_time<T, E: Into<BoxError>>(
    response: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    match timeout(TIMEOUT, response).await {
        Ok(response) => response.map_err(Into::into),
        Err(_) => Err("Redis did not answer in time".into()),
    }
}

const DEFAULT_NAME: &str = "users";
const QUEUE: usize = 1024;

/// Interval of the keep-alive, and its timeout: a connection that was cut silently is detected
/// after the sum of both.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
