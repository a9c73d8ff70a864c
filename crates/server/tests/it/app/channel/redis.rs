//! Each node announces its own changes.

use std::time::Duration;

use tower_warder::cache::UserCache;
use tower_warder_accounts::User;

use super::listener;
use crate::support::redis_url;
use tower_warder_server::user_cache;

#[tokio::test]
async fn invalidated_user_reaches_other_nodes() {
    let Some(url) = redis_url() else { return };
    let mut listener = listener(&url).await;
    // Not used by other tests on the same server.
    cache(&url).invalidate("invalidated-user");
    listener.messages_until("invalidated-user").await;
}

fn cache(url: &str) -> UserCache<User> {
    user_cache(Duration::from_secs(60), Some(url.parse().unwrap()))
}
