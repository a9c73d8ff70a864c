//! Task that publishes invalidations.

use std::time::Duration;

use redis::{Pipeline, pipe};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::connection::SharedConnection;

/// Payload that invalidates all users.
pub(super) const ALL: &str = "*";

/// Maximum number of payloads in one round trip.
const MAX_BATCH: usize = 256;

/// Time until the next attempt after an error.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// Publishes each payload of the queue, until its senders are gone.
pub(super) async fn publish(
    connection: SharedConnection,
    name: String,
    mut queue: UnboundedReceiver<String>,
) {
    let mut payloads = Vec::new();
    while queue.recv_many(&mut payloads, MAX_BATCH).await > 0 {
        if payloads.len() == MAX_BATCH {
            replace_by_all(&mut payloads, &mut queue);
        }
        let mut is_logged = false;
        while let Err(error) = connection.query::<()>(&commands(&name, &payloads)).await {
            if !is_logged {
                tracing::warn!(%error, "invalidations cannot be published; check Redis");
                is_logged = true;
            }
            sleep(RETRY).await;
            replace_by_all(&mut payloads, &mut queue);
        }
        payloads.clear();
    }
}

/// One invalidation of all users in place of many of single users.
fn replace_by_all(payloads: &mut Vec<String>, queue: &mut UnboundedReceiver<String>) {
    while queue.try_recv().is_ok() {}
    payloads.clear();
    payloads.push(ALL.to_owned());
}

pub(super) fn commands(name: &str, payloads: &[String]) -> Pipeline {
    let mut commands = pipe();
    for payload in payloads {
        commands.publish(name, payload).ignore();
    }
    commands
}
