//! The resolving of an identity: verified on first demand, loaded on first demand, remembered.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{self, BoxFuture, Either, FutureExt};
use futures_util::lock::Mutex;
use http::Extensions;

use crate::error::{AuthError, AuthErrorKind, Challenges, Refusal};
use crate::policy::Policy;
use crate::source::Presented;
use crate::token::{Claims, Verification, Verifier};
use crate::user::{AuthUser, CurrentUser, UserLoader, UserStatus};

/// What is known of the sender so far.
pub(super) struct Inner<U> {
    config: Arc<Config<U>>,
    presented: Presented,
    claims: OnceLock<Result<Claims, AuthError>>,
    user: OnceLock<Result<Arc<U>, AuthError>>,
    // Held by the one who waits for a key source or the store; the others wait for it.
    turn: Mutex<()>,
}

/// What the requests of one layer have in common.
pub(crate) struct Config<U> {
    pub(crate) verifier: Arc<dyn Verifier>,
    pub(crate) loader: Arc<dyn UserLoader<User = U>>,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) challenges: Option<Arc<Challenges>>,
    pub(crate) disclose_status: bool,
}

/// The runtime's own sleep, and how long to wait for users.
#[derive(Clone)]
pub(crate) struct Timeout {
    pub(crate) after: Duration,
    pub(crate) sleep: Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl<U> Clone for Config<U> {
    fn clone(&self) -> Self {
        Self {
            verifier: Arc::clone(&self.verifier),
            loader: Arc::clone(&self.loader),
            timeout: self.timeout.clone(),
            challenges: self.challenges.clone(),
            disclose_status: self.disclose_status,
        }
    }
}

impl<U> Inner<U> {
    pub(super) fn new(config: Arc<Config<U>>, presented: Presented) -> Self {
        Self {
            config,
            presented,
            claims: OnceLock::new(),
            user: OnceLock::new(),
            turn: Mutex::new(()),
        }
    }

    pub(super) fn is_anonymous(&self) -> bool {
        matches!(self.presented, Presented::Nothing)
    }

    pub(super) async fn claims(&self) -> Result<Claims, AuthError> {
        if let Some(known) = self.claims.get() {
            return known.clone();
        }
        self.bounded(self.wait_for_claims(), || {
            self.remember(&self.claims, Err(too_long()))
        })
        .await
    }

    pub(super) fn claims_now(&self) -> Option<Result<Claims, AuthError>> {
        if let Some(known) = self.claims.get() {
            return Some(known.clone());
        }
        match self.verification() {
            Verification::Ready(claims) => Some(self.remember(&self.claims, claims)),
            Verification::Pending(_) => None,
        }
    }

    async fn wait_for_claims(&self) -> Result<Claims, AuthError> {
        let _turn = self.turn.lock().await;
        self.claims_in_turn().await
    }

    /// Only for whoever has the turn.
    async fn claims_in_turn(&self) -> Result<Claims, AuthError> {
        if let Some(known) = self.claims.get() {
            return known.clone();
        }
        let claims = match self.verification() {
            Verification::Ready(claims) => claims,
            Verification::Pending(claims) => claims.await,
        };
        self.remember(&self.claims, claims)
    }

    fn verification(&self) -> Verification<'_> {
        Verification::Ready(Err(match &self.presented {
            Presented::Credential(credential) => {
                return self.config.verifier.verify(credential.as_str());
            }
            Presented::Nothing => AuthError::new(AuthErrorKind::MissingCredential),
            Presented::Malformed(kind) => AuthError::new(*kind),
            Presented::Refused(refusal) => AuthError::refused(*refusal),
        }))
    }

    /// One request has one answer: the first.
    fn remember<T: Clone>(
        &self,
        cell: &OnceLock<Result<T, AuthError>>,
        found: Result<T, AuthError>,
    ) -> Result<T, AuthError> {
        let found = found.map_err(|error| self.finish(error));
        match cell.set(found.clone()) {
            Ok(()) => found.inspect_err(log),
            Err(late) => cell.get().cloned().unwrap_or(late),
        }
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
    pub(super) async fn user(&self) -> Result<Arc<U>, AuthError> {
        if let Some(known) = self.user.get() {
            return known.clone();
        }
        self.bounded(self.wait_for_user(), || {
            self.remember(&self.user, Err(too_long()))
        })
        .await
    }

    pub(super) fn user_now(&self) -> Option<Result<Arc<U>, AuthError>> {
        if let Some(known) = self.user.get() {
            return Some(known.clone());
        }
        // Without claims nobody needs to be asked for the user.
        self.claims_now()?.err().map(Err)
    }

    async fn wait_for_user(&self) -> Result<Arc<U>, AuthError> {
        let _turn = self.turn.lock().await;
        if let Some(known) = self.user.get() {
            return known.clone();
        }
        let claims = self.claims_in_turn().await?;
        // Through the pointer: the impl for `Arc` would box once more.
        let load = async { (*self.config.loader).load_user(&claims).await };
        let user = match AssertUnwindSafe(load).catch_unwind().await {
            Ok(Ok(Some(user))) if user.token_generation() == claims.generation() => {
                Ok(Arc::new(user))
            }
            Ok(Ok(Some(_))) => Err(AuthError::refused(Refusal::Generation)),
            Ok(Ok(None)) => Err(AuthError::refused(Refusal::UnknownSubject)),
            Ok(Err(error)) => Err(match error.downcast::<AuthError>() {
                Ok(error) => *error,
                Err(error) => AuthError::unavailable(error),
            }),
            Err(_) => Err(AuthError::unavailable("the user loader panicked")),
        };
        self.remember(&self.user, user)
    }

    pub(super) fn admit<P: Policy<U>>(
        &self,
        user: Arc<U>,
        claims: Claims,
        policy: &P,
    ) -> Result<Admitted<U>, AuthError> {
        let CurrentUser(user) = self.judge(user, &claims, policy)?;
        Ok(Admitted { user, claims })
    }

    /// Status first, policy second.
    pub(super) fn judge<P: Policy<U>>(
        &self,
        user: Arc<U>,
        claims: &Claims,
        policy: &P,
    ) -> Result<CurrentUser<U>, AuthError> {
        let judgement = match user.status() {
            UserStatus::Approved => policy
                .check(&user, claims)
                .map_err(|denied| AuthError::forbidden(denied.into_detail())),
            UserStatus::Pending => Err(AuthError::new(AuthErrorKind::AccountPending)),
            UserStatus::Disabled => Err(AuthError::new(AuthErrorKind::AccountDisabled)),
        };
        match judgement {
            Ok(()) => Ok(CurrentUser(user)),
            Err(error) => {
                log(&error);
                Err(self.finish(error))
            }
        }
    }
}

/// Who came through a door that speaks tower, not axum: left in the extensions for the handler.
pub(crate) struct Admitted<U> {
    user: Arc<U>,
    claims: Claims,
}

impl<U: AuthUser> Admitted<U> {
    pub(crate) fn leave_in(self, extensions: &mut Extensions) {
        extensions.insert(CurrentUser(self.user));
        extensions.insert(self.claims);
    }
}

fn too_long() -> AuthError {
    AuthError::unavailable("the store or the key source took too long")
}

/// What went wrong, for the log. A refused request is not an error there; a store that cannot
/// answer and a forgotten layer are.
pub(super) fn log(error: &AuthError) {
    let reason = std::error::Error::source(error).map(tracing::field::display);
    match error.kind() {
        AuthErrorKind::MissingCredential => {}
        AuthErrorKind::Unavailable | AuthErrorKind::Misconfigured => {
            tracing::error!(reason, "{error}");
        }
        _ => tracing::debug!(reason, "{error}"),
    }
}
