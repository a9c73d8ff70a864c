//! Deny list of tokens.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redis::{Client, pipe};
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::DenyList;
use tower_warder::{AuthError, BoxError, Claims, async_trait};

use super::connection::SharedConnection;

/// Tokens that were revoked one by one, by their ID (`jti`), each in Redis until it has expired.
///
/// Look tokens up with a [`DenyListVerifier`](tower_warder::jwt::DenyListVerifier); each look-up is one
/// `EXISTS`, and concurrent look-ups share one connection. While Redis does not answer, requests that
/// need an identity are rejected with 503 after 1.5 seconds at most; others do not notice.
///
/// A token that Redis loses is valid again. So that it loses none when it restarts or its memory is
/// full, set `appendonly yes` and `maxmemory-policy noeviction`, and do not let the client read from a
/// replica.
///
/// Clones share their connection.
///
/// ```no_run
/// use axum::extract::State;
/// use axum::http::StatusCode;
/// use tower_warder::{AuthError, Claims};
/// use tower_warder_redis::RedisDenyList;
///
/// /// Accepts any valid token: no user is loaded.
/// async fn logout(
///     State(list): State<RedisDenyList>,
///     claims: Claims,
/// ) -> Result<StatusCode, AuthError> {
///     list.deny(&claims).await?;
///     Ok(StatusCode::NO_CONTENT)
/// }
/// ```
#[doc(alias = "jti")]
#[doc(alias = "logout")]
#[doc(alias = "revocation")]
#[doc(alias = "blacklist")]
#[derive(Clone)]
#[must_use]
pub struct RedisDenyList {
    connection: Arc<SharedConnection>,
    prefix: String,
}

impl RedisDenyList {
    /// Creates a list in the database of this client. Does not connect yet.
    pub fn new(client: Client) -> Self {
        Self {
            connection: Arc::new(SharedConnection::new(client)),
            prefix: DEFAULT_PREFIX.to_owned(),
        }
    }

    /// Text before each key. Defaults to `deny:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Revokes the token with these claims, for every instance that has this list. Once it returns
    /// `Ok`, no new request is authorized by the token.
    ///
    /// The entry expires 300 seconds after the token, the longest
    /// [leeway](tower_warder::JwtVerifier::leeway) of a verifier.
    ///
    /// # Errors
    ///
    /// Return it from the handler:
    ///
    /// - [`Unavailable`](AuthErrorKind::Unavailable) (503) if Redis does not confirm in time. The
    ///   token may be revoked nevertheless; to revoke it again does no harm.
    /// - [`InvalidToken`](AuthErrorKind::InvalidToken) (401) for a token without an ID, which a
    ///   `DenyListVerifier` rejects anyway.
    pub async fn deny(&self, claims: &Claims) -> Result<(), AuthError> {
        let Some(key) = self.token_key(claims) else {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            return Err(error.with_source("the token has no ID (`jti`) by which to revoke it"));
        };
        let left = claims.expires_at().duration_since(SystemTime::now());
        let seconds = (left.unwrap_or_default() + MAX_LEEWAY).as_secs();
        let mut set = pipe();
        set.cmd("SET").arg(self.key(&key)).arg(1);
        set.arg("EX").arg(seconds).ignore();
        let done = self.connection.query::<()>(&set).await;
        done.map_err(|error| AuthError::new(AuthErrorKind::Unavailable).with_source(error))
    }

    fn key(&self, token_key: &str) -> String {
        format!("{}{token_key}", self.prefix)
    }
}

#[async_trait]
impl DenyList for RedisDenyList {
    async fn is_denied(&self, key: &str, _: &Claims) -> Result<bool, BoxError> {
        let mut exists = pipe();
        exists.exists(self.key(key));
        let (is_denied,) = self.connection.query(&exists).await?;
        Ok(is_denied)
    }
}

// By hand: the client has the user name of its URL.
impl fmt::Debug for RedisDenyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisDenyList")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

const DEFAULT_PREFIX: &str = "deny:";

/// No verifier accepts a token that expired earlier.
const MAX_LEEWAY: Duration = Duration::from_secs(300);
