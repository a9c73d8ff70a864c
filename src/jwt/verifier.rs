//! Who judges credentials.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::claims::Claims;
use super::limits::MAX_TOKEN_BYTES;
use crate::error::AuthError;

/// Turns a credential into claims.
///
/// [`JwtVerifier`](crate::JwtVerifier) is the one that everybody uses. Write your own for API
/// keys or opaque tokens: identity, status check and doors stay the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify credentials",
    note = "pass a `JwtVerifier`, for example `JwtVerifier::hs256(&secret)`"
)]
pub trait Verifier: Send + Sync + 'static {
    /// Judges `credential`: at once, or later if somebody has to be asked.
    ///
    /// The judgement is remembered for the request. What should not be done twice belongs into the
    /// future of [`Verification::Pending`]: it is polled to its end once, while those who cannot
    /// wait drop theirs unpolled.
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a>;

    /// How long a credential may be, in bytes: a longer one is refused unread. Defaults to 8 KiB.
    fn max_credential_bytes(&self) -> usize {
        MAX_TOKEN_BYTES
    }

    /// Whether this judges every character of a credential, and accepts only what is a `b64token`
    /// (RFC 6750, section 2.1). Defaults to no: what is none is refused beforehand.
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

/// The answer of a [`Verifier`].
#[non_exhaustive]
pub enum Verification<'a> {
    /// The judgement.
    Ready(Result<Claims, AuthError>),
    /// The judgement has to be waited for, for example because keys must be fetched. Longer than
    /// [`AuthLayer::timeout_with`](crate::AuthLayer::timeout_with), or with a panic at its end,
    /// it is 503.
    Pending(BoxFuture<'a, Result<Claims, AuthError>>),
}
