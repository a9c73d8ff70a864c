//! Calls of the application's hooks, as a part of the operations on accounts.

use std::sync::Arc;

use serde_json::{Map, Value};
use tower_warder::private::{LogLimit, log_limited};
use tower_warder::{BoxError, UserStatus};

use super::audit::{AuditActor, AuditEvent, AuditEventKind, PendingEvents};
use super::email::Email;
use super::error::AccountError;
use super::hooks::{AccountHooks, HookContext, HookError, guarded};
use super::model::User;
use super::service::Accounts;
use super::session::SESSION_KIND;
use super::store::AccountStore;
use super::store_error::StoreError;
use super::subject::ACCOUNT_ID;
use super::user_change::{UserAction, UserChange};

impl<S: AccountStore> Accounts<S> {
    /// Sets the code of the application that runs before and after registrations, log-ins, approvals,
    /// changes of the password and deletions, and adds claims to tokens. Defaults to none.
    ///
    /// Needs a Tokio runtime. Each [`Accounts`] calls its own: a command line of the application sets them,
    /// too. The program `tower-warder-server` and its commands have none.
    pub fn hooks(mut self, hooks: impl AccountHooks) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// Returns `true` if [hooks](Self::hooks) are configured.
    pub(super) const fn has_hooks(&self) -> bool {
        self.hooks.is_some()
    }

    pub(super) async fn before_register(
        &self,
        email: &Email,
        actor: AuditActor,
    ) -> Result<(), HookError> {
        let Some(hooks) = &self.hooks else {
            return Ok(());
        };
        let checked = guarded(hooks.before_register(email, &self.context(actor))).await;
        if let Err(HookError::Veto(_)) = &checked {
            self.record_veto(Operation::Register.as_str(), actor, None);
        }
        checked
    }

    pub(super) async fn after_register(&self, user: &User, actor: AuditActor) {
        self.after(Operation::Register, user, actor).await;
    }

    /// Called for a correct password of an approved account.
    pub(super) async fn before_login(&self, user: &User) -> Result<(), HookError> {
        let Some(hooks) = &self.hooks else {
            return Ok(());
        };
        let context = self.context(AuditActor::Account(user.id));
        guarded(hooks.before_login(user, &context)).await
    }

    pub(super) async fn after_login(&self, user: &User) {
        let actor = AuditActor::Account(user.id);
        self.after(Operation::Login, user, actor).await;
    }

    /// Makes a change in the store between its hooks. Records the events that `begin` returns, or a veto.
    pub(super) async fn hooked_change<'a>(
        &'a self,
        change: &UserChange,
        actor: AuditActor,
        begin: impl FnOnce() -> PendingEvents<'a>,
    ) -> Result<Option<User>, StoreError> {
        let operation = Operation::of(&change.action);
        let changed = self.change_after_hook(change, actor, begin).await;
        if let (Err(StoreError::Vetoed(_)), Some(operation)) = (&changed, operation) {
            self.record_veto(operation.as_str(), actor, Some(change.id));
        }
        let (hooked, user) = changed?;
        if let Some(Hooked {
            operation,
            user: before,
        }) = hooked
        {
            let user = user.as_ref().unwrap_or(&before);
            self.after(operation, user, actor).await;
        }
        Ok(user)
    }

    async fn change_after_hook<'a>(
        &'a self,
        change: &UserChange,
        actor: AuditActor,
        begin: impl FnOnce() -> PendingEvents<'a>,
    ) -> Result<(Option<Hooked>, Option<User>), StoreError> {
        let hooked = self.before_change(change, actor).await?;
        // Before the next hook and the session store, which may be slow. A new hash of the same password
        // concerns no request.
        let is_rehash = matches!(change.action, UserAction::Rehash { .. });
        let _invalidation = (!is_rehash).then(|| self.invalidate_on_drop(change.id));
        let events = begin();
        let user = events.settle(self.store.change(change).await, |_| change.id)?;
        Ok((hooked, user))
    }

    /// Calls the hook before a change, unless the change would be rejected anyway. Returns what is to be
    /// called after it.
    async fn before_change(
        &self,
        change: &UserChange,
        actor: AuditActor,
    ) -> Result<Option<Hooked>, StoreError> {
        let (Some(hooks), Some(operation)) = (&self.hooks, Operation::of(&change.action)) else {
            return Ok(None);
        };
        let mut stored = Vec::new();
        stored.extend(self.store.find(change.id).await?);
        if let Some(by) = change.by.id().filter(|by| *by != change.id) {
            stored.extend(self.store.find(by).await?);
        }
        match change.apply(&stored) {
            // Not all admins were read.
            Ok(_) | Err(StoreError::LastAdmin(_)) => {}
            Err(error) => return Err(error),
        }
        let user = stored.into_iter().find(|user| user.id == change.id);
        let user = user.ok_or(StoreError::NotFound)?;
        if operation == Operation::Approve && user.status == UserStatus::Approved {
            return Ok(None);
        }
        let context = self.context(actor);
        guarded(async {
            match operation {
                Operation::Approve => hooks.before_approve(&user, &context).await,
                Operation::PasswordChange => hooks.before_password_change(&user, &context).await,
                Operation::Delete => hooks.before_delete(&user, &context).await,
                Operation::Register | Operation::Login => Ok(()),
            }
        })
        .await?;
        Ok(Some(Hooked { operation, user }))
    }

    /// Calls the hook after an operation, in a task, so that it completes if the client disconnects.
    async fn after(&self, operation: Operation, user: &User, actor: AuditActor) {
        static LIMIT: LogLimit = LogLimit::new();

        let Some(hooks) = self.hooks.clone() else {
            return;
        };
        let (user, context) = (user.clone(), self.context(actor));
        let id = user.id;
        let hook = tokio::spawn(async move {
            guarded(async {
                match operation {
                    Operation::Register => hooks.after_register(&user, &context).await,
                    Operation::Login => hooks.after_login(&user, &context).await,
                    Operation::Approve => hooks.after_approve(&user, &context).await,
                    Operation::PasswordChange => hooks.after_password_change(&user, &context).await,
                    Operation::Delete => hooks.after_delete(&user, &context).await,
                }
            })
            .await
            .unwrap_or_else(|source| {
                let operation = operation.as_str();
                log_limited!(
                    LIMIT,
                    error,
                    operation,
                    id,
                    source = %described(source),
                    "a hook failed after an operation, which was not undone"
                );
            });
        });
        // Cancelled only at the end of the runtime.
        let _ = hook.await;
    }

    /// Returns the claims that the application adds to the tokens of an account. Called before a session
    /// is opened or renewed.
    pub(super) async fn added_claims(
        &self,
        user: &User,
    ) -> Result<Map<String, Value>, AccountError> {
        let Some(hooks) = &self.hooks else {
            return Ok(Map::new());
        };
        let claims = guarded(hooks.token_claims(user)).await;
        let claims = claims.map_err(|error| AccountError::Unavailable(described(error)))?;
        match OWN_CLAIMS.iter().find(|name| claims.contains_key(**name)) {
            Some(name) => Err(AccountError::unavailable(format!(
                "the hook `token_claims` returned `{name}`, which it must not replace"
            ))),
            None => Ok(claims),
        }
    }

    /// Records a veto of the application.
    pub(super) fn record_veto(
        &self,
        operation: &'static str,
        actor: AuditActor,
        account: Option<i64>,
    ) {
        let kind = AuditEventKind::OperationVetoed;
        self.audit.record(&AuditEvent {
            reason: Some(operation.into()),
            ..self.audit.event(kind, actor, account)
        });
    }

    const fn context(&self, actor: AuditActor) -> HookContext {
        HookContext {
            actor: self.audit.actor(actor),
            address: self.audit.address,
        }
    }
}

/// Operation that has hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Register,
    Login,
    Approve,
    PasswordChange,
    Delete,
}

impl Operation {
    /// Returns the operation of an action, if it has hooks. An update to approved is only one if the
    /// account was not approved before.
    fn of(action: &UserAction) -> Option<Self> {
        match action {
            UserAction::Update(update) => {
                (update.status == Some(UserStatus::Approved)).then_some(Self::Approve)
            }
            UserAction::Delete
            | UserAction::DeleteOwn { .. }
            | UserAction::DeletePending { .. } => Some(Self::Delete),
            UserAction::SetFirstPassword { approves: true, .. } => Some(Self::Approve),
            UserAction::SetFirstPassword { .. } => Some(Self::PasswordChange),
            UserAction::Invite { .. } | UserAction::ClaimFirstAdmin => None,
            UserAction::ResetPassword { .. } | UserAction::RevokeTokens { hash: Some(_), .. } => {
                Some(Self::PasswordChange)
            }
            UserAction::SetDisplayName { .. }
            | UserAction::Rehash { .. }
            | UserAction::RevokeTokens { hash: None, .. }
            | UserAction::ConfirmEmail { .. } => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::Approve => "approve",
            Self::PasswordChange => "password_change",
            Self::Delete => "delete",
        }
    }
}

/// Operation whose first hook was called.
struct Hooked {
    operation: Operation,
    /// The account before it.
    user: User,
}

/// Returns the error to log.
fn described(error: HookError) -> BoxError {
    match error {
        HookError::Veto(text) => text.into(),
        HookError::Unavailable(source) => source,
    }
}

/// Claims of the token itself: registered ones (RFC 7519, section 4.1), and those by which the account
/// and the session are found.
const OWN_CLAIMS: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "gen",
    "sid",
    SESSION_KIND,
    ACCOUNT_ID,
];
