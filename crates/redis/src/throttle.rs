//! Counts of attempts.

use std::fmt;
use std::time::Duration;

use redis::{Client, pipe};
use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::throttle::{Bucket, Limit, ThrottleStore};

use super::connection::SharedConnection;

/// Attempts to log in, to register, to change a password and to renew tokens, counted for all
/// instances together.
///
/// Each decision is one script, which takes an attempt from all of its buckets or from none, by the
/// clock of Redis. A key is a keyed digest of address and account; it expires as soon as all attempts
/// of its limit are available again. Needs Redis 5 or later.
///
/// All instances need the same limits, and the same
/// [secret](tower_warder_accounts::throttle::Throttle::secret):
///
/// ```no_run
/// use tower_warder::HmacSecret;
/// use tower_warder_accounts::throttle::Throttle;
/// use tower_warder_redis::{RedisThrottleStore, redis};
///
/// fn throttle(secret: HmacSecret) -> redis::RedisResult<Throttle> {
///     let client = redis::Client::open("redis://127.0.0.1/")?;
///     Ok(Throttle::new()
///         .secret(secret)
///         .store(RedisThrottleStore::new(client)))
/// }
/// ```
///
/// An attempt waits for Redis 100 milliseconds at most, or 200 if a connection has to be opened. While
/// Redis does not answer, each instance counts by itself: see
/// [`ThrottleStore`](tower_warder_accounts::throttle::ThrottleStore).
///
/// Attempts that Redis loses are available again. So that it loses none when its memory is full, set
/// `maxmemory-policy noeviction`; with `appendonly yes` it loses at most those of the last second when
/// it restarts. A client that can write in this Redis can lift the limits, or use up the attempts of
/// others; it learns neither addresses nor accounts.
#[doc(alias = "rate limit")]
#[doc(alias = "GCRA")]
#[must_use]
pub struct RedisThrottleStore {
    connection: SharedConnection,
    prefix: String,
}

impl RedisThrottleStore {
    /// Creates a store in the database of this client. Does not connect yet.
    pub fn new(client: Client) -> Self {
        Self {
            connection: SharedConnection::new(client).timeouts(TIMEOUT, TIMEOUT),
            prefix: DEFAULT_PREFIX.to_owned(),
        }
    }

    /// Text before each key. Defaults to `throttle:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long an attempt waits for a response, and before that for a connection if there is
    /// none. Defaults to 100 milliseconds; the throttle waits half a second at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.connection = self.connection.timeouts(timeout, timeout);
        self
    }

    /// Runs the script, and returns the microseconds to wait.
    async fn count(&self, direction: i8, buckets: &[Bucket]) -> Result<u64, BoxError> {
        let mut script = pipe();
        // Redis has compiled it after the first time.
        script.cmd("EVAL").arg(SCRIPT).arg(buckets.len());
        for bucket in buckets {
            script.arg(self.key(bucket));
        }
        script.arg(direction);
        for Bucket { limit, .. } in buckets {
            script.arg(micros(*limit)).arg(limit.max_burst());
        }
        let (wait,): (i64,) = self.connection.query(&script).await?;
        Ok(u64::try_from(wait)?)
    }

    fn key(&self, bucket: &Bucket) -> String {
        let digest = u128::from_be_bytes(bucket.key);
        format!("{}{VERSION}:{digest:032x}", self.prefix)
    }
}

#[async_trait]
impl ThrottleStore for RedisThrottleStore {
    async fn take(&self, buckets: &[Bucket]) -> Result<Option<Duration>, BoxError> {
        let wait = self.count(1, buckets).await?;
        // No wait is longer, whatever the server answers.
        let longest = buckets.iter().map(|bucket| micros(bucket.limit)).max();
        let wait = wait.min(longest.unwrap_or_default());
        Ok((wait > 0).then(|| Duration::from_micros(wait)))
    }

    async fn refund(&self, buckets: &[Bucket]) -> Result<(), BoxError> {
        self.count(-1, buckets).await?;
        Ok(())
    }
}

// By hand: the client has the user name of its URL.
impl fmt::Debug for RedisThrottleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisThrottleStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Returns the interval in the precision of the clock of Redis, rounded up: never more attempts.
fn micros(limit: Limit) -> u64 {
    let micros = limit.interval().as_nanos().div_ceil(1000);
    u64::try_from(micros).unwrap_or(u64::MAX)
}

const DEFAULT_PREFIX: &str = "throttle:";

/// Of the keys and their values, for instances of different releases.
const VERSION: u8 = 1;

const SCRIPT: &str = include_str!("throttle.lua");

/// Log-ins wait so long.
const TIMEOUT: Duration = Duration::from_millis(100);
