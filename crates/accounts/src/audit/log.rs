//! Receiver of audit events.

use super::event::AuditEvent;

/// Receiver of [`AuditEvent`]s, such as a log of the application. A closure that takes an
/// `&AuditEvent` is one.
///
/// Unlike the log lines, the calls are not rate-limited: anyone can cause a
/// [`LoginFailed`](crate::AuditEventKind::LoginFailed).
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
