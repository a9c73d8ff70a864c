//! Verifier of tokens whose session is looked up.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::FutureExt;
use tower_warder::clock::Clock;
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::private::{rare_claim, session_ended};
use tower_warder::{AuthError, BoxError, Claims};

use super::model::{Session, SessionKind};
use super::sessions::Sessions;
use crate::model::whole_micros;

/// Verifier that accepts the token of a cookie only while its session exists.
///
/// The session is looked up once per request, when the identity is needed, and only for tokens that
/// are valid otherwise. Other tokens are passed on as the inner verifier returns them.
pub(crate) struct SessionVerifier {
    verifier: Arc<dyn Verifier>,
    sessions: Sessions,
    issuer: Option<Box<str>>,
    clock: Clock,
}

impl SessionVerifier {
    /// Wraps `verifier`. `issuer` is the `iss` of the tokens whose sessions these are.
    pub(crate) fn new(
        verifier: Arc<dyn Verifier>,
        sessions: Sessions,
        issuer: Option<&str>,
        clock: Clock,
    ) -> Self {
        sessions.set_checked();
        Self {
            verifier,
            sessions,
            issuer: issuer.map(Into::into),
            clock,
        }
    }

    /// Returns `true` if the token belongs to a session that has to be looked up.
    fn has_session(&self, claims: &Claims) -> bool {
        rare_claim(claims, SESSION_KIND).is_some_and(|kind| kind == COOKIE)
            // Another issuer's claim may have another meaning.
            && claims.issuer() == self.issuer.as_deref()
    }

    async fn check(&self, claims: Claims) -> Result<Claims, AuthError> {
        let id = rare_claim(&claims, "sid").filter(|id| Session::is_id(id));
        let id = id.ok_or_else(session_ended)?;
        let found = self.sessions.store().find(&id).await;
        let found = found.map_err(|error| {
            AuthError::new(AuthErrorKind::Unavailable).with_source(BoxError::from(error))
        })?;
        let now = self.now();
        let session = found
            .filter(|session| session.kind() == SessionKind::Cookie)
            // A password change moves the session that it keeps to the next generation, and issues
            // another token for it.
            .filter(|session| claims.generation() == Some(session.generation))
            .filter(|session| !self.sessions.is_over(session, now))
            .ok_or_else(session_ended)?;
        self.sessions.record_use(session, now);
        drop(id);
        Ok(claims)
    }

    fn now(&self) -> SystemTime {
        whole_micros(self.clock.now())
    }
}

impl Verifier for SessionVerifier {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        match self.verifier.verify(credential) {
            Verification::Ready(Ok(claims)) if self.has_session(&claims) => {
                Verification::Pending(self.check(claims).boxed())
            }
            Verification::Pending(claims) => Verification::Pending(
                async {
                    let claims = claims.await?;
                    match self.has_session(&claims) {
                        true => self.check(claims).await,
                        false => Ok(claims),
                    }
                }
                .boxed(),
            ),
            other => other,
        }
    }

    fn max_credential_bytes(&self) -> usize {
        self.verifier.max_credential_bytes()
    }

    fn checks_characters(&self) -> bool {
        self.verifier.checks_characters()
    }
}

/// Claim of tokens whose session is looked up, with the value [`COOKIE`].
pub(crate) const SESSION_KIND: &str = "session_kind";
pub(crate) const COOKIE: &str = "cookie";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::InMemorySessionStore;

    struct Inner {
        max_bytes: usize,
        checks_characters: bool,
    }

    impl Verifier for Inner {
        fn verify<'a>(&'a self, _: &'a str) -> Verification<'a> {
            Verification::Ready(Err(session_ended()))
        }

        fn max_credential_bytes(&self) -> usize {
            self.max_bytes
        }

        fn checks_characters(&self) -> bool {
            self.checks_characters
        }
    }

    #[test]
    fn inner_verifier_sets_what_is_rejected_unread() {
        for expected in [(7, false), (9000, true)] {
            let (max_bytes, checks_characters) = expected;
            let inner = Arc::new(Inner {
                max_bytes,
                checks_characters,
            });
            let sessions = Sessions::new(InMemorySessionStore::new());
            let verifier = SessionVerifier::new(inner, sessions, None, Clock::default());
            let actual = (
                verifier.max_credential_bytes(),
                verifier.checks_characters(),
            );
            assert_eq!(actual, expected);
        }
    }
}
