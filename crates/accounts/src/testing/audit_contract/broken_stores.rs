//! Stores of audit events with one defect each: the contract detects them all.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::task::yield_now;

use super::audit_store_contract;
use crate::testing::defect;
use crate::{AuditEvent, AuditEventKind, AuditStore, InMemoryAuditStore, StoreError};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    AddressLost,
    ReasonLost,
    SessionLost,
    OldestFirst,
    InOrderOfAddition,
    ListsAll,
    Unlimited,
    Unbounded,
    BoundedTogether,
    OneTooFew,
    DeletesAll,
    DeletesAtTheMoment,
    DeletesWithoutLimit,
    EveryEventIsALogin,
    LastLoginSetBack,
    LastLoginDeletedWithEvent,
    LastLoginStays,
    EventsDeletedWithAccount,
    SecondLost,
}

struct BrokenStore {
    defect: Defect,
    inner: InMemoryAuditStore,
    logins: InMemoryAuditStore,
}

impl BrokenStore {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

const FAR: u32 = 10_000;

#[async_trait]
impl AuditStore for BrokenStore {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        let mut events = events.to_vec();
        if self.is(Defect::SecondLost) {
            let before = self.inner.list_events(7, FAR).await?.len();
            yield_now().await;
            if self.inner.list_events(7, FAR).await?.len() != before {
                return Ok(());
            }
        }
        for event in &mut events {
            match self.defect {
                Defect::AddressLost => event.address = None,
                Defect::ReasonLost => event.reason = None,
                Defect::SessionLost => event.session = None,
                _ => {}
            }
        }
        let mut logins = events.clone();
        for event in &mut logins {
            match (self.defect, event.kind) {
                (Defect::EveryEventIsALogin, _) => event.kind = AuditEventKind::LoginSucceeded,
                (Defect::LastLoginStays, AuditEventKind::AccountDeleted) => {
                    event.kind = AuditEventKind::AccountDisabled;
                }
                (Defect::LastLoginSetBack, AuditEventKind::LoginSucceeded) => {
                    let deleted = AuditEvent {
                        kind: AuditEventKind::AccountDeleted,
                        ..event.clone()
                    };
                    self.logins.append(&[deleted], FAR).await?;
                }
                _ => {}
            }
        }
        self.logins.append(&logins, FAR).await?;
        let max = match self.defect {
            Defect::Unbounded => FAR,
            Defect::OneTooFew => max_per_kind - 1,
            _ => max_per_kind,
        };
        if self.is(Defect::BoundedTogether) && max < 100 {
            for event in &mut events {
                event.kind = AuditEventKind::LoginFailed;
            }
        }
        self.inner.append(&events, max).await?;
        if self.is(Defect::EventsDeletedWithAccount)
            && events
                .iter()
                .any(|it| it.kind == AuditEventKind::AccountDeleted)
        {
            let all = SystemTime::now();
            self.inner.delete_before(all, FAR).await?;
        }
        Ok(())
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let is_of_any = self.is(Defect::ListsAll);
        let mut events = self.inner.list_events(account, FAR).await?;
        if is_of_any {
            events.extend(self.inner.list_events(8, FAR).await?);
        }
        match self.defect {
            Defect::OldestFirst => events.reverse(),
            // Of the same time, the first one first.
            Defect::InOrderOfAddition => {
                events.reverse();
                events.sort_by_key(|event| Reverse(event.at));
            }
            _ => {}
        }
        if !self.is(Defect::Unlimited) {
            events.truncate(limit as usize);
        }
        Ok(events)
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        let mut logins = self.logins.last_logins(accounts).await?;
        if self.is(Defect::LastLoginDeletedWithEvent) {
            for account in accounts {
                if self.inner.list_events(*account, FAR).await?.is_empty() {
                    logins.remove(account);
                }
            }
        }
        Ok(logins)
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        let (time, limit) = match self.defect {
            Defect::DeletesAll => (SystemTime::now(), limit),
            Defect::DeletesAtTheMoment => (time + Duration::from_micros(1), limit),
            Defect::DeletesWithoutLimit => (time, FAR),
            _ => (time, limit),
        };
        self.inner.delete_before(time, limit).await
    }
}

#[tokio::test]
async fn contract_detects_every_defect() {
    let broken = async |defect| {
        let make = async || BrokenStore {
            defect,
            inner: InMemoryAuditStore::new(),
            logins: InMemoryAuditStore::new(),
        };
        defect::broken_rule(audit_store_contract(make)).await
    };
    assert_eq!(broken(Defect::None).await, None);
    for (defect, rule) in [
        (Defect::AddressLost, "as it was added"),
        (Defect::ReasonLost, "as it was added"),
        (Defect::SessionLost, "as it was added"),
        (Defect::OldestFirst, "as it was added"),
        (Defect::InOrderOfAddition, "the last one first"),
        (Defect::ListsAll, "the last one first"),
        (Defect::Unlimited, "than the limit"),
        (Defect::Unbounded, "of each kind are kept"),
        (Defect::BoundedTogether, "of each kind are kept"),
        (Defect::OneTooFew, "of each kind are kept"),
        (Defect::SecondLost, "all stored"),
        (Defect::DeletesAll, "from before the time"),
        (Defect::DeletesAtTheMoment, "from before the time"),
        (Defect::DeletesWithoutLimit, "from before the time"),
        (Defect::EveryEventIsALogin, "only log-ins count"),
        (Defect::LastLoginSetBack, "last"),
        (
            Defect::LastLoginDeletedWithEvent,
            "stays when its event is deleted",
        ),
        (Defect::LastLoginStays, "removed with the account"),
        (Defect::EventsDeletedWithAccount, "as it was added"),
    ] {
        let found = broken(defect).await;
        let found = found.unwrap_or_else(|| panic!("not detected: {defect:?}"));
        assert!(found.contains(rule), "{defect:?}: {found}");
    }
}
