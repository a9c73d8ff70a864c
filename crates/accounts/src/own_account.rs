//! What the owner of an account does with it: display name, deletion and export.

use serde::Serialize;

use super::actor::Actor;
use super::audit::{AuditActor, AuditEvent, AuditEventKind};
use super::display_name::DisplayName;
use super::error::AccountError;
use super::model::{User, UserPublic};
use super::service::{ALL_GENERATIONS, Accounts};
use super::session::SessionPublic;
use super::store::AccountStore;
use super::user_change::UserAction;

/// Operations of the owner of an account. Deletion and export are confirmed by the password: a stolen
/// token or cookie is not enough.
impl<S: AccountStore> Accounts<S> {
    /// Sets the display name on behalf of the account's owner, or removes it, and returns the account.
    ///
    /// `user` is the caller, as the request was authorized. What changes nothing is not limited.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::TokensRevoked`] if the account was disabled or
    /// deleted meanwhile, or its tokens were revoked; [`AccountError::Unavailable`].
    pub async fn set_display_name(
        &self,
        user: &User,
        name: Option<DisplayName>,
    ) -> Result<User, AccountError> {
        let stored = self.current_owner(user).await?;
        if stored.display_name.as_deref() == name.as_ref().map(DisplayName::as_str) {
            return Ok(stored);
        }
        let attempt = self.begin_display_name(&stored).await?;
        let generation = user.token_generation;
        let action = UserAction::SetDisplayName { generation, name };
        match self.change(user.id, action, Actor::System).await {
            // A change stays counted: each is a write and an audit event.
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(AccountError::TokensRevoked),
            Err(error) => Self::settle(attempt, Err(error.into())).await,
        }
    }

    /// Deletes the account on behalf of its owner, and ends its sessions. Its address can be registered
    /// again at once; its ID is never reused.
    ///
    /// `user` is the caller, as the request was authorized.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::WrongPassword`]; [`AccountError::LastAdmin`];
    /// [`AccountError::TokensRevoked`] if the account was disabled or deleted meanwhile, or its tokens
    /// were revoked; [`AccountError::Vetoed`]; [`AccountError::Unavailable`].
    #[doc(alias = "erasure")]
    pub async fn delete_own(&self, user: &User, password: &str) -> Result<(), AccountError> {
        self.confirmed_owner(user, password).await?;
        let generation = user.token_generation;
        let action = UserAction::DeleteOwn { generation };
        self.change(user.id, action, Actor::System).await?;
        self.end_sessions_before(user.id, ALL_GENERATIONS, None)
            .await;
        Ok(())
    }

    /// Returns what is stored about the account, on behalf of its owner. `session` is that of the caller.
    ///
    /// Events have the network addresses of the owner and of clients that are not logged in, and not
    /// those of admins. There are at most 5000 of them, the newest.
    ///
    /// # Errors
    ///
    /// [`AccountError::TooManyAttempts`]; [`AccountError::WrongPassword`];
    /// [`AccountError::TokensRevoked`]; [`AccountError::Unavailable`].
    #[doc(alias = "portability")]
    pub async fn export_own(
        &self,
        user: &User,
        password: &str,
        session: Option<&str>,
    ) -> Result<AccountExport, AccountError> {
        let stored = self.confirmed_owner(user, password).await?;
        let sessions = match self.has_sessions() {
            true => Some(self.list_sessions(&stored).await?),
            false => None,
        };
        let events = match self.has_audit_store() {
            true => Some(self.list_events(user.id, MAX_EVENTS).await?),
            false => None,
        };
        let actor = AuditActor::Account(user.id);
        let event = self
            .audit
            .event(AuditEventKind::DataExported, actor, Some(user.id));
        self.audit.record(&event);
        Ok(AccountExport {
            account: UserPublic::from(&stored),
            sessions: sessions.map(|sessions| {
                let public = |it| SessionPublic::new(it, session);
                sessions.into_iter().map(public).collect()
            }),
            events: events.map(|events| {
                let shown = |it| without_address_of_others(it, actor);
                events.into_iter().map(shown).collect()
            }),
        })
    }

    /// Returns the account as it is stored, if the password is that of its owner.
    async fn confirmed_owner(&self, user: &User, password: &str) -> Result<User, AccountError> {
        let stored = self.current_owner(user).await?;
        self.check_current_password(&stored, password).await?;
        Ok(stored)
    }
}

/// Addresses of admins are data of theirs.
fn without_address_of_others(event: AuditEvent, owner: AuditActor) -> AuditEvent {
    match event.actor == owner || event.actor == AuditActor::Anonymous {
        true => event,
        false => AuditEvent {
            address: None,
            ..event
        },
    }
}

/// What is stored about an account, for its owner.
///
/// It has neither a hash nor a token.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountExport {
    /// The account.
    pub account: UserPublic,
    /// Its sessions; absent if there are [none](Accounts::sessions).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionPublic>>,
    /// Its events, newest first; absent if they are not [stored](Accounts::audit_store).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<AuditEvent>>,
}

/// More than the [default](crate::AuditRetention) leaves of an account.
const MAX_EVENTS: u32 = 5000;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn addresses_of_admins_are_left_out() {
        let address = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        for (actor, is_kept) in [
            (AuditActor::Account(7), true),
            (AuditActor::Anonymous, true),
            (AuditActor::Account(1), false),
            (AuditActor::System, false),
        ] {
            let event = AuditEvent {
                address,
                ..AuditEvent::new(AuditEventKind::PasswordReset, actor, UNIX_EPOCH)
            };
            let shown = without_address_of_others(event.clone(), AuditActor::Account(7));
            assert_eq!(shown.address.is_some(), is_kept, "{actor:?}");
            assert_eq!(AuditEvent { address, ..shown }, event);
        }
    }
}
