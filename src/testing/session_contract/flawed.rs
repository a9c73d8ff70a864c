//! Stores of sessions with one flaw each: the contract catches them all.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::task::yield_now;

use super::session_store_contract;
use crate::accounts::{Rotation, Session, SessionStore, StoreError};
use crate::testing::flaw;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    TimesInSeconds,
    DevicesInAscii,
    SpentNotOpened,
    IdsAnyCase,
    ExpiredStay,
    ExpiredAtTheMomentStay,
    LowerStay,
    OthersGo,
    OthersExpiredStay,
    HigherGo,
    Unbounded,
    OneTooMany,
    OldestGo,
    EverybodysCount,
    CountedEarly,
    ListsAll,
    RotatesBlind,
    RotatesSpent,
    ComparedEarly,
    SpentForgotten,
    SuccessorForgotten,
    ExpiryKept,
    UseForgotten,
    RowWritten,
    RowBrought,
    EndsForAnybody,
    EndsNone,
    EndsSame,
    EndsEverybodys,
    KeepsNone,
    KeptStays,
    KeptOfAnybody,
    KeptOfAnyGeneration,
}

struct Flawed {
    flaw: Flaw,
    rows: Mutex<Vec<Session>>,
}

impl Flawed {
    fn rows(&self) -> MutexGuard<'_, Vec<Session>> {
        self.rows.lock().unwrap()
    }

    /// The rows as they were before everybody else had a turn.
    async fn early(&self) -> Vec<Session> {
        let rows = self.rows().clone();
        yield_now().await;
        rows
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn time(&self, time: SystemTime) -> SystemTime {
        match self.flaw {
            Flaw::TimesInSeconds => {
                UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap().as_secs())
            }
            _ => time,
        }
    }
}

#[async_trait]
impl SessionStore for Flawed {
    async fn open(&self, mut session: Session, most: u32) -> Result<(), StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        session.created_at = self.time(session.created_at);
        if self.is(Flaw::DevicesInAscii) {
            session.device.retain(|letter| letter.is_ascii());
        }
        if self.is(Flaw::SpentNotOpened) {
            session.previous = None;
        }
        rows.retain(|row| {
            let expired = match self.flaw {
                Flaw::ExpiredStay => false,
                Flaw::ExpiredAtTheMomentStay => row.expires_at < session.created_at,
                _ => row.expires_at <= session.created_at,
            };
            let lower = match self.flaw {
                Flaw::LowerStay => false,
                Flaw::HigherGo => row.generation != session.generation,
                _ => row.generation < session.generation,
            };
            let theirs = row.user_id == session.user_id;
            let replaced = lower && (theirs || self.is(Flaw::OthersGo));
            !replaced && !(expired && (theirs || !self.is(Flaw::OthersExpiredStay)))
        });
        let counted = match self.flaw {
            Flaw::CountedEarly => &early,
            _ => &*rows,
        };
        let theirs = counted
            .iter()
            .filter(|row| row.user_id == session.user_id || self.is(Flaw::EverybodysCount));
        let mut theirs: Vec<_> = theirs
            .map(|row| match self.flaw {
                Flaw::OldestGo => (row.created_at, row.id.clone()),
                _ => (row.last_used_at, row.id.clone()),
            })
            .collect();
        theirs.sort();
        let room = match self.flaw {
            Flaw::Unbounded => usize::MAX,
            Flaw::OneTooMany => most as usize,
            _ => most as usize - 1,
        };
        let too_many = theirs.len().saturating_sub(room);
        for (_, id) in theirs.into_iter().take(too_many) {
            rows.retain(|row| row.id != id);
        }
        rows.push(session);
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let rows = self.rows();
        let found = rows.iter().find(|row| match self.flaw {
            Flaw::IdsAnyCase => row.id.eq_ignore_ascii_case(id),
            _ => row.id == id,
        });
        Ok(found.cloned())
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        let mut rows = self.rows().clone();
        rows.retain(|row| row.user_id == user_id || self.is(Flaw::ListsAll));
        Ok(rows)
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        let known = early.iter().find(|row| row.id == id);
        let is_gone = !rows.iter().any(|row| row.id == id);
        if is_gone && self.is(Flaw::RowBrought) {
            rows.extend(known.cloned());
        }
        let Some(row) = rows.iter_mut().find(|row| row.id == id) else {
            return Ok(false);
        };
        let compared = match self.flaw {
            Flaw::ComparedEarly => known.map(|row| row.token),
            Flaw::RotatesBlind => Some(*token),
            Flaw::RotatesSpent if row.previous.is_some_and(|it| it.digest == *token) => {
                Some(*token)
            }
            _ => Some(row.token),
        };
        if compared != Some(*token) {
            return Ok(false);
        }
        let mut rotated = row.clone().rotated(&rotation);
        match self.flaw {
            Flaw::SpentForgotten => rotated.previous = None,
            Flaw::SuccessorForgotten => {
                if let Some(spent) = &mut rotated.previous {
                    spent.successor = [0; 32];
                }
            }
            Flaw::ExpiryKept => rotated.expires_at = row.expires_at,
            Flaw::UseForgotten => rotated.last_used_at = row.last_used_at,
            Flaw::RowWritten => {
                rotated.generation = known.map_or(0, |row| row.generation);
            }
            _ => {}
        }
        *row = rotated;
        Ok(true)
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let before = rows.len();
        rows.retain(|row| {
            let theirs = row.user_id == user_id || self.is(Flaw::EndsForAnybody);
            row.id != id || !theirs
        });
        Ok(rows.len() < before || self.is(Flaw::EndsNone))
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        yield_now().await;
        self.rows().retain_mut(|row| {
            let is_kept = kept == Some(&*row.id) && !self.is(Flaw::KeepsNone);
            let theirs = row.user_id == user_id
                || self.is(Flaw::EndsEverybodys)
                || is_kept && self.is(Flaw::KeptOfAnybody);
            let lower = match self.flaw {
                Flaw::EndsSame => row.generation <= generation,
                _ => row.generation < generation,
            };
            if !theirs || !lower {
                return true;
            }
            let before = row.generation + 1 == generation || self.is(Flaw::KeptOfAnyGeneration);
            if is_kept && before && !self.is(Flaw::KeptStays) {
                row.generation = generation;
            }
            is_kept && before
        });
        Ok(())
    }
}

async fn broken_rule(flaw: Flaw) -> Option<String> {
    let contract = session_store_contract(async || Flawed {
        flaw,
        rows: Mutex::default(),
    });
    flaw::broken_rule(contract).await
}

#[tokio::test]
async fn a_store_without_a_flaw_keeps_the_contract() {
    assert_eq!(broken_rule(Flaw::None).await, None);
}

#[tokio::test]
async fn a_store_with_a_flaw_breaks_the_rule_that_it_is_about() {
    for (flaw, rule) in [
        (Flaw::TimesInSeconds, "to the microsecond"),
        (Flaw::DevicesInAscii, "kept as it was opened"),
        (Flaw::SpentNotOpened, "kept as it was opened"),
        (Flaw::IdsAnyCase, "ids differ by case"),
        (Flaw::ExpiredStay, "that have expired"),
        (Flaw::ExpiredAtTheMomentStay, "that have expired"),
        (Flaw::LowerStay, "of a lower generation"),
        (Flaw::OthersGo, "and no others"),
        (Flaw::OthersExpiredStay, "of any account that have expired"),
        (Flaw::HigherGo, "and no others"),
        (Flaw::Unbounded, "used the longest time ago"),
        (Flaw::OneTooMany, "used the longest time ago"),
        (Flaw::OldestGo, "used the longest time ago"),
        (Flaw::EverybodysCount, "used the longest time ago"),
        (Flaw::CountedEarly, "not more than there may be"),
        (Flaw::ListsAll, "that are its own"),
        (Flaw::RotatesBlind, "knows and no other"),
        (Flaw::RotatesSpent, "knows and no other"),
        (Flaw::ComparedEarly, "who renew one token"),
        (Flaw::SpentForgotten, "is kept as spent"),
        (Flaw::SuccessorForgotten, "with its successor"),
        (Flaw::ExpiryKept, "only the times change"),
        (Flaw::UseForgotten, "only the times change"),
        (Flaw::RowWritten, "both stay"),
        (Flaw::RowBrought, "does not come back"),
        (Flaw::EndsForAnybody, "of its own account"),
        (Flaw::EndsNone, "of its own account"),
        (Flaw::EndsSame, "of a lower generation are ended"),
        (Flaw::EndsEverybodys, "of a lower generation are ended"),
        (Flaw::KeepsNone, "both stay"),
        (Flaw::KeptStays, "both stay"),
        (Flaw::KeptOfAnybody, "and of the account"),
        (Flaw::KeptOfAnyGeneration, "if it is of the one before"),
    ] {
        let broken = broken_rule(flaw).await.unwrap_or_default();
        assert!(broken.contains(rule), "{flaw:?} broke: {broken:?}");
    }
}
