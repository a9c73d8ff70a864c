//! Limits of a token, each in the unit of its name.

use std::time::Duration;

/// The whole token, before any part of it is decoded; a verifier can be configured to accept more.
pub(super) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The encoded header; a verifier can be configured to accept more.
pub(super) const MAX_HEADER_BYTES: usize = 1024;

/// The decoded payload, so that a position in it fits into 32 bits. No unescaped string is longer.
pub(super) const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// The decoded signature: RSA with 8192 bits.
pub(super) const MAX_SIGNATURE_BYTES: usize = 1024;

/// Objects and arrays inside of each other, in the header and in the payload.
pub(super) const MAX_NESTING_LEVELS: u8 = 64;

/// `sub` and `jti`.
pub(super) const MAX_SUBJECT_BYTES: usize = 255;

/// The key of a token in a deny list: an issuer and an ID.
pub(super) const MAX_DENY_LIST_KEY_BYTES: usize = 512;

/// A token that the cache of a verifier keeps. Longer ones are verified each time.
pub(super) const MAX_CACHED_TOKEN_BYTES: usize = 2 * 1024;

/// How far the clocks of issuer and verifier may differ by configuration.
pub(super) const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The leeway for another issuer's keys, unless it is configured.
#[cfg(feature = "jwks")]
pub(super) const OTHER_ISSUERS_LEEWAY: Duration = Duration::from_secs(60);

/// How far `nbf` and `iat` may be in the future, beyond the leeway. The clocks of the nodes of one
/// service differ by milliseconds, and its newest token has to be accepted.
pub(super) const MAX_FUTURE_SECONDS: f64 = 5.0;
