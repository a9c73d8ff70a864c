//! The user behind an identity: loaded on first demand, and let in or not.

use std::sync::Arc;

use super::inner::{Inner, Known, too_long};
use super::report::log;
use crate::error::{AuthError, AuthErrorKind, RejectReason};
use crate::jwt::Claims;
use crate::policy::{Denied, Policy};
use crate::user::{self, AuthUser, UserStatus};
use crate::util::keyed_notify::Watcher;

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
            self.abandon_claims();
            self.remember_user(Err(too_long()))
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
        let found = match &self.config.cache {
            Some(cache) => cache.get(&*self.config.loader, claims)?,
            None => Some(self.user_of_claims(claims)?),
        };
        Some(self.remember_user(is_of(found, claims)))
    }

    /// The user, where the claims are all that is known.
    fn user_of_claims(&self, claims: &Claims) -> Option<Arc<U>> {
        Some(Arc::new(self.config.from_claims?(claims)))
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
                // Says nothing of the loader, which may be down.
                Some(cached) => return self.remember_user(is_of(cached, claims)),
                None => cache.load(loader, claims).await,
            },
            None => match self.user_of_claims(claims) {
                Some(user) => return self.remember_user(is_of(Some(user), claims)),
                None => user::load(&**loader, claims).await,
            },
        };
        if found.is_ok() {
            self.config.outages.loader_answers();
        }
        self.remember_user(found.and_then(|found| is_of(found, claims)))
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
        if self.config.may_know_at_once()
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
            UserStatus::Approved => policy.check(user, claims).map_err(Denied::into_error),
            UserStatus::Pending => Err(AuthError::new(AuthErrorKind::AccountPending)),
            UserStatus::Disabled => Err(AuthError::new(AuthErrorKind::AccountDisabled)),
        };
        match judgement {
            Ok(()) => Ok((user, claims)),
            Err(error) => {
                let error = self.finish(error);
                log(&error, &self.config.outages.loader);
                Err(error)
            }
        }
    }
}

/// The user that was found, if the token is one of theirs that are valid now.
fn is_of<U: AuthUser>(found: Option<Arc<U>>, claims: &Claims) -> Result<Arc<U>, AuthError> {
    let checked = match found {
        Some(user) => user::check_token(claims, &*user).map(|()| user),
        None => Err(RejectReason::UnknownSubject),
    };
    checked.map_err(AuthError::refused)
}
