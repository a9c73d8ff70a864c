//! One-time token as a store keeps it, and its purpose.

use std::fmt;
use std::time::{Duration, SystemTime};

/// One-time token as a store keeps it.
///
/// The token itself cannot be derived from it: it has 256 random bits, and only its digest is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// What the token is for.
    pub purpose: TokenPurpose,
    /// ID of the account.
    pub user_id: i64,
    /// Token generation of the account when the token was created. The token is invalid once the
    /// account has another generation.
    pub generation: u64,
    /// Address that the token was sent to; `None` if it was not sent by mail. For a change, the address
    /// to replace, a blank, and the new one.
    pub email: Option<String>,
    /// ID of the admin that created the token; `None` if the application did.
    pub created_by: Option<i64>,
    /// Time of creation.
    pub created_at: SystemTime,
    /// Time when it expires.
    pub expires_at: SystemTime,
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeToken")
            .field("digest", &"[redacted]")
            .field("purpose", &self.purpose)
            .field("user_id", &self.user_id)
            .field("generation", &self.generation)
            .field("email", &self.email)
            .field("created_by", &self.created_by)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// What a [`OneTimeToken`] is for. A token is valid for this purpose only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenPurpose {
    name: &'static str,
    lifetime: Duration,
}

// Not by a function of this crate: as patterns in an `async fn` they would not compile with optimizations
// (E0391).
impl TokenPurpose {
    /// Sets a new password. Valid for 30 minutes by default.
    pub const RESET_PASSWORD: Self = Self {
        name: "reset_password",
        lifetime: Duration::from_secs(30 * 60),
    };

    /// Sets a new password in place of a temporary one, after a log-in with that. Valid for 10 minutes by
    /// default.
    pub const CHANGE_PASSWORD: Self = Self {
        name: "change_password",
        lifetime: Duration::from_secs(10 * 60),
    };

    /// Verifies an address. Valid for 24 hours by default.
    pub const VERIFY_EMAIL: Self = Self {
        name: "verify_email",
        lifetime: Duration::from_secs(24 * 3600),
    };

    /// Changes an address. Valid for an hour by default, and until the account gets another one.
    pub const CHANGE_EMAIL: Self = Self {
        name: "change_email",
        lifetime: Duration::from_secs(3600),
    };

    /// Sets the first password of an account that was invited, and approves it. Valid for 7 days by
    /// default.
    pub const ACCEPT_INVITATION: Self = Self {
        name: "accept_invitation",
        lifetime: Duration::from_secs(7 * 24 * 3600),
    };

    /// Sets the first password at the end of a registration by mail. Valid for 24 hours by default.
    pub const COMPLETE_REGISTRATION: Self = Self {
        name: "complete_registration",
        lifetime: Duration::from_secs(24 * 3600),
    };

    #[cfg(feature = "testing")]
    pub(crate) const fn new(name: &'static str, lifetime: Duration) -> Self {
        Self { name, lifetime }
    }

    /// Returns the name that is stored.
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// Returns the lifetime of a token, unless [another](crate::OneTimeTokens::lifetime) is set.
    pub const fn default_lifetime(self) -> Duration {
        self.lifetime
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn purposes_have_stable_names_and_lifetimes() {
        for (purpose, name, minutes) in [
            (TokenPurpose::RESET_PASSWORD, "reset_password", 30),
            (TokenPurpose::CHANGE_PASSWORD, "change_password", 10),
            (TokenPurpose::VERIFY_EMAIL, "verify_email", 1440),
            (TokenPurpose::CHANGE_EMAIL, "change_email", 60),
            (TokenPurpose::ACCEPT_INVITATION, "accept_invitation", 10080),
            (
                TokenPurpose::COMPLETE_REGISTRATION,
                "complete_registration",
                1440,
            ),
        ] {
            assert_eq!(purpose.as_str(), name);
            assert_eq!(purpose.default_lifetime().as_secs(), minutes * 60, "{name}");
        }
    }

    #[test]
    fn debug_shows_no_digest() {
        let token = OneTimeToken {
            digest: [0xab; 32],
            purpose: TokenPurpose::RESET_PASSWORD,
            user_id: 7,
            generation: 0,
            email: None,
            created_by: None,
            created_at: UNIX_EPOCH,
            expires_at: UNIX_EPOCH,
        };
        let text = format!("{token:?} {token:#?}");
        assert!(!text.contains("171") && text.contains("[redacted]"));
    }
}
