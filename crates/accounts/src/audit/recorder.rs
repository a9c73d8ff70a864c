//! Recorder of audit events: the log, and the receiver of the application.

use std::net::IpAddr;
use std::sync::Arc;

use tower_warder::clock::Clock;

use super::event::{AuditActor, AuditEvent, AuditEventKind, Limits};
use crate::model::whole_micros;

/// Receiver of [`AuditEvent`]s, such as a table of the application. A closure that takes an
/// `&AuditEvent` is one.
///
/// Unlike the log lines, the calls are not rate-limited: anyone can cause a
/// [`LoginFailed`](AuditEventKind::LoginFailed).
pub trait AuditLog: Send + Sync + 'static {
    /// Receives an event, after the store has made the change. The request waits for it: put the
    /// event into a bounded queue, and write it elsewhere. Must not panic.
    fn record(&self, event: &AuditEvent);
}

impl<F: Fn(&AuditEvent) + Send + Sync + 'static> AuditLog for F {
    fn record(&self, event: &AuditEvent) {
        self(event);
    }
}

/// Where the events of the accounts go.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    pub(crate) log: Option<Arc<dyn AuditLog>>,
    pub(crate) clock: Clock,
    /// `true` if the application itself is the client.
    pub(crate) is_system: bool,
    /// Address of the client, in operations of its request.
    pub(crate) address: Option<IpAddr>,
    limits: Arc<Limits>,
}

impl Audit {
    /// Logs an event, and passes it on.
    pub(crate) fn record(&self, event: &AuditEvent) {
        event.log(&self.limits);
        if let Some(log) = &self.log {
            log.record(event);
        }
    }

    /// Returns an event of an account, with the present time.
    pub(crate) fn event(
        &self,
        kind: AuditEventKind,
        actor: AuditActor,
        account: Option<i64>,
    ) -> AuditEvent {
        AuditEvent {
            account,
            address: self.address,
            ..AuditEvent::new(kind, self.actor(actor), whole_micros(self.clock.now()))
        }
    }

    const fn actor(&self, actor: AuditActor) -> AuditActor {
        match self.is_system {
            true => AuditActor::System,
            false => actor,
        }
    }
}
