//! Audit events of changes whose result is not known yet.

use std::mem;

use tower_warder::UserStatus;

use super::event::{AuditActor, AuditEvent, AuditEventKind};
use super::recorder::Audit;
use crate::store_error::StoreError;
use crate::user_change::{UserAction, UserChange};

impl Audit {
    /// Returns the events of a change that is about to be made.
    pub(crate) fn begin_change(&self, change: &UserChange, actor: AuditActor) -> PendingEvents<'_> {
        let reason = match change.action {
            UserAction::ResetPassword {
                must_change: true, ..
            } => Some(MUST_CHANGE.into()),
            UserAction::DeletePending { .. } => Some(NEVER_APPROVED.into()),
            UserAction::Invite { is_admin: true } => Some(ADMIN.into()),
            _ => None,
        };
        let kinds = kinds_of(&change.action).into_iter().flatten();
        let events = kinds.map(|kind| AuditEvent {
            reason: reason.clone(),
            ..self.event(kind, actor, Some(change.id))
        });
        PendingEvents {
            audit: self,
            events: events.collect(),
        }
    }

    /// Returns the event of a registration that is about to be made.
    pub(crate) fn begin_registration(&self) -> PendingEvents<'_> {
        self.begin_insert(self.event(
            AuditEventKind::AccountRegistered,
            AuditActor::Anonymous,
            None,
        ))
    }

    /// Returns the event of an import that is about to be made.
    pub(crate) fn begin_import(&self, is_admin: bool) -> PendingEvents<'_> {
        let event = self.event(AuditEventKind::AccountImported, AuditActor::System, None);
        self.begin_insert(AuditEvent {
            reason: is_admin.then_some(ADMIN.into()),
            ..event
        })
    }

    /// Returns the event of an invitation that is about to be made.
    pub(crate) fn begin_invitation(&self, by: AuditActor, is_admin: bool) -> PendingEvents<'_> {
        let event = self.event(AuditEventKind::AccountInvited, by, None);
        self.begin_insert(AuditEvent {
            reason: is_admin.then_some(ADMIN.into()),
            ..event
        })
    }

    /// Returns an event of an account that is about to be recorded.
    pub(crate) fn begin(
        &self,
        kind: AuditEventKind,
        actor: AuditActor,
        account: i64,
    ) -> PendingEvents<'_> {
        self.begin_insert(self.event(kind, actor, Some(account)))
    }

    fn begin_insert(&self, event: AuditEvent) -> PendingEvents<'_> {
        PendingEvents {
            audit: self,
            events: vec![event],
        }
    }
}

/// Events of a change whose result is not known yet.
///
/// If the client disconnects meanwhile, or if the connection to the store breaks, the store may have
/// made the change: its events are recorded with the reason `unconfirmed`, so that none is missing.
pub(crate) struct PendingEvents<'a> {
    audit: &'a Audit,
    events: Vec<AuditEvent>,
}

impl PendingEvents<'_> {
    /// Records the events if the change was made. `account` is the changed one.
    pub(crate) fn settle<T>(
        mut self,
        result: Result<T, StoreError>,
        account: impl FnOnce(&T) -> i64,
    ) -> Result<T, StoreError> {
        match &result {
            Ok(done) => {
                let account = Some(account(done));
                for event in mem::take(&mut self.events) {
                    self.audit.record(&AuditEvent { account, ..event });
                }
            }
            Err(StoreError::Unavailable(_)) => {}
            Err(_) => self.events.clear(),
        }
        result
    }
}

impl Drop for PendingEvents<'_> {
    fn drop(&mut self) {
        for event in mem::take(&mut self.events) {
            let reason = Some(UNCONFIRMED.into());
            self.audit.record(&AuditEvent { reason, ..event });
        }
    }
}

/// An update is named by what it sets, also if the account was so before.
fn kinds_of(action: &UserAction) -> [Option<AuditEventKind>; 3] {
    let kind = match action {
        UserAction::Update(update) => {
            let email = update.email.as_ref().map(|_| AuditEventKind::EmailChanged);
            let role = update.is_admin.map(|is_admin| match is_admin {
                true => AuditEventKind::AccountPromoted,
                false => AuditEventKind::AccountDemoted,
            });
            let status = update.status.map(|status| match status {
                UserStatus::Approved => AuditEventKind::AccountApproved,
                UserStatus::Pending => AuditEventKind::AccountSetPending,
                _ => AuditEventKind::AccountDisabled,
            });
            return [email, role, status];
        }
        // Nothing has changed before the owner sets the password.
        UserAction::ClaimFirstAdmin => return [None; 3],
        UserAction::SetDisplayName { .. } => AuditEventKind::DisplayNameChanged,
        UserAction::Delete | UserAction::DeleteOwn { .. } | UserAction::DeletePending { .. } => {
            AuditEventKind::AccountDeleted
        }
        UserAction::ResetPassword { .. } => AuditEventKind::PasswordReset,
        UserAction::Rehash { .. } => AuditEventKind::PasswordRehashed,
        UserAction::RevokeTokens { hash: None, .. } => AuditEventKind::TokensRevoked,
        UserAction::RevokeTokens { hash: Some(_), .. } => AuditEventKind::PasswordChanged,
        UserAction::ConfirmEmail { from, to, .. } if from == to => AuditEventKind::EmailVerified,
        UserAction::ConfirmEmail { .. } => AuditEventKind::EmailChanged,
        UserAction::Invite { .. } => AuditEventKind::AccountInvited,
        UserAction::SetFirstPassword { approves: true, .. } => AuditEventKind::InvitationAccepted,
        UserAction::SetFirstPassword { .. } => AuditEventKind::RegistrationCompleted,
    };
    [Some(kind), None, None]
}

/// Reason of a reset after which the owner has to set another password.
const MUST_CHANGE: &str = "must_change";
/// Reason of an account that is added or invited as an admin.
const ADMIN: &str = "admin";

const NEVER_APPROVED: &str = "never_approved";

const UNCONFIRMED: &str = "unconfirmed";
