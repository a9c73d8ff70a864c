//! Invalidations by Redis publish/subscribe: each node publishes its own changes. Manual changes in
//! the database take effect after the time to live of the cache.

use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisResult};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};
use tower_warder::BoxError;
use tower_warder::cache::Invalidation;

use super::{ALL, KEEP_ALIVE, Listened, NAME, RETRY, Sender, in_time, read, send};

pub(super) async fn listen(client: &Client, sender: &Sender) -> Listened {
    let (mut sink, mut messages) = in_time(client.get_async_pubsub()).await?.split();
    in_time(sink.subscribe(NAME)).await?;
    send(sender, Invalidation::Connected).await?;
    let mut keep_alive = interval(KEEP_ALIVE);
    loop {
        tokio::select! {
            message = messages.next() => {
                let message = message.ok_or("the connection was lost")?;
                send(sender, read(&message.get_payload::<String>()?)).await?;
            }
            _ = keep_alive.tick() => {
                in_time(sink.ping::<redis::Value>()).await?;
            }
        }
    }
}

/// Returns a function that publishes invalidations from a task of its own.
pub(super) fn publisher(client: Client) -> impl Fn(Invalidation) + Send + Sync + use<> {
    let (queue, mut payloads) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        let mut publisher = Publisher {
            client,
            connection: None,
        };
        while let Some(mut payload) = payloads.recv().await {
            let mut is_logged = false;
            while let Err(error) = in_time(publisher.publish(&payload)).await {
                if !is_logged {
                    tracing::warn!(%error, "invalidations cannot be published; check Redis");
                    is_logged = true;
                }
                publisher.connection = None;
                sleep(RETRY).await;
                // Invalidate everything instead of what has queued up meanwhile.
                while payloads.try_recv().is_ok() {}
                ALL.clone_into(&mut payload);
            }
        }
    });
    // Covers what the previous process could not publish.
    let _ = queue.send(ALL.to_owned());
    move |invalidation| {
        // The task lives as long as the queue.
        let _ = queue.send(payload(invalidation));
    }
}

/// Publishes an invalidation once, and returns the error.
pub(super) async fn publish(client: Client, invalidation: Invalidation) -> Result<(), BoxError> {
    let mut publisher = Publisher {
        client,
        connection: None,
    };
    in_time(publisher.publish(&payload(invalidation))).await
}

fn payload(invalidation: Invalidation) -> String {
    match invalidation {
        Invalidation::Key(id) => id,
        _ => ALL.to_owned(),
    }
}

struct Publisher {
    client: Client,
    connection: Option<MultiplexedConnection>,
}

impl Publisher {
    async fn publish(&mut self, payload: &str) -> RedisResult<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_multiplexed_async_connection().await?),
        };
        connection.publish(NAME, payload).await
    }
}
