//! Resolver of an identity: verifies the credential and loads the user once, on first demand.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};

use futures_util::future::{self, BoxFuture, Either, FutureExt};
use futures_util::lock::Mutex;

use super::config::Config;
use super::misconfiguration::{Place, misconfigured};
use super::report::report;
use crate::credentials::{Credential, CredentialError};
use crate::error::{AuthError, AuthErrorKind, Misconfiguration, RejectReason, TooLong};
use crate::jwt::{Claims, Verification};
use crate::stream_ticket::StreamTicket;
use crate::user::{self, AuthUser};
use crate::util::keyed_notify::Watcher;
use crate::util::log_limit::LogLimit;

/// State of one request: its credential, and the results so far.
pub(super) struct Resolver<U> {
    pub(super) config: Arc<Config<U>>,
    pub(super) credential: Result<Option<Credential>, CredentialError>,
    // The token of the ticket, if one was sent. Kept, because a ticket can be redeemed only once.
    redeemed: OnceLock<Option<Arc<str>>>,
    claims: OnceLock<Result<Claims, AuthError>>,
    user: OnceLock<Result<Arc<U>, AuthError>>,
    // Held while one task waits for the verifier or the store; other tasks of the request wait for it.
    lock: Mutex<()>,
}

/// Result borrowed from its cell.
type Resolved<'a, T> = Result<&'a T, &'a AuthError>;

/// The claims, or the future that verifies them.
type Begun<'a> = Result<Resolved<'a, Claims>, BoxFuture<'a, Result<Claims, AuthError>>>;

impl<U> Resolver<U> {
    pub(super) fn new(
        config: Arc<Config<U>>,
        credential: Result<Option<Credential>, CredentialError>,
    ) -> Self {
        Self {
            config,
            credential,
            redeemed: OnceLock::new(),
            claims: OnceLock::new(),
            user: OnceLock::new(),
            lock: Mutex::new(()),
        }
    }

    /// Shared by all requests without a credential. Its result is set at once, so that no request
    /// waits for the lock of another.
    pub(super) fn anonymous(config: Config<U>) -> Self {
        let anonymous = Self::new(Arc::new(config), Ok(None));
        let missing = AuthError::new(AuthErrorKind::MissingCredential);
        let _ = anonymous.set_claims(Err(missing));
        anonymous
    }

    /// The same credential without results. A redeemed ticket is not redeemed again.
    pub(super) fn unresolved(&self) -> Self {
        Self {
            redeemed: self.redeemed.clone(),
            ..Self::new(Arc::clone(&self.config), self.credential.clone())
        }
    }

    /// The same credential with another configuration.
    #[cfg(feature = "testing")]
    pub(super) fn with_config(&self, config: Config<U>) -> Self {
        Self::new(Arc::new(config), self.credential.clone())
    }

    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(self.credential, Ok(None))
    }

    pub(super) async fn claims(&self) -> Resolved<'_, Claims> {
        let pending = match self.begin() {
            Ok(known) => return known,
            Err(pending) => pending,
        };
        let work = pin!(async {
            let _guard = self.lock.lock().await;
            self.finish(pending).await
        });
        self.bounded(work, || self.set_claims(Err(too_long())))
            .await
    }

    /// The claims. `None` if verification has to wait.
    pub(super) fn try_claims(&self) -> Option<Resolved<'_, Claims>> {
        self.begin().ok()
    }

    /// Verifies at once if possible.
    fn begin(&self) -> Begun<'_> {
        if let Some(known) = self.claims.get() {
            return Ok(known.as_ref());
        }
        match self.verification() {
            Verification::Ready(claims) => Ok(self.set_claims(claims)),
            Verification::Pending(claims) => Err(claims),
        }
    }

    /// Must be called with the lock held: another task may have been faster.
    async fn finish(
        &self,
        pending: BoxFuture<'_, Result<Claims, AuthError>>,
    ) -> Resolved<'_, Claims> {
        if let Some(known) = self.claims.get() {
            return known.as_ref();
        }
        let claims = match AssertUnwindSafe(pending).catch_unwind().await {
            Ok(claims) => {
                if claims.is_ok() {
                    self.config.outages.verifier_answers();
                }
                claims
            }
            Err(_) => Err(AuthError::unavailable("the verifier panicked")),
        };
        self.set_claims(claims)
    }

    fn verification(&self) -> Verification<'_> {
        match self.token() {
            Ok(token) => self.config.verifier.verify(token),
            Err(error) => Verification::Ready(Err(error)),
        }
    }

    /// The token to verify: the one that was sent, or the one of the ticket.
    fn token(&self) -> Result<&str, AuthError> {
        let credential = match &self.credential {
            Ok(Some(credential)) => credential,
            Ok(None) => return Err(AuthError::new(AuthErrorKind::MissingCredential)),
            Err(error) => return Err((*error).into()),
        };
        let verifier = &self.config.verifier;
        let sent = credential
            .token(
                verifier.max_credential_bytes(),
                verifier.checks_characters(),
            )
            .map_err(AuthError::rejected)?;
        match &self.config.tickets {
            Some(tickets) if credential.may_be_ticket() && StreamTicket::looks_like(sent) => {
                let token = self.redeemed.get_or_init(|| tickets.redeem(sent));
                token
                    .as_deref()
                    .ok_or_else(|| AuthError::rejected(RejectReason::Ticket))
            }
            _ => Ok(sent),
        }
    }

    pub(super) async fn issue_stream_ticket(&self) -> Result<StreamTicket, AuthError> {
        let claims = self.claims().await.map_err(Clone::clone)?;
        let Some(tickets) = &self.config.tickets else {
            return Err(misconfigured(Misconfiguration::NoTickets, Place::UNKNOWN));
        };
        // Otherwise a ticket that was found in a log could be renewed indefinitely.
        if self.redeemed.get().is_some() {
            return Err(self.reject(AuthError::rejected(RejectReason::Ticket)));
        }
        tickets.issue(self.token()?, claims)
    }

    fn set_claims(&self, claims: Result<Claims, AuthError>) -> Resolved<'_, Claims> {
        self.set(&self.claims, claims, &self.config.outages.verifier)
    }

    fn set_user(&self, user: Result<Arc<U>, AuthError>) -> Resolved<'_, Arc<U>> {
        self.set(&self.user, user, &self.config.outages.loader)
    }

    /// Keeps the first result of a request, and reports it once if it is an error.
    #[expect(clippy::expect_used, reason = "a cell that was set stays so")]
    fn set<'a, T>(
        &self,
        cell: &'a OnceLock<Result<T, AuthError>>,
        mut result: Result<T, AuthError>,
        limit: &LogLimit,
    ) -> Resolved<'a, T> {
        // In place: the result is too large to be moved without need.
        if let Err(error) = &mut result {
            self.shape(error);
        }
        let first = cell.set(result).is_ok();
        let known = cell.get().expect("the cell is set");
        known.as_ref().inspect_err(|error| {
            if first {
                report(error, limit);
            }
        })
    }

    /// Output of `work`, or of `late` after the configured timeout.
    async fn bounded<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = T>>,
        late: impl FnOnce() -> T,
    ) -> T {
        let Some(timeout) = &self.config.timeout else {
            return work.await;
        };
        // No timer for a store that responds at once.
        if let Some(done) = work.as_mut().now_or_never() {
            return done;
        }
        match future::select(work, (timeout.sleep)(timeout.after)).await {
            Either::Left((done, _)) => done,
            // Before `work` is dropped: the task that takes the lock next must not start again.
            Either::Right(_) => late(),
        }
    }

    /// Error of a check that timed out.
    pub(super) fn timed_out(&self) -> AuthError {
        self.deny(too_long())
    }

    /// Shapes and reports an error about the credential that is not in a cell.
    pub(super) fn reject(&self, mut error: AuthError) -> AuthError {
        self.shape(&mut error);
        report(&error, &self.config.outages.verifier);
        error
    }

    /// The same for an error about the user.
    pub(super) fn deny(&self, mut error: AuthError) -> AuthError {
        self.shape(&mut error);
        report(&error, &self.config.outages.loader);
        error
    }

    /// Sets on `error` what the layer configures for its response.
    pub(super) fn shape(&self, error: &mut AuthError) {
        let config = &self.config;
        error.set_shape(
            config.disclose_account_status,
            config.grpc,
            config.challenges.as_ref(),
        );
        let from_cookie = match &self.credential {
            Ok(credential) => credential.as_ref().is_some_and(Credential::is_cookie),
            Err(error) => *error == CredentialError::DuplicateCookie,
        };
        if from_cookie {
            error.clear_cookie(|| config.source.cleared_cookie());
        }
    }
}

impl<U: AuthUser> Resolver<U> {
    pub(super) async fn user(&self) -> Resolved<'_, Arc<U>> {
        if let Some(known) = self.user.get() {
            return known.as_ref();
        }
        let claims = self.begin();
        if let Ok(claims) = &claims {
            // Without claims there is no user to load.
            if let Some(known) = self.user_at_hand((*claims)?) {
                return known;
            }
        }
        let work = pin!(self.load_user(claims));
        self.bounded(work, || {
            if let (Some(cache), Some(Ok(claims))) = (&self.config.cache, self.claims.get()) {
                cache.abandon(&*self.config.loader, claims);
            }
            // The timeout covers both: the verifier is not called again for the claims.
            let mut error = too_long();
            self.shape(&mut error);
            let _ = self.claims.set(Err(error));
            self.set_user(Err(too_long()))
        })
        .await
    }

    /// The user. `None` if verification or loading has to wait.
    pub(super) fn try_user(&self) -> Option<Resolved<'_, Arc<U>>> {
        if let Some(known) = self.user.get() {
            return Some(known.as_ref());
        }
        match self.try_claims()? {
            Ok(claims) => self.user_at_hand(claims),
            Err(error) => Some(Err(error)),
        }
    }

    /// The user that is cached or made from the claims: the loader is not called.
    fn user_at_hand(&self, claims: &Claims) -> Option<Resolved<'_, Arc<U>>> {
        let found = match (&self.config.cache, self.config.from_claims) {
            (Some(cache), _) => cache.get(&*self.config.loader, claims)?,
            (None, from_claims) => Some(Arc::new(from_claims?(claims))),
        };
        Some(self.set_user(check_token(found, claims)))
    }

    async fn load_user<'a>(&'a self, claims: Begun<'a>) -> Resolved<'a, Arc<U>> {
        let _guard = self.lock.lock().await;
        if let Some(known) = self.user.get() {
            return known.as_ref();
        }
        let claims = match claims {
            Ok(known) => known?,
            Err(pending) => self.finish(pending).await?,
        };
        // A cache hit does not end an outage of the loader.
        if let Some(known) = self.user_at_hand(claims) {
            return known;
        }
        let loader = &self.config.loader;
        let found = match &self.config.cache {
            // Boxed, because it is the largest part of the future of every guard, and rarely polled.
            Some(cache) => cache.load(loader, claims).boxed().await,
            None => user::load(&**loader, claims).await,
        };
        if found.is_ok() {
            self.config.outages.loader_answers();
        }
        self.set_user(found.and_then(|found| check_token(found, claims)))
    }

    /// Signals when the user of these claims is invalidated in the cache.
    pub(super) fn watcher(&self, claims: &Claims) -> Option<Watcher> {
        let cache = self.config.cache.as_ref()?;
        cache.watch(&*self.config.loader, claims)
    }
}

/// The user that was found, if the token is not revoked for it.
fn check_token<U: AuthUser>(found: Option<Arc<U>>, claims: &Claims) -> Result<Arc<U>, AuthError> {
    let checked = match found {
        Some(user) => user::check_token(claims, &*user).map(|()| user),
        None => Err(RejectReason::UnknownSubject),
    };
    checked.map_err(AuthError::rejected)
}

fn too_long() -> AuthError {
    AuthError::unavailable(TooLong)
}

#[cfg(test)]
mod tests;
