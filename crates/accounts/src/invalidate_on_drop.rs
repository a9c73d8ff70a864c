//! Forgets a cached account when it changes.

use tower_warder::cache::UserCache;

use super::model::User;

/// Forgets the account when it is dropped: after a change, or when nobody waits for its end any
/// more.
pub(super) struct InvalidateOnDrop<'a> {
    cache: Option<&'a UserCache<User>>,
    id: i64,
}

impl<'a> InvalidateOnDrop<'a> {
    pub(super) const fn new(cache: Option<&'a UserCache<User>>, id: i64) -> Self {
        Self { cache, id }
    }
}

impl Drop for InvalidateOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(cache) = self.cache {
            cache.invalidate(&self.id.to_string());
        }
    }
}
