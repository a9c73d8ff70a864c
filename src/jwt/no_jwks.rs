//! What stands in for published keys without the feature `jwks`: a type without values.

use super::claims::Claims;
use super::key_set::Keyset;
use super::verifier::Verification;
use crate::error::{AuthError, RejectReason};

#[derive(Clone, Debug)]
pub(super) enum RemoteJwks {}

impl RemoteJwks {
    pub(super) fn verify<'a>(
        &'a self,
        _: &'a str,
        _: impl Fn(&Keyset) -> Result<Claims, RejectReason> + Send + 'a,
    ) -> Verification<'a> {
        match *self {}
    }

    pub(super) fn verify_now(
        &self,
        _: &str,
        _: impl Fn(&Keyset) -> Result<Claims, RejectReason>,
    ) -> Result<Claims, AuthError> {
        match *self {}
    }
}
