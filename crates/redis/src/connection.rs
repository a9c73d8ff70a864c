//! Connection that requests share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult,
};
use tokio::sync::watch;
use tokio::time::timeout;

/// Connection that is opened on demand, and again after an error.
pub(super) struct SharedConnection {
    client: Client,
    connection_timeout: Duration,
    response_timeout: Duration,
    last_attempt: Mutex<Option<Attempt>>,
}

/// Attempt to connect: `None` while it is under way.
type Attempt = watch::Receiver<Option<RedisResult<MultiplexedConnection>>>;

impl SharedConnection {
    pub(super) const fn new(client: Client) -> Self {
        Self {
            client,
            connection_timeout: CONNECTION_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            last_attempt: Mutex::new(None),
        }
    }

    /// Sets how long commands wait for a connection, and then for their responses. Defaults to
    /// 1 second and 500 milliseconds. The attempt to connect itself goes on for 1 second.
    #[cfg(feature = "throttle")]
    pub(super) const fn timeouts(mut self, connection: Duration, response: Duration) -> Self {
        self.connection_timeout = connection;
        self.response_timeout = response;
        self
    }

    /// Sends commands and waits for the responses, at most for the two timeouts.
    pub(super) async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let attempt = self.attempt();
        let connected = timeout(self.connection_timeout, connected(attempt.clone())).await;
        // Not discarded: the attempt is still under way.
        let mut connection = connected.unwrap_or_else(|_| Err(error("not connected in time")))?;
        let response = commands.query_async(&mut connection).await;
        if response.is_err() {
            self.discard(&attempt);
        }
        response
    }

    /// Returns the present connection, or the attempt that is under way, or else a new one.
    fn attempt(&self) -> Attempt {
        let mut last = self.lock();
        if let Some(attempt) = last.as_ref().filter(|attempt| is_usable(attempt)) {
            return attempt.clone();
        }
        let (sender, attempt) = watch::channel(None);
        let client = self.client.clone();
        let response_timeout = self.response_timeout;
        // In a task of its own: others wait for it, too, if this request is cancelled.
        tokio::spawn(async move {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECTION_TIMEOUT))
                .set_response_timeout(Some(response_timeout));
            let opened = client.get_multiplexed_async_connection_with_config(&config);
            sender.send_replace(Some(opened.await));
        });
        last.insert(attempt).clone()
    }

    /// Makes the next request open another connection. This one may be dead long before TCP notices,
    /// or lead to a server that is no longer the primary.
    fn discard(&self, attempt: &Attempt) {
        // Another request may have replaced it already.
        self.lock().take_if(|last| last.same_channel(attempt));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.last_attempt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `false` if the attempt failed, or its task has ended without a result.
fn is_usable(attempt: &Attempt) -> bool {
    match &*attempt.borrow() {
        Some(opened) => opened.is_ok(),
        None => attempt.has_changed().is_ok(),
    }
}

async fn connected(mut attempt: Attempt) -> RedisResult<MultiplexedConnection> {
    let opened = attempt.wait_for(Option::is_some).await;
    let opened = opened.ok().and_then(|opened| opened.clone());
    opened.unwrap_or_else(|| Err(error("the attempt to connect was aborted")))
}

fn error(text: &'static str) -> RedisError {
    (ErrorKind::Io, text).into()
}

/// From the look-up of the name to the authentication.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
