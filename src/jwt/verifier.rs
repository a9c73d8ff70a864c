//! Trait of credential verifiers.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::claims::Claims;
use super::limits::MAX_TOKEN_BYTES;
use crate::error::AuthError;

/// Turns a credential into claims, synchronously or asynchronously.
///
/// [`JwtVerifier`](crate::JwtVerifier) is the default choice. Implement the trait for API keys or opaque
/// tokens: identity, status check, guards and extractors work the same.
#[doc(alias = "api key")]
#[doc(alias = "introspection")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify credentials",
    note = "pass a `JwtVerifier`, for example `JwtVerifier::hs256(&secret)`"
)]
pub trait Verifier: Send + Sync + 'static {
    /// Verifies `credential`, at once or in a future if it needs I/O.
    ///
    /// The result is kept for the request. Work that must not be done twice belongs into the future of
    /// [`Verification::Pending`]: of the futures of a request, one is polled to its end; callers that
    /// cannot wait, or whose result another one has found, drop theirs unpolled.
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a>;

    /// Maximum length of a credential, in bytes. A longer one is rejected unread. Defaults to 8 KiB.
    fn max_credential_bytes(&self) -> usize {
        MAX_TOKEN_BYTES
    }

    /// Returns `true` if [`verify`](Self::verify) itself rejects each credential that is not a `b64token`
    /// (RFC 6750, section 2.1). Defaults to `false`: such a credential is rejected before `verify`.
    fn checks_characters(&self) -> bool {
        false
    }
}

impl<V: Verifier + ?Sized> Verifier for Arc<V> {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        (**self).verify(credential)
    }

    fn max_credential_bytes(&self) -> usize {
        (**self).max_credential_bytes()
    }

    fn checks_characters(&self) -> bool {
        (**self).checks_characters()
    }
}

/// Result of a [`Verifier`].
#[non_exhaustive]
pub enum Verification<'a> {
    /// The result.
    Ready(Result<Claims, AuthError>),
    /// A future of the result, for example because keys have to be fetched. If it panics or takes
    /// longer than [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with), the response is 503.
    Pending(BoxFuture<'a, Result<Claims, AuthError>>),
}
