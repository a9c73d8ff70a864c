//! Recorder of audit events: the log, the receiver of the application, and the store.

use std::net::IpAddr;
use std::sync::Arc;

use tower_warder::clock::Clock;

use super::event::{AuditActor, AuditEvent, AuditEventKind, Limits};
use super::log::AuditLog;
use super::writer::AuditWriter;
use crate::model::whole_micros;

/// Where the events of the accounts go.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    pub(crate) log: Option<Arc<dyn AuditLog>>,
    pub(crate) writer: Option<AuditWriter>,
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
        if let Some(writer) = &self.writer {
            writer.record(event);
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

    pub(crate) const fn actor(&self, actor: AuditActor) -> AuditActor {
        match self.is_system {
            true => AuditActor::System,
            false => actor,
        }
    }
}
