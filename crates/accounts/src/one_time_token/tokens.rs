//! Rules of one-time tokens: creation, expiry, use.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tower_warder::private::is_seconds_before;
use zeroize::Zeroizing;

use super::model::{OneTimeToken, TokenPurpose};
use super::secret::TokenSecret;
use super::store::OneTimeTokenStore;
use crate::actor::Actor;
use crate::error::AccountError;
use crate::model::User;
use crate::store_error::StoreError;

/// One-time tokens, passed to [`Accounts::one_time_tokens`](crate::Accounts::one_time_tokens).
///
/// A token has 256 random bits, and only its SHA-256 is stored. It is valid for one purpose, for one
/// account, until it expires, and once. What revokes the tokens of the account makes it invalid, too:
/// each change of the password, also by another one-time token, and that the account is disabled or
/// made pending. So does, for a token that an admin created, that the admin is no longer one.
#[derive(Clone)]
#[must_use]
pub struct OneTimeTokens {
    store: Arc<dyn OneTimeTokenStore>,
    lifetimes: Vec<(TokenPurpose, Duration)>,
}

impl OneTimeTokens {
    /// Creates one-time tokens that are kept in `store`.
    pub fn new(store: impl OneTimeTokenStore) -> Self {
        Self {
            store: Arc::new(store),
            lifetimes: Vec::new(),
        }
    }

    /// Sets the lifetime of tokens of a purpose. Defaults to
    /// [that of the purpose](TokenPurpose::default_lifetime).
    pub fn lifetime(mut self, purpose: TokenPurpose, lifetime: Duration) -> Self {
        self.lifetimes.retain(|(other, _)| *other != purpose);
        self.lifetimes.push((purpose, lifetime));
        self
    }

    fn lifetime_of(&self, purpose: TokenPurpose) -> Duration {
        let mut set = self.lifetimes.iter();
        let set = set.find(|(other, _)| *other == purpose);
        set.map_or(purpose.default_lifetime(), |(_, lifetime)| *lifetime)
    }

    /// Creates a token for an account, and returns its text. `email` is the address that it is sent to.
    pub(crate) async fn create(
        &self,
        purpose: TokenPurpose,
        user: &User,
        email: Option<String>,
        by: Actor,
        now: SystemTime,
    ) -> Result<NewOneTimeToken, StoreError> {
        let secret = TokenSecret::random()?;
        let lifetime = self.lifetime_of(purpose);
        let token = OneTimeToken {
            digest: secret.digest(),
            purpose,
            user_id: user.id,
            generation: user.token_generation,
            email,
            created_by: by.id(),
            created_at: now,
            expires_at: now + lifetime,
        };
        let most = match purpose {
            // The owner may have mistyped the address that an earlier one is for.
            TokenPurpose::CHANGE_EMAIL => 1,
            _ => MAX_PER_ACCOUNT,
        };
        self.store.add(token, most).await?;
        Ok(NewOneTimeToken {
            token: secret.to_text(),
            expires_in: lifetime,
        })
    }

    /// Finds a token by its text, unless it has expired.
    pub(crate) async fn find(
        &self,
        purpose: TokenPurpose,
        text: &str,
        now: SystemTime,
    ) -> Result<OneTimeToken, AccountError> {
        let secret = TokenSecret::parse(text).ok_or(AccountError::InvalidOneTimeToken)?;
        let found = self.store.find(&secret.digest(), purpose).await?;
        live(found, now)
    }

    /// Uses up a token: of concurrent calls one succeeds.
    pub(crate) async fn take(
        &self,
        token: &OneTimeToken,
        now: SystemTime,
    ) -> Result<(), AccountError> {
        let taken = self.store.take(&token.digest, token.purpose).await?;
        live(taken, now).map(drop)
    }
}

impl OneTimeToken {
    /// Returns `true` if the token is of this account, and nothing has revoked it since.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.user_id == user.id
            && self.generation == user.token_generation
            && !is_seconds_before(self.created_at, user.created_at)
    }
}

fn live(token: Option<OneTimeToken>, now: SystemTime) -> Result<OneTimeToken, AccountError> {
    token
        .filter(|token| token.expires_at > now)
        .ok_or(AccountError::InvalidOneTimeToken)
}

impl fmt::Debug for OneTimeTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeTokens")
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}

/// One-time token that was created, for a link.
///
/// Put it into the fragment of the URL (`…/reset-password#TOKEN`): browsers send that to no server, so
/// that it is in no log and in no `Referer`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOneTimeToken {
    /// The token: letters, digits, `-` and `_`.
    pub token: Zeroizing<String>,
    /// Time for which it is valid.
    pub expires_in: Duration,
}

impl fmt::Debug for NewOneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOneTimeToken")
            .field("token", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

/// More than can be requested by mail within the lifetime of one that sets a new password, so that
/// nobody can make the link of another invalid by asking for more. Those of a registration live longer:
/// the last eight that were sent are valid.
const MAX_PER_ACCOUNT: u32 = 8;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use tower_warder::UserStatus;

    use super::super::in_memory::InMemoryOneTimeTokenStore;
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let token = NewOneTimeToken {
            token: TokenSecret::random().unwrap().to_text(),
            expires_in: Duration::from_secs(60),
        };
        let text = format!("{token:?} {token:#?}");
        assert!(text.contains("[redacted]") && !text.contains(token.token.as_str()));
    }

    #[test]
    fn lifetime_of_one_purpose_leaves_the_others() {
        let minute = Duration::from_secs(60);
        let tokens = OneTimeTokens::new(InMemoryOneTimeTokenStore::new())
            .lifetime(TokenPurpose::RESET_PASSWORD, 2 * minute)
            .lifetime(TokenPurpose::CHANGE_EMAIL, 3 * minute)
            .lifetime(TokenPurpose::RESET_PASSWORD, minute);
        for (purpose, lifetime) in [
            (TokenPurpose::RESET_PASSWORD, minute),
            (TokenPurpose::CHANGE_EMAIL, 3 * minute),
            (TokenPurpose::CHANGE_PASSWORD, 10 * minute),
        ] {
            assert_eq!(tokens.lifetime_of(purpose), lifetime, "{purpose:?}");
        }
    }

    #[test]
    fn token_is_not_of_a_later_account_with_the_same_id() {
        let second = |second: u64| UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second);
        let token = OneTimeToken {
            digest: [0; 32],
            purpose: TokenPurpose::RESET_PASSWORD,
            user_id: 7,
            generation: 3,
            email: None,
            created_by: None,
            created_at: second(10),
            expires_at: second(20),
        };
        for (id, token_generation, created_at, is_its) in [
            (7, 3, 10, true),
            (7, 3, 0, true),
            (7, 3, 11, false),
            (7, 2, 0, false),
            (7, 4, 0, false),
            (8, 3, 0, false),
        ] {
            let user = User {
                id,
                email: "jane@example.org".to_owned(),
                hashed_password: "hash".to_owned(),
                is_admin: false,
                status: UserStatus::Approved,
                created_at: second(created_at),
                approved_at: None,
                approved_by: None,
                token_generation,
                email_verified_at: None,
                display_name: None,
                must_change_password: false,
            };
            assert_eq!(token.is_of(&user), is_its, "{user:?}");
        }
    }
}
