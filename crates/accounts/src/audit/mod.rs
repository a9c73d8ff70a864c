//! Audit events: log-ins, changes of accounts, sessions.

mod event;
mod recorder;
mod pending;

pub use event::{AuditActor, AuditEvent, AuditEventKind};
pub(crate) use recorder::Audit;
pub use recorder::AuditLog;
