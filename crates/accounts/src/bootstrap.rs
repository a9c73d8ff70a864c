//! Policy for the first admin account.

use tower_warder::HmacSecret;

use super::error::AccountError;
use super::store::AdminGrant;

/// Policy that decides which account becomes the first admin. Defaults to the first account.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum BootstrapPolicy {
    /// The first account that registers.
    ///
    /// On a public server that may be an attacker's: register before you publish it, or use
    /// [`Secret`](Self::Secret).
    #[default]
    FirstUser,
    /// An account that registers with this secret as `bootstrap_secret`, as long as there is no
    /// approved admin. A wrong secret is rejected with 403.
    Secret(HmacSecret),
    /// No account: the application creates the first admin itself.
    Nobody,
}

impl BootstrapPolicy {
    /// The condition on which a registration with this secret becomes an admin.
    pub(super) fn admin_grant(&self, given: Option<&str>) -> Result<AdminGrant, AccountError> {
        match self {
            Self::FirstUser => Ok(AdminGrant::IfFirstAccount),
            Self::Nobody => Ok(AdminGrant::Never),
            Self::Secret(secret) => match given {
                None => Ok(AdminGrant::Never),
                Some(given) if secret.matches(given.as_bytes()) => Ok(AdminGrant::IfNoAdmin),
                Some(_) => Err(AccountError::WrongBootstrapSecret),
            },
        }
    }
}
