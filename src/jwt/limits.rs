//! Size and time limits of tokens.

use std::time::Duration;

/// Default limit of a whole token, checked before any part of it is decoded.
pub(super) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Default limit of the encoded header.
pub(super) const MAX_HEADER_BYTES: usize = 1024;

/// Limit of the decoded payload, so that a position in it, or in the unescaped strings after it, fits
/// into 32 bits. A string does not become longer by unescaping.
pub(super) const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// Limit of the decoded signature: RSA with 8192 bits.
pub(super) const MAX_SIGNATURE_BYTES: usize = 1024;

/// Limit of nested objects and arrays, in the header and in the payload.
pub(super) const MAX_NESTING_LEVELS: u8 = 64;

/// Limit of `sub` and `jti`.
pub(super) const MAX_SUBJECT_BYTES: usize = 255;

/// Limit of a token's key in a deny list: an issuer and an ID.
pub(super) const MAX_DENY_LIST_KEY_BYTES: usize = 512;

/// Longest token that the cache of a verifier keeps. Longer ones are verified each time.
pub(super) const MAX_CACHED_TOKEN_BYTES: usize = 2 * 1024;

/// Longest leeway that can be configured for the clocks of issuer and verifier.
pub(super) const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Default leeway for the published keys of an external issuer.
#[cfg(feature = "jwks")]
pub(super) const EXTERNAL_ISSUER_LEEWAY: Duration = Duration::from_secs(60);

/// How far `nbf` and `iat` may be in the future, beyond the leeway. The clocks of the nodes of one
/// service differ by milliseconds, and each node has to accept a token that was just issued.
pub(super) const MAX_FUTURE_SECONDS: f64 = 5.0;
