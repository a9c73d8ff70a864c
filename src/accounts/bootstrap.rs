//! Who becomes the first admin.

use super::error::AccountError;
use super::input::UserCreate;
use super::store::Seat;
use crate::secret::Secret;

/// Who becomes the first admin.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum BootstrapPolicy {
    /// Whoever registers first.
    ///
    /// On a server that strangers reach, that may be a stranger: register before you publish it,
    /// or use [`Secret`](Self::Secret).
    #[default]
    FirstUser,
    /// Whoever registers with this secret as `bootstrap_secret`, as long as nobody is admin and
    /// approved. A wrong one is refused.
    Secret(Secret),
    /// Nobody: the first admin comes from elsewhere.
    Nobody,
}

impl BootstrapPolicy {
    /// The seat that whoever registers so is offered.
    pub(super) fn seat(&self, new: &UserCreate) -> Result<Seat, AccountError> {
        match self {
            Self::FirstUser => Ok(Seat::FirstAccount),
            Self::Nobody => Ok(Seat::Closed),
            Self::Secret(secret) => match new.given_secret() {
                None => Ok(Seat::Closed),
                Some(given) if secret.matches(given.as_bytes()) => Ok(Seat::FirstAdmin),
                Some(_) => Err(AccountError::WrongBootstrapSecret),
            },
        }
    }
}
