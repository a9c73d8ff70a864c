//! The resolving of an identity: verified on first demand, loaded on first demand, remembered.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use futures_util::future::{self, Either, FutureExt};
use futures_util::lock::Mutex;

use super::config::Config;
use super::misconfiguration::{Place, misconfigured};
use super::report::log;
use crate::credentials::Presented;
use crate::error::{AuthError, AuthErrorKind, Misconfiguration, RejectReason, TooLong};
use crate::jwt::{Claims, Verification};
use crate::stream_ticket::StreamTicket;
use crate::util::log_limit::LogLimit;

/// What the cell of a request remembers.
pub(super) type Known<'a, T> = Result<&'a T, &'a AuthError>;

/// The same for whoever keeps it.
pub(super) fn owned<T: Clone>(known: Known<'_, T>) -> Result<T, AuthError> {
    known.cloned().map_err(Clone::clone)
}

/// What is known of the sender so far.
pub(super) struct Inner<U> {
    pub(super) config: Arc<Config<U>>,
    presented: Presented,
    // What the ticket stood for, if it was one: asked once, because that uses it up.
    redeemed: OnceLock<Option<Arc<str>>>,
    pub(super) claims: OnceLock<Result<Claims, AuthError>>,
    pub(super) user: OnceLock<Result<Arc<U>, AuthError>>,
    // Held by the one who waits for a key source or the store; the others wait for it.
    pub(super) turn: Mutex<()>,
}

impl<U> Inner<U> {
    pub(super) fn new(config: Arc<Config<U>>, presented: Presented) -> Self {
        Self {
            config,
            presented,
            redeemed: OnceLock::new(),
            claims: OnceLock::new(),
            user: OnceLock::new(),
            turn: Mutex::new(()),
        }
    }

    /// The one whom all who bring no credential share. That there are no claims is known from the
    /// beginning, so that nobody waits for the turn of another request.
    pub(super) fn stranger(config: Arc<Config<U>>) -> Self {
        let stranger = Self::new(config, Presented::Nothing);
        let none = AuthError::new(AuthErrorKind::MissingCredential);
        let _ = stranger.remember_claims(Err(none));
        stranger
    }

    /// The same credential, as if it came with a new request. A ticket is not redeemed again, if it
    /// was before.
    pub(super) fn again(&self) -> Self {
        Self {
            redeemed: self.redeemed.clone(),
            ..Self::new(Arc::clone(&self.config), self.presented.clone())
        }
    }

    /// Who waited for the user waited for the claims: nobody is asked for them again.
    pub(super) fn abandon_claims(&self) {
        let _ = self.claims.set(Err(self.finish(too_long())));
    }

    /// The answer to who has waited too long.
    pub(super) fn too_late(&self) -> AuthError {
        let error = self.finish(too_long());
        log(&error, &self.config.outages.loader);
        error
    }

    pub(super) const fn config(&self) -> &Arc<Config<U>> {
        &self.config
    }

    pub(super) fn is_anonymous(&self) -> bool {
        matches!(self.presented, Presented::Nothing)
    }

    pub(super) async fn claims(&self) -> Known<'_, Claims> {
        if let Some(known) = self.claims.get() {
            return known.as_ref();
        }
        self.bounded(self.wait_for_claims(), || {
            self.remember_claims(Err(too_long()))
        })
        .await
    }

    pub(super) fn claims_now(&self) -> Option<Known<'_, Claims>> {
        if let Some(known) = self.claims.get() {
            return Some(known.as_ref());
        }
        match self.verification() {
            Verification::Ready(claims) => Some(self.remember_claims(claims)),
            Verification::Pending(_) => None,
        }
    }

    async fn wait_for_claims(&self) -> Known<'_, Claims> {
        let _turn = self.turn.lock().await;
        self.claims_in_turn().await
    }

    /// Only for whoever has the turn.
    pub(super) async fn claims_in_turn(&self) -> Known<'_, Claims> {
        if let Some(known) = self.claims.get() {
            return known.as_ref();
        }
        let claims = match self.verification() {
            Verification::Ready(claims) => claims,
            Verification::Pending(claims) => match AssertUnwindSafe(claims).catch_unwind().await {
                Ok(claims) => {
                    if claims.is_ok() {
                        self.config.outages.verifier_answers();
                    }
                    claims
                }
                Err(_) => Err(AuthError::unavailable("the verifier panicked")),
            },
        };
        self.remember_claims(claims)
    }

    fn verification(&self) -> Verification<'_> {
        match self.token() {
            Ok(token) => self.config.verifier.verify(token),
            Err(error) => Verification::Ready(Err(error)),
        }
    }

    /// The credential to be verified: what was sent, or what the ticket that was sent stands for.
    fn token(&self) -> Result<&str, AuthError> {
        let verifier = &self.config.verifier;
        let judged = verifier.checks_characters();
        let sent = self
            .presented
            .token(verifier.max_credential_bytes(), judged)?;
        match &self.config.tickets {
            Some(tickets) if self.presented.is_listed() && StreamTicket::looks_like(sent) => {
                let token = self.redeemed.get_or_init(|| tickets.redeem(sent));
                token
                    .as_deref()
                    .ok_or_else(|| AuthError::refused(RejectReason::Ticket))
            }
            _ => Ok(sent),
        }
    }

    /// A ticket for the token of this request.
    pub(super) async fn ticket(&self) -> Result<StreamTicket, AuthError> {
        let claims = self.claims().await.map_err(Clone::clone)?;
        let Some(tickets) = &self.config.tickets else {
            return Err(misconfigured(Misconfiguration::NoTickets, Place::UNKNOWN));
        };
        // Else one that was overheard would do for ever.
        if self.redeemed.get().is_some() {
            let error = self.finish(AuthError::refused(RejectReason::Ticket));
            log(&error, &self.config.outages.verifier);
            return Err(error);
        }
        tickets.issue(self.token()?, claims)
    }

    pub(super) fn remember_claims(&self, found: Result<Claims, AuthError>) -> Known<'_, Claims> {
        self.remember(&self.claims, found, &self.config.outages.verifier)
    }

    pub(super) fn remember_user(&self, found: Result<Arc<U>, AuthError>) -> Known<'_, Arc<U>> {
        self.remember(&self.user, found, &self.config.outages.loader)
    }

    /// One request has one answer: the first.
    #[expect(clippy::expect_used, reason = "a cell that was set stays so")]
    fn remember<'a, T>(
        &self,
        cell: &'a OnceLock<Result<T, AuthError>>,
        found: Result<T, AuthError>,
        limit: &LogLimit,
    ) -> Known<'a, T> {
        let first = cell.set(found.map_err(|error| self.finish(error))).is_ok();
        let known = cell.get().expect("it was set just now, or before");
        known.as_ref().inspect_err(|error| {
            if first {
                log(error, limit);
            }
        })
    }

    /// What `work` comes to, or `late` if it takes longer than the configured timeout.
    pub(super) async fn bounded<T>(
        &self,
        work: impl Future<Output = T>,
        late: impl FnOnce() -> T,
    ) -> T {
        let Some(timeout) = &self.config.timeout else {
            return work.await;
        };
        let mut work = pin!(work);
        // A store that answers at once costs no timer.
        if let Some(done) = work.as_mut().now_or_never() {
            return done;
        }
        match future::select(work, (timeout.sleep)(timeout.after)).await {
            Either::Left((done, _)) => done,
            // Before the work is dropped: whoever takes its turn then must not begin again.
            Either::Right(_) => late(),
        }
    }

    pub(super) fn finish(&self, mut error: AuthError) -> AuthError {
        let config = &self.config;
        error.set_shape(
            config.disclose_account_status,
            config.grpc,
            config.challenges.as_ref(),
        );
        if self.presented.is_cookie() {
            error.clear_cookie(|| config.source.cleared_cookie());
        }
        error
    }
}

pub(super) fn too_long() -> AuthError {
    AuthError::unavailable(TooLong)
}

#[cfg(test)]
mod tests;
