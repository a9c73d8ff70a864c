//! Guard that invalidates a cached account after a change.

use tower_warder::cache::UserCache;

use super::model::User;

/// Invalidates the cached account on drop: after a change, and also when the future of the change
/// is dropped before it completes.
pub(super) struct InvalidateOnDrop<'a> {
    cache: Option<&'a UserCache<User>>,
    id: i64,
}

impl<'a> InvalidateOnDrop<'a> {
    pub(super) const fn new(cache: Option<&'a UserCache<User>>, id: i64) -> Self {
        Self { cache, id }
    }

    /// Invalidates nothing: the store answered that it changed nothing.
    pub(super) fn cancel(mut self) {
        self.cache = None;
    }
}

impl Drop for InvalidateOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(cache) = self.cache {
            cache.invalidate(&self.id.to_string());
        }
    }
}
