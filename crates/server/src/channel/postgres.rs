//! `LISTEN`: a trigger on the table tells of every change.

use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::interval;
use tower_warder::cache::Invalidation;

use super::{BEAT, Listened, NAME, Says, in_time, read, say};

pub(super) async fn listen(database: &PgConnectOptions, says: &Says) -> Listened {
    // A connection of its own: the pool of the store may be full.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(database.clone());
    let mut listener = in_time(PgListener::connect_with(&pool)).await?;
    // Else it would connect again by itself, and say nothing of the gap.
    listener.eager_reconnect(false);
    in_time(listener.listen(NAME)).await?;
    say(says, Invalidation::Connected).await?;
    let mut beat = interval(BEAT);
    loop {
        tokio::select! {
            heard = listener.try_recv() => match heard? {
                Some(notification) => say(says, read(notification.payload())).await?,
                None => return Err("the connection was lost".into()),
            },
            _ = beat.tick() => {
                in_time(listener.execute("SELECT 1")).await?;
            }
        }
    }
}
