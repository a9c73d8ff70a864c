//! Session stores with one defect each: the contract detects them all.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::task::yield_now;

use super::session_store_contract;
use crate::testing::defect;
use crate::{Rotation, Session, SessionStore, StoreError};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    TimesInSeconds,
    DevicesInAscii,
    PreviousTokenNotOpened,
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
    AllAccountsCounted,
    CountedEarly,
    ListsAll,
    RotatesBlind,
    RotatesPreviousToken,
    ComparedEarly,
    PreviousTokenLost,
    SuccessorLost,
    ExpiryKept,
    LastUseNotWritten,
    RowWritten,
    RowRestored,
    EndsOfAnyAccount,
    EndsNone,
    EndsSame,
    RevokesAllAccounts,
    KeepsNone,
    KeptStays,
    KeptOfAnyAccount,
    KeptOfAnyGeneration,
}

struct BrokenStore {
    defect: Defect,
    rows: Mutex<Vec<Session>>,
}

impl BrokenStore {
    fn rows(&self) -> MutexGuard<'_, Vec<Session>> {
        self.rows.lock().unwrap()
    }

    /// Returns the rows as they were before other tasks ran.
    async fn early(&self) -> Vec<Session> {
        let rows = self.rows().clone();
        yield_now().await;
        rows
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn time(&self, time: SystemTime) -> SystemTime {
        match self.defect {
            Defect::TimesInSeconds => {
                UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap().as_secs())
            }
            _ => time,
        }
    }
}

#[async_trait]
impl SessionStore for BrokenStore {
    async fn open(&self, mut session: Session, most: u32) -> Result<(), StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        session.created_at = self.time(session.created_at);
        if self.is(Defect::DevicesInAscii) {
            session.device.retain(|letter| letter.is_ascii());
        }
        if self.is(Defect::PreviousTokenNotOpened) {
            session.previous = None;
        }
        rows.retain(|row| {
            let expired = match self.defect {
                Defect::ExpiredStay => false,
                Defect::ExpiredAtTheMomentStay => row.expires_at < session.created_at,
                _ => row.expires_at <= session.created_at,
            };
            let lower = match self.defect {
                Defect::LowerStay => false,
                Defect::HigherGo => row.generation != session.generation,
                _ => row.generation < session.generation,
            };
            let theirs = row.user_id == session.user_id;
            let replaced = lower && (theirs || self.is(Defect::OthersGo));
            !replaced && !(expired && (theirs || !self.is(Defect::OthersExpiredStay)))
        });
        let counted = match self.defect {
            Defect::CountedEarly => &early,
            _ => &*rows,
        };
        let theirs = counted
            .iter()
            .filter(|row| row.user_id == session.user_id || self.is(Defect::AllAccountsCounted));
        let mut theirs: Vec<_> = theirs
            .map(|row| match self.defect {
                Defect::OldestGo => (row.created_at, row.id.clone()),
                _ => (row.last_used_at, row.id.clone()),
            })
            .collect();
        theirs.sort();
        let free = match self.defect {
            Defect::Unbounded => usize::MAX,
            Defect::OneTooMany => most as usize,
            _ => most as usize - 1,
        };
        let too_many = theirs.len().saturating_sub(free);
        for (_, id) in theirs.into_iter().take(too_many) {
            rows.retain(|row| row.id != id);
        }
        rows.push(session);
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let rows = self.rows();
        let found = rows.iter().find(|row| match self.defect {
            Defect::IdsAnyCase => row.id.eq_ignore_ascii_case(id),
            _ => row.id == id,
        });
        Ok(found.cloned())
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        let mut rows = self.rows().clone();
        rows.retain(|row| row.user_id == user_id || self.is(Defect::ListsAll));
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
        if is_gone && self.is(Defect::RowRestored) {
            rows.extend(known.cloned());
        }
        let Some(row) = rows.iter_mut().find(|row| row.id == id) else {
            return Ok(false);
        };
        let compared = match self.defect {
            Defect::ComparedEarly => known.map(|row| row.token),
            Defect::RotatesBlind => Some(*token),
            Defect::RotatesPreviousToken if row.previous.is_some_and(|it| it.digest == *token) => {
                Some(*token)
            }
            _ => Some(row.token),
        };
        if compared != Some(*token) {
            return Ok(false);
        }
        let mut rotated = row.clone().rotated(&rotation);
        match self.defect {
            Defect::PreviousTokenLost => rotated.previous = None,
            Defect::SuccessorLost => {
                if let Some(spent) = &mut rotated.previous {
                    spent.successor = [0; 32];
                }
            }
            Defect::ExpiryKept => rotated.expires_at = row.expires_at,
            Defect::LastUseNotWritten => rotated.last_used_at = row.last_used_at,
            Defect::RowWritten => {
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
            let theirs = row.user_id == user_id || self.is(Defect::EndsOfAnyAccount);
            row.id != id || !theirs
        });
        Ok(rows.len() < before || self.is(Defect::EndsNone))
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        yield_now().await;
        self.rows().retain_mut(|row| {
            let is_kept = kept == Some(&*row.id) && !self.is(Defect::KeepsNone);
            let theirs = row.user_id == user_id
                || self.is(Defect::RevokesAllAccounts)
                || is_kept && self.is(Defect::KeptOfAnyAccount);
            let lower = match self.defect {
                Defect::EndsSame => row.generation <= generation,
                _ => row.generation < generation,
            };
            if !theirs || !lower {
                return true;
            }
            let before = row.generation + 1 == generation || self.is(Defect::KeptOfAnyGeneration);
            if is_kept && before && !self.is(Defect::KeptStays) {
                row.generation = generation;
            }
            is_kept && before
        });
        Ok(())
    }
}

async fn broken_rule(defect: Defect) -> Option<String> {
    let contract = session_store_contract(async || BrokenStore {
        defect,
        rows: Mutex::default(),
    });
    defect::broken_rule(contract).await
}

#[tokio::test]
async fn correct_store_passes_the_contract() {
    assert_eq!(broken_rule(Defect::None).await, None);
}

#[tokio::test]
async fn broken_store_fails_the_rule_of_its_defect() {
    for (defect, rule) in [
        (Defect::TimesInSeconds, "to the microsecond"),
        (Defect::DevicesInAscii, "kept as it was opened"),
        (Defect::PreviousTokenNotOpened, "kept as it was opened"),
        (Defect::IdsAnyCase, "ids differ by case"),
        (Defect::ExpiredStay, "that have expired"),
        (Defect::ExpiredAtTheMomentStay, "that have expired"),
        (Defect::LowerStay, "of a lower generation"),
        (Defect::OthersGo, "and no others"),
        (
            Defect::OthersExpiredStay,
            "of any account that have expired",
        ),
        (Defect::HigherGo, "and no others"),
        (Defect::Unbounded, "used the longest time ago"),
        (Defect::OneTooMany, "used the longest time ago"),
        (Defect::OldestGo, "used the longest time ago"),
        (Defect::AllAccountsCounted, "used the longest time ago"),
        (Defect::CountedEarly, "not more than there may be"),
        (Defect::ListsAll, "that are its own"),
        (Defect::RotatesBlind, "expects and no other"),
        (Defect::RotatesPreviousToken, "expects and no other"),
        (Defect::ComparedEarly, "that renew one token"),
        (Defect::PreviousTokenLost, "is kept as spent"),
        (Defect::SuccessorLost, "with its successor"),
        (Defect::ExpiryKept, "only the times change"),
        (Defect::LastUseNotWritten, "only the times change"),
        (Defect::RowWritten, "both stay"),
        (Defect::RowRestored, "does not come back"),
        (Defect::EndsOfAnyAccount, "of its own account"),
        (Defect::EndsNone, "of its own account"),
        (Defect::EndsSame, "of a lower generation are ended"),
        (
            Defect::RevokesAllAccounts,
            "of a lower generation are ended",
        ),
        (Defect::KeepsNone, "both stay"),
        (Defect::KeptStays, "both stay"),
        (Defect::KeptOfAnyAccount, "and of the account"),
        (Defect::KeptOfAnyGeneration, "if it is of the one before"),
    ] {
        let broken = broken_rule(defect).await.unwrap_or_default();
        assert!(broken.contains(rule), "{defect:?} broke: {broken:?}");
    }
}
