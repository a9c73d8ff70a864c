//! Audit events: log-ins, changes of accounts, sessions.

mod event;
mod log;
mod store;
mod in_memory;
mod flood;
mod writer;
mod recorder;
mod pending;

pub use event::{AuditActor, AuditEvent, AuditEventKind};
pub use in_memory::InMemoryAuditStore;
pub use log::AuditLog;
pub(crate) use pending::PendingEvents;
pub(crate) use recorder::Audit;
pub use store::AuditStore;
pub use writer::{AuditRetention, AuditWriter};
