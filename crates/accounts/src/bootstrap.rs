//! Who becomes the first admin.

use tower_warder::HmacSecret;

use super::error::AccountError;
use super::input::UserCreate;
use super::store::AdminGrant;

/// Who becomes the first admin.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum BootstrapPolicy {
    /// Whoever registers first.
    ///
    /// On a server that strangers reach, that may be a stranger: register before you publish it,
    /// or use [`HmacSecret`](Self::Secret).
    #[default]
    FirstUser,
    /// Whoever registers with this secret as `bootstrap_secret`, as long as nobody is admin and
    /// approved. A wrong one is refused.
    Secret(HmacSecret),
    /// Nobody: the first admin comes from elsewhere.
    Nobody,
}

impl BootstrapPolicy {
    /// The seat that whoever registers so is offered.
    pub(super) fn seat(&self, new: &UserCreate) -> Result<AdminGrant, AccountError> {
        match self {
            Self::FirstUser => Ok(AdminGrant::IfFirstAccount),
            Self::Nobody => Ok(AdminGrant::Never),
            Self::Secret(secret) => match new.given_secret() {
                None => Ok(AdminGrant::Never),
                Some(given) if secret.matches(given.as_bytes()) => Ok(AdminGrant::IfNoAdmin),
                Some(_) => Err(AccountError::WrongBootstrapSecret),
            },
        }
    }
}
