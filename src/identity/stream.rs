//! Authorization of streams and sockets, which outlive their request.

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
    /// Waits until the request would no longer be authorized, and returns why: for a stream or a
    /// socket that is open longer than a request.
    ///
    /// At once, and then at every `interval`, the credential is verified and the user loaded as for
    /// a new request: an expired token, a removed key, a later generation and another status end
    /// the stream, and so does `policy`. Between, it is checked when the token expires, and when a
    /// [`UserCache`](crate::cache::UserCache) of the layer
    /// [invalidates](crate::cache::UserCache::invalidate) the user: a disabled user is disconnected at once.
    /// Without a cache it takes up to `interval`; 30 seconds are a good one. Intervals below one
    /// second are raised to one second.
    ///
    /// It fails closed: a store that cannot answer a check, or not within `interval`, ends the stream
    /// as it would reject a new request. Clients that reconnect are accepted when it is back.
    ///
    /// `sleep` is the runtime's own, such as `tokio::time::sleep`. Nothing is spawned; dropping
    /// the future stops the checks. With the `StreamExt` of futures-util a stream ends with it:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use futures_util::{Stream, StreamExt};
    /// # use tower_warder::Identity;
    /// # use tower_warder::policy::Approved;
    /// # use tower_warder::testing::TestUser as User;
    /// fn while_authorized(events: impl Stream, identity: Identity<User>) -> impl Stream {
    ///     let interval = Duration::from_secs(30);
    ///     events.take_until(identity.until_unauthorized(Approved, interval, tokio::time::sleep))
    /// }
    /// ```
    ///
    /// and a socket in `tokio::select!`, where the error is at hand for a reason to close it.
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
        // Otherwise a store that does not answer at once would never be in time.
        let interval = interval.max(SHORTEST);
        // Before the first check, so that nothing is missed between the two.
        let watcher = self.0.watcher(claims);
        loop {
            let unresolved = Self(Arc::new(self.0.unresolved()));
            let check = pin!(unresolved.authorize(&policy));
            match future::select(check, pin!(sleep(interval))).await {
                Either::Left((Ok(_), _)) => {}
                Either::Left((Err(error), _)) => return error,
                // A store that hangs must not keep streams open.
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

/// Time until the next check: whether the token has expired, the verifier decides by its own clock.
/// `None` if it has expired by the system's.
fn until_expiry(claims: &Claims) -> Option<Duration> {
    let left = claims.expires_at().duration_since(Clock::system().now());
    left.ok().filter(|left| !left.is_zero())
}

const SHORTEST: Duration = Duration::from_secs(1);
