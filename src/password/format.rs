//! Formats of stored hashes that are verified and never written.

use std::hint;

use crate::password::error::PasswordError;
use crate::password::params::MAX_MEMORY_KIB;

/// Format of stored hashes that a [`PasswordHasher`](crate::password::PasswordHasher) verifies, and
/// replaces at the next log-in.
///
/// Implement it for a format of your own. Formats of other frameworks are in `LegacyFormats`, with
/// the feature `legacy-hashes`.
///
/// A stored hash is data that may have been tampered with: reject costs over a limit here, before any
/// work is done for them.
///
/// ```
/// use tower_warder::password::{LegacyHash, PasswordFormat, PasswordHasher};
///
/// /// `old$` and a hash by the former function of this application.
/// struct OldFormat;
///
/// impl PasswordFormat for OldFormat {
///     fn parse(&self, stored: &str) -> Result<Option<LegacyHash>, &'static str> {
///         let Some(hash) = stored.strip_prefix("old$") else {
///             return Ok(None);
///         };
///         if hash.len() != 16 {
///             return Err("not 16 hexadecimal digits");
///         }
///         let hash = hash.to_owned();
///         Ok(Some(LegacyHash::new(move |password| old_hash(password) == hash)))
///     }
/// }
/// # fn old_hash(password: &str) -> String {
/// #     password.bytes().map(|byte| format!("{byte:02x}")).collect()
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_warder::password::PasswordError> {
/// let hasher = PasswordHasher::new().legacy_format(OldFormat);
/// let verified = hasher.verify("password", "old$70617373776f7264").await?;
/// assert!(verified.matches);
/// assert!(verified.rehash.unwrap().starts_with("$argon2id$"));
/// # Ok(())
/// # }
/// ```
pub trait PasswordFormat: Send + Sync {
    /// Parses a stored hash, of at most 512 bytes. `None` if it has another format.
    ///
    /// # Errors
    ///
    /// A reason for the log, if it has this format but is malformed or exceeds a limit. Further
    /// formats are not asked.
    fn parse(&self, stored: &str) -> Result<Option<LegacyHash>, &'static str>;
}

/// Stored hash in a [`PasswordFormat`].
pub struct LegacyHash {
    memory_kib: u32,
    verify: Box<Verify>,
}

type Verify = dyn Fn(&str) -> Result<bool, PasswordError> + Send;

impl LegacyHash {
    /// Creates it from the function that returns `true` for the password that was hashed.
    ///
    /// The function runs on a thread of the hasher, under a permit. Compare in constant
    /// time.
    pub fn new(verify: impl Fn(&str) -> bool + Send + 'static) -> Self {
        Self::fallible(move |password| Ok(verify(password)))
    }

    pub(super) fn fallible(
        verify: impl Fn(&str) -> Result<bool, PasswordError> + Send + 'static,
    ) -> Self {
        Self {
            memory_kib: 0,
            verify: Box::new(verify),
        }
    }

    /// Memory in KiB that the function allocates. Defaults to 0, for what fits on the stack.
    ///
    /// It counts as that of Argon2 does: more than the parameters of new hashes is verified one at a
    /// time, and a hash that needs more than 1 GiB is not read.
    #[must_use]
    pub fn memory_kib(mut self, memory_kib: u32) -> Self {
        self.memory_kib = memory_kib;
        self
    }

    pub(super) fn within_limits(&self) -> Result<(), &'static str> {
        if self.memory_kib > MAX_MEMORY_KIB {
            return Err("more than 1048576 KiB of memory");
        }
        Ok(())
    }

    /// Number of KiB that verifying needs.
    pub(super) const fn blocks(&self) -> usize {
        self.memory_kib as usize
    }

    /// Returns `true` if this is the hash of the password.
    pub(super) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        // What the function allocates aborts the process if there is no memory. Asking for as much
        // before it makes that a 503 instead.
        let mut memory = Vec::<u8>::new();
        memory
            .try_reserve_exact(self.blocks().saturating_mul(1024))
            .map_err(|_| PasswordError::failed("out of memory"))?;
        drop(hint::black_box(memory));

        let matches = (self.verify)(password)?;
        tracing::trace!(
            target: "tower_warder::password",
            memory_kib = self.memory_kib,
            "legacy hash compared"
        );
        Ok(matches)
    }
}

impl_debug! { self: LegacyHash, memory_kib = self.memory_kib }
