//! Stored hashes of every format that is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::password::error::PasswordError;
use crate::password::format::{LegacyHash, PasswordFormat};
use crate::password::memory::Memory;
use crate::password::params::Cost;
use crate::password::phc::{MAX_BYTES, StoredHash};

/// Stored hash, within the limits.
pub(super) enum Stored {
    Argon2id(StoredHash),
    Legacy(LegacyHash),
}

impl Stored {
    /// Parses and checks the string, before anything is hashed. The error is the reason.
    pub(super) fn parse(
        stored: &str,
        formats: &[Arc<dyn PasswordFormat>],
    ) -> Result<Self, &'static str> {
        let reason = match StoredHash::parse(stored) {
            Ok(hash) => return Ok(Self::Argon2id(hash)),
            Err(reason) => reason,
        };
        if stored.len() > MAX_BYTES {
            return Err(reason);
        }
        for format in formats {
            if let Some(hash) = format.parse(stored)? {
                hash.within_limits()?;
                return Ok(Self::Legacy(hash));
            }
        }
        Err(reason)
    }

    /// Number of KiB that verifying needs.
    pub(super) const fn blocks(&self) -> usize {
        match self {
            Self::Argon2id(hash) => hash.cost.blocks(),
            Self::Legacy(hash) => hash.blocks(),
        }
    }

    /// Returns `true` if this is the hash of the password.
    pub(super) fn matches(
        &self,
        password: &str,
        live: Cost,
        memory: &mut Memory,
    ) -> Result<bool, PasswordError> {
        match self {
            Self::Argon2id(hash) => hash.matches(password, memory),
            Self::Legacy(hash) => {
                // It brings its own memory, which takes the place of ours.
                if hash.blocks() > 0 {
                    *memory = Memory::new(live.blocks());
                }
                hash.matches(password)
            }
        }
    }

    /// Returns `true` if a new hash would have another format, parameters or lengths.
    pub(super) fn is_outdated(&self, live: Cost) -> bool {
        match self {
            Self::Argon2id(hash) => hash.is_outdated(live),
            Self::Legacy(_) => true,
        }
    }

    /// Cost of a second hash that, after this one took the time `elapsed`, makes both together take
    /// about as long as one of cost `live`.
    pub(super) fn remainder(
        &self,
        live: Cost,
        elapsed: Duration,
        live_time: &LiveTime,
    ) -> Option<Cost> {
        match self {
            Self::Argon2id(hash) => hash.cost.remainder(live),
            // Before the first measurement: everything, rather than nothing.
            Self::Legacy(_) => match live_time.nanos() {
                0 => Some(live),
                nanos => live.without(elapsed.as_nanos(), nanos.into()),
            },
        }
    }

    /// Returns `true` if verifying takes as long as a new hash.
    pub(super) fn costs(&self, live: Cost) -> bool {
        matches!(self, Self::Argon2id(hash) if hash.cost == live)
    }
}

/// Time that a hash with the parameters of new ones took, most recently. Other formats have no cost
/// in terms of Argon2, and how they compare depends on the processor.
#[derive(Default)]
pub(super) struct LiveTime(AtomicU64);

impl LiveTime {
    pub(super) fn record(&self, elapsed: Duration) {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Relaxed);
    }

    fn nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
