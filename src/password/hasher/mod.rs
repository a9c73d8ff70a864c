//! Hashes passwords and verifies them.

use std::fmt;
use std::sync::Arc;
use std::thread;

use zeroize::Zeroizing;

use crate::password::error::PasswordError;
use crate::password::params::{Cost, PasswordParams};
use crate::password::phc::StoredHash;
use crate::password::workers::Workers;

/// Hashes passwords and verifies them with Argon2id (RFC 9106).
///
/// The hashes are PHC strings, byte for byte those of Python's `pwdlib` with its recommended
/// settings: `$argon2id$v=19$m=65536,t=3,p=4$salt$tag`, with 16 bytes of salt and 32 of tag.
///
/// Work runs on tokio's blocking pool behind [permits](Self::max_concurrency), and a bounded
/// [queue](Self::max_queue) waits for them without a limit of time. Make one hasher for the whole
/// service: a clone is a handle to the same permits, queue and memory.
///
/// # Memory
///
/// Each permit has working memory of its own, as much as [the parameters](PasswordParams) say.
/// It is allocated at first use, wiped after each, and kept. Stored hashes that ask for more are
/// read up to 1 GiB and hashed one at a time, in memory that is given back afterwards. Together
/// that is never more than *permits × parameters + 1 GiB*, whatever stands in the database, and
/// *permits × parameters* as long as no stored hash asks for more than the parameters do.
///
/// # Logs
///
/// Every run of Argon2 is an event `password hashed` of target `tower_warder::password` at
/// level trace, with its parameters `m`, `t` and `p`. That the queue is full is one event at level
/// warn, at most once a minute, and that it is free again one at level info, with the number of
/// calls that were refused meanwhile. No event holds a password or a hash.
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
}

impl PasswordHasher {
    /// With the default parameters, permits and queue.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::build(PasswordParams::default(), cores.min(MAX_CORES), QUEUE)
    }

    /// The parameters of new hashes. Hashes of other parameters are renewed when they match.
    ///
    /// Like the other setters, this makes a hasher that shares nothing with earlier clones.
    #[must_use]
    pub fn params(self, params: PasswordParams) -> Self {
        Self::build(params, self.workers.permits(), self.workers.queue())
    }

    /// How many passwords are hashed at the same time, at least 1.
    ///
    /// Defaults to the number of available cores, at most 8.
    #[must_use]
    pub fn max_concurrency(self, permits: usize) -> Self {
        Self::build(self.params, permits, self.workers.queue())
    }

    /// How many callers may wait for a permit. One more is [`PasswordError::Busy`] at once.
    ///
    /// Defaults to 256. A quarter as many again may wait where stored hashes ask for more memory
    /// than the parameters do.
    #[must_use]
    pub fn max_queue(self, queue: usize) -> Self {
        Self::build(self.params, self.workers.permits(), queue)
    }

    fn build(params: PasswordParams, permits: usize, queue: usize) -> Self {
        let blocks = params.cost().blocks();
        Self {
            params,
            workers: Arc::new(Workers::new(permits, queue, blocks)),
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
        let worker = self.workers.worker(cost.blocks()).await?;
        let password = Zeroizing::new(password.to_owned());
        worker
            .run(move |memory| Ok(StoredHash::new(&password, cost, memory)?.to_string()))
            .await
    }

    /// Judges a password by the stored hash.
    ///
    /// For a login use [`verify_or_dummy`](Self::verify_or_dummy), which does not betray who is
    /// known. Weak stored parameters are verified, and renewed when the password matches.
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
        self.judge(password, StoredHash::parse(stored)?, None).await
    }

    /// Judges a password by the stored hash of a user, or by a dummy where there is no user.
    ///
    /// The dummy has the parameters of new hashes and never matches: an unknown user costs the
    /// same hasher call as a known one with a wrong password. So does a stored hash that cannot
    /// be read, before that is reported. Where a stored hash takes less work than a new one, a wrong
    /// password is hashed once more for the difference, which takes about as long together.
    ///
    /// A stored hash that takes *more* work than a new one takes longer than an unknown user, until
    /// the next log-in renews it: where parameters are lowered, or hashes come from a system with
    /// higher ones, those users can be told from unknown ones by time. Raise the parameters to the
    /// highest that are stored, and nobody can.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_or_dummy(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<PasswordVerification, PasswordError> {
        check_length(password)?;
        let live = self.params.cost();
        let error = match stored.map(StoredHash::parse) {
            Some(Ok(stored)) => {
                let rest = stored.cost().remainder(live);
                return self.judge(password, stored, rest).await;
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        // Whatever it says: a dummy admits nobody.
        let _ = self.judge(password, StoredHash::dummy(live), None).await?;
        error.map_or(Ok(PasswordVerification::MISMATCH), Err)
    }

    /// A mismatch costs `rest` besides.
    async fn judge(
        &self,
        password: &str,
        stored: StoredHash,
        rest: Option<Cost>,
    ) -> Result<PasswordVerification, PasswordError> {
        let live = self.params.cost();
        let worker = self.workers.worker(stored.cost().blocks()).await?;
        let password = Zeroizing::new(password.to_owned());
        worker
            .run(move |memory| {
                if !stored.matches(&password, memory)? {
                    if let Some(rest) = rest {
                        let _ = StoredHash::dummy(rest).matches(&password, memory)?;
                    }
                    return Ok(PasswordVerification::MISMATCH);
                }
                // A password that is right stays right if it cannot be hashed again today; why
                // not is in the log.
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

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher")
            .field("params", &self.params)
            .field("permits", &self.workers.permits())
            .field("queue", &self.workers.queue())
            .finish_non_exhaustive()
    }
}

/// What a [`PasswordHasher`] says about a password.
#[must_use = "a password that does not match opens no door"]
#[non_exhaustive]
pub struct PasswordVerification {
    /// Whether the password is the one that was hashed.
    pub matches: bool,
    /// A fresh hash of a password that matches, where the stored one was made with other
    /// parameters. Store it if the old one still stands there.
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

/// Before anything else: a long password costs a comparison.
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
