//! Continuous authorization of streams and WebSockets.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{self, Either};

use super::Identity;
use crate::clock::Clock;
use crate::error::AuthError;
use crate::jwt::Claims;
use crate::policy::Policy;
use crate::user::AuthUser;

impl<U: AuthUser> Identity<U> {
    /// Waits until the request is no longer authorized, and returns the reason. A stream can outlive
    /// its authorization: use it to end WebSockets and server-sent events.
    ///
    /// The credential is verified and the user loaded as for a new request, at once and then every
    /// `interval`. The wait ends when the token has expired, its key was removed, the user's
    /// generation or status has changed, or `policy` denies the request.
    ///
    /// In between, the check is repeated when the token expires, and when a
    /// [`UserCache`](crate::cache::UserCache) of the layer
    /// [invalidates](crate::cache::UserCache::invalidate) the user: a disabled user is disconnected at
    /// once. Without a cache that takes up to `interval`. An interval of 30 seconds is recommended;
    /// intervals below 1 second are raised to 1 second.
    ///
    /// Failures close the stream: if a store fails, or does not respond within `interval`, the wait
    /// ends with the error of a new request. Clients can reconnect when the store works again.
    ///
    /// `sleep` is the runtime's own, such as `tokio::time::sleep`. No task is spawned; dropping the
    /// future stops the checks. With `StreamExt` of futures-util, end a stream like this:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::{Stream, StreamExt};
    /// use tower_warder::Identity;
    /// use tower_warder::policy::Approved;
    /// # use tower_warder::testing::TestUser as User;
    ///
    /// fn while_authorized(events: impl Stream, identity: Identity<User>) -> impl Stream {
    ///     let interval = Duration::from_secs(30);
    ///     events.take_until(identity.until_unauthorized(Approved, interval, tokio::time::sleep))
    /// }
    /// ```
    ///
    /// For a WebSocket use `tokio::select!`, and close it with the reason from the error.
    pub async fn until_unauthorized<P, F>(
        self,
        policy: P,
        interval: Duration,
        sleep: impl Fn(Duration) -> F,
    ) -> AuthError
    where
        P: Policy<U>,
        F: Future<Output = ()>,
    {
        let claims = match self.0.claims().await {
            Ok(claims) => claims,
            Err(error) => return error.clone(),
        };
        // With a shorter interval every store that has to be waited for would be too late.
        let interval = interval.max(SHORTEST);
        // Before the first check, so that no invalidation in between is missed.
        let watcher = self.0.watcher(claims);
        loop {
            let unresolved = Self(Arc::new(self.0.unresolved()));
            let check = pin!(unresolved.authorize(&policy));
            match future::select(check, pin!(sleep(interval))).await {
                Either::Left((Ok(_), _)) => {}
                Either::Left((Err(error), _)) => return error,
                // Fail closed: a store that hangs must not keep streams open.
                Either::Right(_) => return unresolved.0.timed_out(),
            }
            let next = pin!(sleep(
                interval.min(until_expiry(claims).unwrap_or(interval))
            ));
            match &watcher {
                Some(watcher) => {
                    future::select(next, pin!(watcher.changed())).await;
                }
                None => next.await,
            }
        }
    }
}

/// Time until the token expires, by the system clock. `None` if it has expired: whether it is still
/// accepted is decided by the verifier, with its own clock and leeway.
fn until_expiry(claims: &Claims) -> Option<Duration> {
    let left = claims.expires_at().duration_since(Clock::system().now());
    left.ok().filter(|left| !left.is_zero())
}

const SHORTEST: Duration = Duration::from_secs(1);
