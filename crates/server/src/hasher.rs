//! Hasher of passwords.

#[cfg(feature = "legacy-hashes")]
use tower_warder::password::LegacyFormats;
use tower_warder::password::PasswordHasher;

/// Creates the hasher, which also verifies hashes of other systems.
#[cfg(feature = "legacy-hashes")]
pub(crate) fn new() -> PasswordHasher {
    PasswordHasher::new().legacy_format(LegacyFormats)
}

/// Creates the hasher.
#[cfg(not(feature = "legacy-hashes"))]
pub(crate) fn new() -> PasswordHasher {
    PasswordHasher::new()
}
