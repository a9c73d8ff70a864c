//! What stands in for published keys without the feature `jwks`: a type without values.

use super::claims::Claims;
use super::keyset::Keyset;
use super::verification::Verification;
use crate::error::{AuthError, Refusal};

#[derive(Clone, Debug)]
pub(super) enum RemoteJwks {}

impl RemoteJwks {
    pub(super) fn verify<'a>(
        &'a self,
        _: &'a str,
        _: impl Fn(&Keyset) -> Result<Claims, Refusal> + Send + 'a,
    ) -> Verification<'a> {
        match *self {}
    }

    pub(super) fn verify_now(
        &self,
        _: &str,
        _: impl Fn(&Keyset) -> Result<Claims, Refusal>,
    ) -> Result<Claims, AuthError> {
        match *self {}
    }
}
