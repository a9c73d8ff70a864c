//! Hooks: code of the application before and after operations on accounts.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::time::timeout;
use tower_warder::BoxError;

use super::audit::AuditActor;
use super::email::Email;
use super::model::User;
use super::store_error::StoreError;

/// Code of the application that runs before and after operations on accounts. Set it with
/// [`Accounts::hooks`](crate::Accounts::hooks). Each method defaults to doing nothing.
///
/// | operation | by |
/// |---|---|
/// | register | each way to add an account: `POST /register`, [`Accounts::register`], [`Accounts::register_by_mail`], [`Accounts::invite`], [`Accounts::import`] |
/// | log-in | each log-in with a password, for a token or a cookie: [`Accounts::authenticate`] |
/// | approve | a change of the status to approved, from another one; an accepted invitation. An account that is approved when it is added is only registered |
/// | change of the password | an admin's reset, a one-time link, the owner; the first one of a registration by mail |
/// | delete | each deletion of an account |
///
/// **Before**: an operation that is not permitted, or that would fail anyway as far as the store was
/// read, calls no hook. [`HookError::veto`] rejects it with 403, the code `operation_vetoed` and the
/// text of the application; the veto is an [audit event](crate::docs::audit). The operation can still
/// fail afterwards, so a hook must have no effect that depends on its success. No hook gets a password.
///
/// **After**: the change is committed. The request waits for the hook, which also completes if the
/// client disconnects; an error is logged and undoes nothing. It does not run if the process ends
/// before. What belongs to the change itself, such as a row for each account, belongs in its
/// transaction: see `on_insert` and `on_delete` of the stores of `tower-warder-sqlx`.
///
/// A hook that panics or takes longer than 5 seconds has failed. A failure before the operation is
/// answered 503: it admits nothing.
///
/// ```
/// use tower_warder::async_trait;
/// use tower_warder_accounts::{AccountHooks, Email, HookContext, HookError};
///
/// struct Staff;
///
/// #[async_trait]
/// impl AccountHooks for Staff {
///     async fn before_register(&self, email: &Email, _: &HookContext) -> Result<(), HookError> {
///         match email.as_str().ends_with("@example.com") {
///             true => Ok(()),
///             false => Err(HookError::veto("Register with your address at example.com")),
///         }
///     }
/// }
/// ```
///
/// [`Accounts::register`]: crate::Accounts::register
/// [`Accounts::register_by_mail`]: crate::Accounts::register_by_mail
/// [`Accounts::invite`]: crate::Accounts::invite
/// [`Accounts::import`]: crate::Accounts::import
/// [`Accounts::authenticate`]: crate::Accounts::authenticate
#[doc(alias = "callback")]
#[doc(alias = "signal")]
#[async_trait]
pub trait AccountHooks: Send + Sync + 'static {
    /// Runs before an account with this address is added, which no other account has.
    ///
    /// # Errors
    ///
    /// No account is added.
    async fn before_register(&self, email: &Email, context: &HookContext) -> Result<(), HookError> {
        let _ = (email, context);
        Ok(())
    }

    /// Runs after an account was added.
    ///
    /// # Errors
    ///
    /// Logged.
    async fn after_register(&self, user: &User, context: &HookContext) -> Result<(), BoxError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs after the password was verified, if the account is approved: a client without the password
    /// causes no call.
    ///
    /// # Errors
    ///
    /// The client gets no token and no cookie.
    async fn before_login(&self, user: &User, context: &HookContext) -> Result<(), HookError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs after a log-in was accepted, before its token is issued.
    ///
    /// # Errors
    ///
    /// Logged.
    async fn after_login(&self, user: &User, context: &HookContext) -> Result<(), BoxError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs before an account is approved.
    ///
    /// # Errors
    ///
    /// Nothing is changed, also if the address or the role were to be set together with the status.
    async fn before_approve(&self, user: &User, context: &HookContext) -> Result<(), HookError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs after an account was approved.
    ///
    /// # Errors
    ///
    /// Logged.
    async fn after_approve(&self, user: &User, context: &HookContext) -> Result<(), BoxError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs before a new password is set.
    ///
    /// # Errors
    ///
    /// The old password stays, and a one-time link stays valid.
    #[doc(alias = "reset")]
    async fn before_password_change(
        &self,
        user: &User,
        context: &HookContext,
    ) -> Result<(), HookError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs after a new password was set.
    ///
    /// # Errors
    ///
    /// Logged.
    #[doc(alias = "reset")]
    async fn after_password_change(
        &self,
        user: &User,
        context: &HookContext,
    ) -> Result<(), BoxError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs before an account is deleted.
    ///
    /// # Errors
    ///
    /// The account stays.
    async fn before_delete(&self, user: &User, context: &HookContext) -> Result<(), HookError> {
        let _ = (user, context);
        Ok(())
    }

    /// Runs after an account was deleted. `user` is what it was before.
    ///
    /// # Errors
    ///
    /// Logged.
    async fn after_delete(&self, user: &User, context: &HookContext) -> Result<(), BoxError> {
        let _ = (user, context);
        Ok(())
    }

    /// Returns the claims that are added to the tokens of an account. Called for each access token, also
    /// at its renewal; a cookie keeps its claims as long as it is valid.
    ///
    /// Claims are what was true when the token was issued. What has to take effect at once belongs in
    /// the user that is loaded on each request.
    ///
    /// The claims of the token itself cannot be replaced: with one of `iss`, `sub`, `aud`, `exp`, `nbf`,
    /// `iat`, `jti`, `auth_time`, `gen`, `sid`, `session_kind` and `account_id` no token is issued.
    ///
    /// # Errors
    ///
    /// No token is issued: the response is 503.
    async fn token_claims(&self, user: &User) -> Result<Map<String, Value>, BoxError> {
        let _ = user;
        Ok(Map::new())
    }
}

/// Client of an operation, passed to [`AccountHooks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookContext {
    /// Author of the operation, as in its audit event: an admin, the owner, a client that is not logged
    /// in, or the application.
    pub actor: AuditActor,
    /// Network address of the client, as in the audit event.
    pub address: Option<IpAddr>,
}

/// Error of a hook that runs before an operation.
///
/// Every error of other libraries converts with `?` into [`Unavailable`](Self::Unavailable). That is why
/// this type does not implement [`Error`](std::error::Error).
#[derive(Debug)]
#[non_exhaustive]
pub enum HookError {
    /// The operation is rejected: 403 with this text, which the client reads as `detail`.
    Veto(Cow<'static, str>),
    /// The hook cannot decide. The client gets 503, and the source is logged.
    Unavailable(BoxError),
}

impl HookError {
    /// Creates a veto. The client reads the text.
    pub fn veto(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Veto(text.into())
    }
}

impl<E: Into<BoxError>> From<E> for HookError {
    fn from(source: E) -> Self {
        Self::Unavailable(source.into())
    }
}

/// For stores that run code of the application in their transactions.
impl From<HookError> for StoreError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Veto(text) => Self::Vetoed(text),
            HookError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Veto(text) => f.write_str(text),
            Self::Unavailable(_) => f.write_str("a hook of the application cannot answer"),
        }
    }
}

/// Waits for a hook, for a limited time. A panic is an error.
pub(super) async fn guarded<T, E: Into<HookError>>(
    hook: impl Future<Output = Result<T, E>>,
) -> Result<T, HookError> {
    match timeout(MAX_DURATION, AssertUnwindSafe(hook).catch_unwind()).await {
        Ok(Ok(result)) => result.map_err(E::into),
        Ok(Err(_)) => Err("a hook of the application panicked".into()),
        Err(_) => {
            Err(format!("a hook of the application took longer than {MAX_DURATION:?}").into())
        }
    }
}

const MAX_DURATION: Duration = Duration::from_secs(5);
