//! Limit of stored events that anonymous clients can cause.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::event::{AuditEvent, AuditEventKind};

/// Admits ten events a minute of each cause, which is the reason and the account. There are 64 counters,
/// some of which serve several causes: so at most 640 events a minute, however many accounts are
/// attacked.
pub(super) struct FloodLimit {
    /// In each the minute, and the number of events in it.
    counters: [AtomicU64; COUNTERS],
    // Random, so that nobody chooses accounts that share a counter.
    hasher: RandomState,
}

impl FloodLimit {
    pub(super) fn new() -> Self {
        Self {
            counters: [const { AtomicU64::new(0) }; COUNTERS],
            hasher: RandomState::new(),
        }
    }

    /// Counts an event. Returns `true` if it is to be stored.
    pub(super) fn admits(&self, event: &AuditEvent) -> bool {
        // Each of the others is bounded by something else, such as an account that was added or a
        // password that was known.
        if !matches!(
            event.kind,
            AuditEventKind::LoginFailed
                | AuditEventKind::OneTimeTokenRejected
                | AuditEventKind::OperationVetoed
                | AuditEventKind::RefreshTokenReused
        ) {
            return true;
        }
        let since = event.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let minute = since.as_secs() / 60;
        let cause = (event.kind, event.account, event.reason.as_deref());
        let index = self.hasher.hash_one(cause) % COUNTERS as u64;
        let counter = usize::try_from(index).ok();
        let Some(counter) = counter.and_then(|index| self.counters.get(index)) else {
            return false;
        };
        let count = |state: u64| {
            let (then, count) = (state >> COUNT_BITS, state & MAX_COUNT);
            match then == minute {
                true if count >= PER_MINUTE => None,
                true => Some(state + 1),
                false => Some((minute << COUNT_BITS) | 1),
            }
        };
        counter
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .is_ok()
    }
}

const COUNTERS: usize = 64;
const PER_MINUTE: u64 = 10;
const COUNT_BITS: u32 = 8;
const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audit::AuditActor;

    fn failed(account: Option<i64>, reason: &'static str, seconds: u64) -> AuditEvent {
        let at = UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds);
        AuditEvent {
            account,
            reason: Some(reason.into()),
            ..AuditEvent::new(AuditEventKind::LoginFailed, AuditActor::Anonymous, at)
        }
    }

    fn admitted(limit: &FloodLimit, events: impl Iterator<Item = AuditEvent>) -> usize {
        events.filter(|event| limit.admits(event)).count()
    }

    #[test]
    fn ten_events_of_a_cause_are_admitted_in_a_minute() {
        let limit = FloodLimit::new();
        let one =
            |minute: u64| (0..1000).map(move |_| failed(Some(7), "wrong_password", minute * 60));
        assert_eq!(admitted(&limit, one(0)), 10);
        assert_eq!(admitted(&limit, one(1)), 10);
        // A clock that was set back.
        assert_eq!(admitted(&limit, one(0)), 10);
    }

    #[test]
    fn events_of_all_causes_are_limited() {
        let limit = FloodLimit::new();
        let all = (0..100_000).map(|account| failed(Some(account), "wrong_password", 0));
        assert_eq!(admitted(&limit, all), 640);
    }

    #[test]
    fn events_that_anonymous_clients_cannot_cause_are_admitted() {
        let limit = FloodLimit::new();
        for kind in AuditEventKind::ALL {
            let event = AuditEvent {
                kind: *kind,
                ..failed(Some(7), "", 0)
            };
            let is_limited = admitted(&limit, (0..1000).map(|_| event.clone())) < 1000;
            let is_anonymous = [
                "login_failed",
                "one_time_token_rejected",
                "operation_vetoed",
                "refresh_token_reused",
            ]
            .contains(&kind.as_str());
            assert_eq!(is_limited, is_anonymous, "{kind:?}");
        }
    }
}
