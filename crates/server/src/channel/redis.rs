//! Publish and subscribe: each node tells of what it changes itself. Who works on the database by
//! hand is seen after the time to live of the cache.

use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisResult};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};
use tower_warder::cache::Invalidation;

use super::{BEAT, EVERYBODY, Listened, NAME, RETRY, Says, in_time, read, say};

pub(super) async fn listen(client: &Client, says: &Says) -> Listened {
    let (mut asks, mut messages) = in_time(client.get_async_pubsub()).await?.split();
    in_time(asks.subscribe(NAME)).await?;
    say(says, Invalidation::Connected).await?;
    let mut beat = interval(BEAT);
    loop {
        tokio::select! {
            message = messages.next() => {
                let message = message.ok_or("the connection was lost")?;
                say(says, read(&message.get_payload::<String>()?)).await?;
            }
            _ = beat.tick() => {
                in_time(asks.ping::<redis::Value>()).await?;
            }
        }
    }
}

/// Takes words, and sends them from a task of its own.
pub(super) fn teller(client: Client) -> impl Fn(Invalidation) + Send + Sync + use<> {
    let (queue, mut words) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        let mut teller = Teller {
            client,
            connection: None,
        };
        while let Some(mut word) = words.recv().await {
            let mut is_known = false;
            while let Err(error) = in_time(teller.publish(&word)).await {
                if !is_known {
                    tracing::warn!(%error, "Redis does not take what the other nodes are to hear");
                    is_known = true;
                }
                teller.connection = None;
                sleep(RETRY).await;
                // What has piled up meanwhile is one word.
                while words.try_recv().is_ok() {}
                EVERYBODY.clone_into(&mut word);
            }
        }
    });
    // What the process before this one could not send any more.
    let _ = queue.send(EVERYBODY.to_owned());
    move |invalidation| {
        let word = match invalidation {
            Invalidation::Key(id) => id,
            _ => EVERYBODY.to_owned(),
        };
        // The task lives as long as the queue.
        let _ = queue.send(word);
    }
}

struct Teller {
    client: Client,
    connection: Option<MultiplexedConnection>,
}

impl Teller {
    async fn publish(&mut self, word: &str) -> RedisResult<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_multiplexed_async_connection().await?),
        };
        connection.publish(NAME, word).await
    }
}
