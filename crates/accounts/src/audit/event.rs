//! Audit event, its kind and its author, and its log line.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use tower_warder::private::{AUDIT_TARGET, LogLimit, LogLimits, log_limited};
use tracing::{field, info};

use crate::actor::Actor;
use crate::model::to_rfc3339;

/// Event that matters to an audit: what happened, to which account, by whom and when.
///
/// Each is a log line with the target `tower_warder::audit`, and is passed to the
/// [`AuditLog`](crate::AuditLog) of [`Accounts::audit_log`](crate::Accounts::audit_log), if there is
/// one. The guide [`audit`](crate::docs::audit) has the table of events.
///
/// It contains no text that a client sent: no e-mail address, no password, no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// What happened; in JSON `event`.
    #[serde(rename = "event")]
    pub kind: AuditEventKind,
    /// Author of the event.
    pub actor: AuditActor,
    /// Id of the account, if it exists.
    pub account: Option<i64>,
    /// Id of the session, for events of a session.
    pub session: Option<String>,
    /// Code of the reason: one of a fixed set.
    pub reason: Option<Cow<'static, str>>,
    /// Network address of the client whose request caused the event. `None` for the command line, for
    /// work in the background, and for requests without
    /// [`ConnectInfo`](axum::extract::ConnectInfo). See
    /// [`Accounts::trusted_proxies`](crate::Accounts::trusted_proxies).
    pub address: Option<IpAddr>,
    /// Time of the event, in whole microseconds; in JSON in the format of RFC 3339, in UTC with `Z`.
    #[serde(serialize_with = "to_rfc3339")]
    pub at: SystemTime,
}

impl AuditEvent {
    /// Creates an event without an account, a session, a reason or an address.
    pub const fn new(kind: AuditEventKind, actor: AuditActor, at: SystemTime) -> Self {
        Self {
            kind,
            actor,
            account: None,
            session: None,
            reason: None,
            address: None,
            at,
        }
    }

    pub(super) fn log(&self, limits: &Limits) {
        let (event, actor, account) = (self.kind.as_str(), self.actor.to_string(), self.account);
        let (session, reason) = (self.session.as_deref(), self.reason.as_deref());
        let address = self.address.map(field::display);
        macro_rules! limited {
            ($limit:expr, $level:ident) => {
                log_limited!(
                    $limit,
                    $level,
                    target: AUDIT_TARGET,
                    event,
                    actor,
                    account,
                    session,
                    reason,
                    address
                )
            };
        }
        match self.kind {
            AuditEventKind::LoginFailed => limited!(limits.failed.of((account, reason)), info),
            AuditEventKind::OperationVetoed => limited!(limits.vetoed.of((account, reason)), info),
            AuditEventKind::OneTimeTokenRejected => {
                limited!(limits.rejected_tokens.of((account, reason)), info);
            }
            AuditEventKind::AccountRegistered => limited!(limits.registered, info),
            AuditEventKind::PasswordResetMailed | AuditEventKind::RegistrationMailed => {
                limited!(limits.mailed, info)
            }
            AuditEventKind::RefreshTokenReused => limited!(limits.reused.of(session), warn),
            _ => info!(target: AUDIT_TARGET, event, actor, account, session, reason, address),
        }
    }
}

/// Rate limits of what anonymous clients can cause, for each cause: otherwise they could fill the log.
#[derive(Debug, Default)]
pub(super) struct Limits {
    failed: LogLimits,
    vetoed: LogLimits,
    rejected_tokens: LogLimits,
    registered: LogLimit,
    mailed: LogLimit,
    reused: LogLimits,
}

/// The kinds, each with its stable name.
macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident = $name:literal;)+) => {
        /// What happened in an [`AuditEvent`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AuditEventKind {
            $($(#[$meta])* $kind,)+
        }

        impl AuditEventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Returns the name of the kind, which no version changes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// Returns the kind with this name, if this version knows it.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }
        }
    };
}

kinds! {
    /// The password was correct and the account is approved.
    LoginSucceeded = "login_succeeded";
    /// A log-in was rejected.
    LoginFailed = "login_failed";
    /// An account was added.
    AccountRegistered = "account_registered";
    /// The new account became the first admin.
    FirstAdminCreated = "first_admin_created";
    /// An account of another system was added, with its hash.
    AccountImported = "account_imported";
    /// The status was set to approved.
    AccountApproved = "account_approved";
    /// The status was set to disabled.
    AccountDisabled = "account_disabled";
    /// The status was set to pending.
    AccountSetPending = "account_set_pending";
    /// The account was made an admin.
    AccountPromoted = "account_promoted";
    /// The account was made a normal user.
    AccountDemoted = "account_demoted";
    /// The e-mail address was set.
    EmailChanged = "email_changed";
    /// The owner set or removed the display name.
    DisplayNameChanged = "display_name_changed";
    /// The owner has requested a change of the address.
    EmailChangeRequested = "email_change_requested";
    /// The owner has confirmed the address by a link.
    EmailVerified = "email_verified";
    /// The account was deleted.
    AccountDeleted = "account_deleted";
    /// The owner got what is stored about the account.
    DataExported = "data_exported";
    /// An admin set a new password.
    PasswordReset = "password_reset";
    /// A one-time token for a link was created, with which a new password can be set.
    PasswordResetLinkCreated = "password_reset_link_created";
    /// A one-time token for a new password was sent to the owner, at the request of a client.
    PasswordResetMailed = "password_reset_mailed";
    /// A new password was set by a one-time token.
    PasswordResetByLink = "password_reset_by_link";
    /// A one-time token was rejected.
    OneTimeTokenRejected = "one_time_token_rejected";
    /// The owner of an address was invited.
    AccountInvited = "account_invited";
    /// The owner of an account that was invited set its password, which approved it.
    InvitationAccepted = "invitation_accepted";
    /// A link was sent to an address, at the request of a client, for a registration by mail.
    RegistrationMailed = "registration_mailed";
    /// The owner of an address set the password at the end of a registration by mail.
    RegistrationCompleted = "registration_completed";
    /// The owner changed the password.
    PasswordChanged = "password_changed";
    /// The hash was replaced by one with the current parameters, at a log-in.
    PasswordRehashed = "password_rehashed";
    /// All tokens and sessions of the account were revoked.
    TokensRevoked = "tokens_revoked";
    /// Code of the application rejected an operation; the reason names it.
    OperationVetoed = "operation_vetoed";
    /// A log-in opened a session.
    SessionOpened = "session_opened";
    /// A session was ended.
    SessionEnded = "session_ended";
    /// A refresh token was used again after its rotation: it may have been stolen.
    RefreshTokenReused = "refresh_token_reused";
}

/// Author of an [`AuditEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditActor {
    /// A client that is not logged in.
    Anonymous,
    /// The account with this id: an admin, or the owner.
    Account(i64),
    /// The application itself, for example its command line.
    System,
}

impl Serialize for AuditEventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl AuditActor {
    /// Returns the author with this text: what its `Display` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "anonymous" => Some(Self::Anonymous),
            "system" => Some(Self::System),
            id => id.parse().ok().map(Self::Account),
        }
    }
}

impl Serialize for AuditActor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Actor> for AuditActor {
    fn from(actor: Actor) -> Self {
        actor.id().map_or(Self::System, Self::Account)
    }
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Account(id) => id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}
