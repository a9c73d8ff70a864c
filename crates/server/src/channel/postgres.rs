//! Invalidations by `LISTEN`: a trigger on the table reports every change.

use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::interval;
use tower_warder::cache::Invalidation;

use super::{KEEP_ALIVE, Listened, NAME, Sender, in_time, read, send};

pub(super) async fn listen(database: &PgConnectOptions, sender: &Sender) -> Listened {
    // A separate connection: the pool of the store may be exhausted.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(database.clone());
    let mut listener = in_time(PgListener::connect_with(&pool)).await?;
    // Otherwise it would reconnect without reporting the gap.
    listener.eager_reconnect(false);
    in_time(listener.listen(NAME)).await?;
    send(sender, Invalidation::Connected).await?;
    let mut keep_alive = interval(KEEP_ALIVE);
    loop {
        tokio::select! {
            received = listener.try_recv() => match received? {
                Some(notification) => send(sender, read(notification.payload())).await?,
                None => return Err("the connection was lost".into()),
            },
            _ = keep_alive.tick() => {
                in_time(listener.execute("SELECT 1")).await?;
            }
        }
    }
}
