//! Hashing and verification of passwords.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use zeroize::Zeroizing;

use crate::password::caller::HashCaller;
use crate::password::error::PasswordError;
use crate::password::format::PasswordFormat;
use crate::password::params::PasswordParams;
use crate::password::phc::StoredHash;
use crate::password::stored::{LiveTime, Stored};
use crate::password::workers::Workers;

/// Hasher and verifier of passwords with Argon2id (RFC 9106).
///
/// Hashes are PHC strings in the format of Python's `pwdlib` with its recommended settings:
/// `$argon2id$v=19$m=65536,t=3,p=4$salt$tag`, with 16 bytes of salt and a tag of 32 bytes.
///
/// Hashing runs on threads of its own, at most as many as [permits](Self::max_concurrency): they are
/// started on demand, and end after 10 idle seconds. On Linux they have a lower priority than other
/// threads (niceness 10), so that other requests are answered while all processors hash; elsewhere,
/// and where a filter of system calls forbids `setpriority`, they have the same. Tokio's paused clock
/// does not wait for a hash.
///
/// Callers wait for a permit in a bounded [queue](Self::max_queue), in order of arrival and without a
/// timeout; for clients that are not trusted, [limit](Self::for_caller) how much of it each may take.
/// Create one hasher for the whole service: a clone is a handle to the same permits, queue and memory.
///
/// # Memory
///
/// Each permit has its own working memory, of the size in [the parameters](PasswordParams). It is
/// allocated at first use, wiped after each use, and kept. Stored hashes that need more memory are
/// accepted up to 1 GiB and verified one at a time, in memory that is freed afterwards. The total
/// never exceeds *permits × parameters + 1 GiB*, whatever the database contains, and *permits ×
/// parameters* as long as no stored hash needs more than the parameters. A hash of a
/// [legacy format](Self::legacy_format) with memory of its own takes the place of the permit's.
///
/// # Logs
///
/// Every run of Argon2 is an event `password hashed` of target `tower_warder::password` at level
/// `TRACE`, with its parameters `m`, `t` and `p`. A full queue is logged at level `WARN`, at most
/// once a minute, and its end at level `INFO` with the number of rejected calls. No event contains a
/// password or a hash.
///
/// # Example
///
/// ```
/// use tower_warder::password::{PasswordError, PasswordHasher};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), PasswordError> {
/// let hasher = PasswordHasher::new();
/// let stored = hasher.hash("correct horse battery staple").await?;
///
/// assert!(hasher.verify("correct horse battery staple", &stored).await?.matches);
/// assert!(!hasher.verify("Tr0ub4dor&3", &stored).await?.matches);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PasswordHasher {
    params: PasswordParams,
    workers: Arc<Workers>,
    caller: HashCaller,
    formats: Vec<Arc<dyn PasswordFormat>>,
    live_time: Arc<LiveTime>,
}

impl PasswordHasher {
    /// Creates a hasher with the default parameters, permits and queue.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::build(
            PasswordParams::default(),
            cores.min(MAX_CORES),
            QUEUE,
            Vec::new(),
        )
    }

    /// Cost parameters of new hashes. Stored hashes with other parameters are
    /// [renewed](PasswordVerification::rehash) when they match.
    ///
    /// Like the other setters, this returns a hasher that shares nothing with earlier clones.
    #[must_use]
    pub fn params(self, params: PasswordParams) -> Self {
        let (permits, queue) = (self.workers.permits(), self.workers.queue());
        Self::build(params, permits, queue, self.formats)
    }

    /// Number of passwords that are hashed at the same time, at least 1.
    ///
    /// Defaults to the number of available cores, at most 8.
    #[must_use]
    pub fn max_concurrency(self, permits: usize) -> Self {
        Self::build(self.params, permits, self.workers.queue(), self.formats)
    }

    /// Number of callers that may wait for a permit. Further callers get [`PasswordError::Busy`] at
    /// once.
    ///
    /// Defaults to 256. A separate queue of a quarter of that length holds verifications of stored
    /// hashes that need more memory than the parameters.
    #[must_use]
    pub fn max_queue(self, queue: usize) -> Self {
        Self::build(self.params, self.workers.permits(), queue, self.formats)
    }

    /// Verifies stored hashes of another format as well. A correct password has a
    /// [new hash](PasswordVerification::rehash) to store in their place.
    ///
    /// Call it for each format; they are asked in this order. Defaults to none.
    #[must_use]
    pub fn legacy_format(mut self, format: impl PasswordFormat + 'static) -> Self {
        self.formats.push(Arc::new(format));
        self
    }

    /// Returns a handle to the same permits, queue and memory whose calls are those of this caller, so
    /// that clients and accounts share the queue fairly:
    ///
    /// - An account has one place in the queue, and an address four. Further calls get
    ///   [`PasswordError::Busy`] at once.
    /// - A quarter of the places is for [preferred](HashCaller::preferred) callers, and every second
    ///   permit while they and others wait. They take the place of a caller of the same account or
    ///   address that is not preferred; that one gets `Busy`.
    /// - Addresses are served in turn: first those without a wrong password, or whose last one is the
    ///   oldest, and among them that which has not been served for the longest time. If all places are
    ///   taken, a call takes the place of one whose address has more of them, or comes later; that one
    ///   gets `Busy`. This holds for callers that are not preferred.
    /// - A call waits for at most 5 seconds, then it gets `Busy`. The time is that of tokio's timer,
    ///   which the runtime has to have enabled.
    /// - Calls whose turn it is are served in order of arrival. While more than half of the queue is
    ///   taken, the newest comes first: it is the one whose client still waits.
    ///
    /// Calls without a caller have none of these limits and stay in order of arrival. While both kinds
    /// wait, they get permits in turn. [`Accounts`] of `tower-warder-accounts` does this by itself.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use tower_warder::password::{HashCaller, PasswordError, PasswordHasher};
    ///
    /// async fn is_password(
    ///     hasher: &PasswordHasher,
    ///     user_name: &str,
    ///     client: IpAddr,
    ///     password: &str,
    ///     stored: Option<&str>,
    /// ) -> Result<bool, PasswordError> {
    ///     let caller = HashCaller::new().account(user_name).address(client);
    ///     let hasher = hasher.for_caller(caller);
    ///     Ok(hasher.verify_or_dummy(password, stored).await?.matches)
    /// }
    /// ```
    ///
    /// [`Accounts`]: https://docs.rs/tower-warder-accounts/latest/tower_warder_accounts/struct.Accounts.html
    #[doc(alias = "rate limit")]
    #[must_use]
    pub fn for_caller(&self, caller: HashCaller) -> Self {
        Self {
            caller,
            ..self.clone()
        }
    }

    fn build(
        params: PasswordParams,
        permits: usize,
        queue: usize,
        formats: Vec<Arc<dyn PasswordFormat>>,
    ) -> Self {
        let blocks = params.cost().blocks();
        Self {
            params,
            workers: Arc::new(Workers::new(permits, queue, blocks)),
            caller: HashCaller::UNLIMITED,
            formats,
            live_time: Arc::default(),
        }
    }

    /// Classifies a stored hash without verifying it, for the report of an import.
    ///
    /// ```
    /// use tower_warder::password::{HashStatus, PasswordHasher};
    ///
    /// let hasher = PasswordHasher::new();
    /// let stored = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$oy6NqSLuNaV42JUye37QNw";
    /// assert_eq!(hasher.hash_status(stored), HashStatus::Outdated);
    /// assert!(matches!(hasher.hash_status("!"), HashStatus::Unreadable(_)));
    /// ```
    pub fn hash_status(&self, stored: &str) -> HashStatus {
        match Stored::parse(stored, &self.formats) {
            Ok(stored) if stored.is_outdated(self.params.cost()) => HashStatus::Outdated,
            Ok(_) => HashStatus::Current,
            Err(reason) => HashStatus::Unreadable(reason),
        }
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// # Errors
    ///
    /// [`Busy`](PasswordError::Busy), [`TooLong`](PasswordError::TooLong) or
    /// [`Failed`](PasswordError::Failed).
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        check_length(password)?;
        let cost = self.params.cost();
        let worker = self.workers.worker(cost.blocks(), self.caller).await?;
        let password = Zeroizing::new(password.to_owned());
        worker
            .run(move |memory| Ok(StoredHash::new(&password, cost, memory)?.to_string()))
            .await
    }

    /// Verifies a password against a stored hash.
    ///
    /// For a log-in use [`verify_or_dummy`](Self::verify_or_dummy), whose time does not reveal
    /// whether a user exists. Hashes with weak parameters are accepted, and renewed when the password
    /// matches.
    ///
    /// # Errors
    ///
    /// [`Busy`](PasswordError::Busy), [`TooLong`](PasswordError::TooLong),
    /// [`UnreadableHash`](PasswordError::UnreadableHash) or [`Failed`](PasswordError::Failed).
    /// A wrong password is not an error.
    pub async fn verify(
        &self,
        password: &str,
        stored: &str,
    ) -> Result<PasswordVerification, PasswordError> {
        check_length(password)?;
        let stored = Stored::parse(stored, &self.formats).map_err(PasswordError::unreadable)?;
        self.verify_stored(password, stored, false).await
    }

    /// Verifies a password against the stored hash of a user, or against a dummy if there is no user.
    ///
    /// The dummy has the parameters of new hashes and never matches, so an unknown user takes as long
    /// as a known one with a wrong password. So does a stored hash that cannot be read, before the
    /// error is returned. If a stored hash takes less work than a new one, a wrong password is hashed
    /// a second time for the difference. For a hash of a
    /// [legacy format](Self::legacy_format) the difference is measured.
    ///
    /// A stored hash that takes *more* work than a new one takes longer than an unknown user, until
    /// the next log-in renews it. After parameters were lowered, or hashes were imported from a system
    /// with higher ones, those users can be told from unknown ones by timing. To prevent that, raise
    /// the parameters to the highest that are stored.
    ///
    /// # Errors
    ///
    /// The same as those of [`verify`](Self::verify).
    pub async fn verify_or_dummy(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<PasswordVerification, PasswordError> {
        check_length(password)?;
        let error = match stored.map(|stored| Stored::parse(stored, &self.formats)) {
            Some(Ok(stored)) => return self.verify_stored(password, stored, true).await,
            Some(Err(reason)) => Some(PasswordError::unreadable(reason)),
            None => None,
        };
        // The result does not matter: a dummy never matches.
        let dummy = Stored::Argon2id(StoredHash::dummy(self.params.cost()));
        let _ = self.verify_stored(password, dummy, false).await?;
        error.map_or(Ok(PasswordVerification::MISMATCH), Err)
    }

    /// Verifies against `stored`. With `hide_cost` a mismatch takes at least as long as a new hash.
    async fn verify_stored(
        &self,
        password: &str,
        stored: Stored,
        hide_cost: bool,
    ) -> Result<PasswordVerification, PasswordError> {
        let live = self.params.cost();
        let worker = self.workers.worker(stored.blocks(), self.caller).await?;
        let live_time = Arc::clone(&self.live_time);
        let (workers, caller) = (Arc::clone(&self.workers), self.caller);
        let password = Zeroizing::new(password.to_owned());
        worker
            .run(move |memory| {
                let started = Instant::now();
                let matches = stored.matches(&password, live, memory)?;
                let elapsed = started.elapsed();
                if stored.costs(live) {
                    live_time.record(elapsed);
                }
                if !matches {
                    // Here, because the client may have stopped waiting.
                    workers.mismatch(&caller);
                    let rest = stored.remainder(live, elapsed, &live_time);
                    if let Some(rest) = rest.filter(|_| hide_cost) {
                        let _ = StoredHash::dummy(rest).matches(&password, memory)?;
                    }
                    return Ok(PasswordVerification::MISMATCH);
                }
                // A correct password stays correct if the new hash fails; the reason is logged.
                let rehash = stored
                    .is_outdated(live)
                    .then(|| StoredHash::new(&password, live, memory))
                    .and_then(Result::ok)
                    .map(|fresh| fresh.to_string());
                Ok(PasswordVerification {
                    matches: true,
                    rehash,
                })
            })
            .await
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl_debug! { self: PasswordHasher,
    params = self.params,
    permits = self.workers.permits(),
    queue = self.workers.queue()
}

/// What a stored hash means to a [`PasswordHasher`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashStatus {
    /// It is as a new hash would be.
    Current,
    /// It is verified, and replaced at the next log-in.
    Outdated,
    /// It cannot be read, for this reason: the user needs a password reset, or the hasher needs a
    /// [format](PasswordHasher::legacy_format).
    Unreadable(&'static str),
}

/// Result of verifying a password.
#[must_use = "a wrong password is no error: check `matches`"]
#[non_exhaustive]
pub struct PasswordVerification {
    /// `true` if the password is the one that was hashed.
    pub matches: bool,
    /// New hash of a matching password, if the stored one has another format or other parameters. Store it, if the
    /// stored hash was not changed meanwhile.
    pub rehash: Option<String>,
}

impl PasswordVerification {
    const MISMATCH: Self = Self {
        matches: false,
        rehash: None,
    };
}

impl fmt::Debug for PasswordVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordVerification")
            .field("matches", &self.matches)
            .field("rehash", &self.rehash.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// Rejects a long password before any work is done for it.
fn check_length(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

const MAX_PASSWORD_BYTES: usize = 4096;
const MAX_CORES: usize = 8;
const QUEUE: usize = 256;

#[cfg(test)]
mod tests;
