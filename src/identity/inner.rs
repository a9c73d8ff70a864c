//! The resolving of an identity: verified on first demand, loaded on first demand, remembered.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use futures_util::future::{self, Either, FutureExt};
use futures_util::lock::Mutex;

use super::config::Config;
use super::log::log;
use super::misconfiguration::{Misconfiguration, misconfigured};
use crate::error::{AuthError, AuthErrorKind, Refusal};
use crate::policy::Policy;
use crate::source::Presented;
use crate::ticket::Ticket;
use crate::token::{Claims, Verification};
use crate::user::{self, AuthUser, UserStatus};
use crate::watchers::Watcher;

/// What the cell of a request remembers.
pub(super) type Known<'a, T> = Result<&'a T, &'a AuthError>;

/// The same for whoever keeps it.
pub(super) fn owned<T: Clone>(known: Known<'_, T>) -> Result<T, AuthError> {
    known.cloned().map_err(Clone::clone)
}

/// What is known of the sender so far.
pub(super) struct Inner<U> {
    config: Arc<Config<U>>,
    presented: Presented,
    // What the ticket stood for, if it was one: asked once, because that uses it up.
    redeemed: OnceLock<Option<Arc<str>>>,
    claims: OnceLock<Result<Claims, AuthError>>,
    user: OnceLock<Result<Arc<U>, AuthError>>,
    // Held by the one who waits for a key source or the store; the others wait for it.
    turn: Mutex<()>,
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
        let _ = stranger.remember(&stranger.claims, Err(none));
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

    /// The answer to who has waited too long.
    pub(super) fn too_late(&self) -> AuthError {
        let error = self.finish(too_long());
        log(&error);
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
            self.remember(&self.claims, Err(too_long()))
        })
        .await
    }

    pub(super) fn claims_now(&self) -> Option<Known<'_, Claims>> {
        if let Some(known) = self.claims.get() {
            return Some(known.as_ref());
        }
        match self.verification() {
            Verification::Ready(claims) => Some(self.remember(&self.claims, claims)),
            Verification::Pending(_) => None,
        }
    }

    async fn wait_for_claims(&self) -> Known<'_, Claims> {
        let _turn = self.turn.lock().await;
        self.claims_in_turn().await
    }

    /// Only for whoever has the turn.
    async fn claims_in_turn(&self) -> Known<'_, Claims> {
        if let Some(known) = self.claims.get() {
            return known.as_ref();
        }
        let claims = match self.verification() {
            Verification::Ready(claims) => claims,
            Verification::Pending(claims) => claims.await,
        };
        self.remember(&self.claims, claims)
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
        let judged = verifier.judges_characters();
        let sent = self.presented.token(verifier.max_size(), judged)?;
        match &self.config.tickets {
            Some(tickets) if self.presented.is_listed() && Ticket::looks_like(sent) => {
                let token = self.redeemed.get_or_init(|| tickets.redeem(sent));
                token
                    .as_deref()
                    .ok_or_else(|| AuthError::refused(Refusal::Ticket))
            }
            _ => Ok(sent),
        }
    }

    /// A ticket for the token of this request.
    pub(super) async fn ticket(&self) -> Result<Ticket, AuthError> {
        let claims = self.claims().await.map_err(Clone::clone)?;
        let Some(tickets) = &self.config.tickets else {
            return Err(misconfigured(Misconfiguration::NoTickets));
        };
        // Else one that was overheard would do for ever.
        if self.redeemed.get().is_some() {
            return Err(self.finish(AuthError::refused(Refusal::Ticket)));
        }
        tickets.issue(self.token()?, claims)
    }

    /// One request has one answer: the first.
    #[expect(clippy::expect_used, reason = "a cell that was set stays so")]
    fn remember<'a, T>(
        &self,
        cell: &'a OnceLock<Result<T, AuthError>>,
        found: Result<T, AuthError>,
    ) -> Known<'a, T> {
        let first = cell.set(found.map_err(|error| self.finish(error))).is_ok();
        let known = cell.get().expect("it was set just now, or before");
        known.as_ref().inspect_err(|error| {
            if first {
                log(error);
            }
        })
    }

    /// What `work` comes to, or `late` if it takes longer than the configured timeout.
    async fn bounded<T>(&self, work: impl Future<Output = T>, late: impl FnOnce() -> T) -> T {
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

    fn finish(&self, error: AuthError) -> AuthError {
        error
            .disclosed(self.config.disclose_status)
            .with_challenges(self.config.challenges.as_ref())
    }
}

impl<U: AuthUser> Inner<U> {
    pub(super) async fn user(&self) -> Known<'_, Arc<U>> {
        if let Some(known) = self.user.get() {
            return known.as_ref();
        }
        // Without claims nobody needs to be asked.
        if let Some(Err(error)) = self.claims.get() {
            return Err(error);
        }
        self.bounded(self.wait_for_user(), || {
            self.abandon_load();
            self.remember(&self.user, Err(too_long()))
        })
        .await
    }

    /// The user, if nobody has to be asked.
    pub(super) fn user_now(&self) -> Option<Known<'_, Arc<U>>> {
        if let Some(known) = self.user.get() {
            return Some(known.as_ref());
        }
        // Without claims nobody needs to be asked.
        let claims = match self.claims_now()? {
            Ok(claims) => claims,
            Err(error) => return Some(Err(error)),
        };
        let cache = self.config.cache.as_ref()?;
        let cached = cache.get(&*self.config.loader, claims)?;
        Some(self.remember(&self.user, is_of(cached, claims)))
    }

    async fn wait_for_user(&self) -> Known<'_, Arc<U>> {
        let _turn = self.turn.lock().await;
        if let Some(known) = self.user.get() {
            return known.as_ref();
        }
        let claims = self.claims_in_turn().await?;
        let loader = &self.config.loader;
        let found = match &self.config.cache {
            Some(cache) => match cache.get(&**loader, claims) {
                Some(cached) => Ok(cached),
                None => cache.load(loader, claims).await,
            },
            None => user::load(&**loader, claims).await,
        };
        self.remember(&self.user, found.and_then(|found| is_of(found, claims)))
    }

    /// Hears when the user that these claims mean is invalidated.
    pub(super) fn watcher(&self, claims: &Claims) -> Option<Watcher> {
        let cache = self.config.cache.as_ref()?;
        cache.watch(&*self.config.loader, claims)
    }

    fn abandon_load(&self) {
        if let (Some(cache), Some(Ok(claims))) = (&self.config.cache, self.claims.get()) {
            cache.abandon(&*self.config.loader, claims);
        }
    }

    /// The user and the claims, if the account is approved and the policy says yes.
    pub(super) async fn require<P: Policy<U>>(
        &self,
        policy: &P,
    ) -> Result<(&Arc<U>, &Claims), AuthError> {
        if self.config.cache.is_some()
            && let Some(known) = self.require_now(policy)
        {
            return known;
        }
        let user = self.user().await.map_err(Clone::clone)?;
        let claims = self.claims().await.map_err(Clone::clone)?;
        self.judge(user, claims, policy)
    }

    /// The same, if nobody has to be asked.
    pub(super) fn require_now<P: Policy<U>>(
        &self,
        policy: &P,
    ) -> Option<Result<(&Arc<U>, &Claims), AuthError>> {
        Some(match (self.user_now()?, self.claims_now()?) {
            (Ok(user), Ok(claims)) => self.judge(user, claims, policy),
            (Err(error), _) | (_, Err(error)) => Err(error.clone()),
        })
    }

    /// Status first, policy second.
    fn judge<'a, P: Policy<U>>(
        &self,
        user: &'a Arc<U>,
        claims: &'a Claims,
        policy: &P,
    ) -> Result<(&'a Arc<U>, &'a Claims), AuthError> {
        let judgement = match user.status() {
            UserStatus::Approved => policy
                .check(user, claims)
                .map_err(|denied| AuthError::forbidden(denied.into_detail())),
            UserStatus::Pending => Err(AuthError::new(AuthErrorKind::AccountPending)),
            UserStatus::Disabled => Err(AuthError::new(AuthErrorKind::AccountDisabled)),
        };
        match judgement {
            Ok(()) => Ok((user, claims)),
            Err(error) => {
                log(&error);
                Err(self.finish(error))
            }
        }
    }
}

fn too_long() -> AuthError {
    AuthError::unavailable("the store or the key source took too long")
}

/// The user that was found, if the token is of a living generation.
fn is_of<U: AuthUser>(found: Option<Arc<U>>, claims: &Claims) -> Result<Arc<U>, AuthError> {
    match found {
        Some(user) if user.token_generation() == claims.generation() => Ok(user),
        Some(_) => Err(AuthError::refused(Refusal::Generation)),
        None => Err(AuthError::refused(Refusal::UnknownSubject)),
    }
}

#[cfg(test)]
mod tests;
