//! Stores of one-time tokens with one defect each: the contract detects them all.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::task::yield_now;

use super::one_time_token_store_contract;
use crate::testing::defect;
use crate::{OneTimeToken, OneTimeTokenStore, StoreError, TokenPurpose};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    TimesInSeconds,
    CreatorLost,
    FindTakes,
    FindsAnyPurpose,
    TakesAnyPurpose,
    TakenEarly,
    TakenStays,
    TakesAllOfTheAccount,
    ExpiredStay,
    ExpiredAtTheMomentStay,
    ExpiredOfOthersStay,
    LiveGo,
    Unbounded,
    OneTooMany,
    NewestGo,
    FirstToExpireGo,
    AllAccountsCounted,
    AllPurposesCounted,
    CountedEarly,
}

struct BrokenStore {
    defect: Defect,
    rows: Mutex<Vec<OneTimeToken>>,
}

impl BrokenStore {
    fn rows(&self) -> MutexGuard<'_, Vec<OneTimeToken>> {
        self.rows.lock().unwrap()
    }

    /// Returns the rows as they were before other tasks ran.
    async fn early(&self) -> Vec<OneTimeToken> {
        let rows = self.rows().clone();
        yield_now().await;
        rows
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

#[async_trait]
impl OneTimeTokenStore for BrokenStore {
    async fn add(&self, mut token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        if self.is(Defect::TimesInSeconds) {
            let since = token.created_at.duration_since(UNIX_EPOCH).unwrap();
            token.created_at = UNIX_EPOCH + Duration::from_secs(since.as_secs());
        }
        if self.is(Defect::CreatorLost) {
            token.created_by = None;
        }
        rows.retain(|row| match self.defect {
            Defect::ExpiredStay => true,
            Defect::ExpiredAtTheMomentStay => row.expires_at >= token.created_at,
            Defect::ExpiredOfOthersStay if row.user_id != token.user_id => true,
            Defect::LiveGo => row.created_at >= token.created_at,
            _ => row.expires_at > token.created_at,
        });
        let counted = match self.defect {
            Defect::CountedEarly => &early,
            _ => &*rows,
        };
        let theirs = counted.iter().filter(|row| {
            (row.user_id == token.user_id || self.is(Defect::AllAccountsCounted))
                && (row.purpose == token.purpose || self.is(Defect::AllPurposesCounted))
        });
        let mut theirs: Vec<_> = theirs
            .map(|row| match self.defect {
                Defect::FirstToExpireGo => (row.expires_at, row.digest),
                _ => (row.created_at, row.digest),
            })
            .collect();
        theirs.sort_unstable();
        if self.is(Defect::NewestGo) {
            theirs.reverse();
        }
        let free = match self.defect {
            Defect::Unbounded => usize::MAX,
            Defect::OneTooMany => most as usize,
            _ => most as usize - 1,
        };
        let too_many = theirs.len().saturating_sub(free);
        for (_, digest) in theirs.into_iter().take(too_many) {
            rows.retain(|row| row.digest != digest);
        }
        rows.push(token);
        Ok(())
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let mut rows = self.rows();
        let found = rows.iter().position(|row| {
            row.digest == *digest && (row.purpose == purpose || self.is(Defect::FindsAnyPurpose))
        });
        Ok(match found {
            Some(index) if self.is(Defect::FindTakes) => Some(rows.remove(index)),
            Some(index) => Some(rows[index].clone()),
            None => None,
        })
    }

    async fn take(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        let compared = match self.defect {
            Defect::TakenEarly => &early,
            _ => &*rows,
        };
        let found = compared.iter().find(|row| {
            row.digest == *digest && (row.purpose == purpose || self.is(Defect::TakesAnyPurpose))
        });
        let found = found.cloned();
        if let Some(found) = &found
            && !self.is(Defect::TakenStays)
        {
            rows.retain(|row| match self.defect {
                Defect::TakesAllOfTheAccount => row.user_id != found.user_id,
                _ => row.digest != found.digest,
            });
        }
        Ok(found)
    }
}

async fn broken_rule(defect: Defect) -> Option<String> {
    let contract = one_time_token_store_contract(async || BrokenStore {
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
        (Defect::CreatorLost, "kept as it was added"),
        (Defect::FindTakes, "kept as it was added"),
        (Defect::FindsAnyPurpose, "for its own purpose only"),
        (Defect::TakesAnyPurpose, "for its own purpose only"),
        (Defect::TakenEarly, "at the same moment one gets it"),
        (Defect::TakenStays, "at the same moment one gets it"),
        (Defect::TakesAllOfTheAccount, "no other token goes"),
        (Defect::ExpiredStay, "that have expired"),
        (Defect::ExpiredAtTheMomentStay, "that have expired"),
        (Defect::ExpiredOfOthersStay, "that have expired"),
        (Defect::LiveGo, "none that live"),
        (Defect::Unbounded, "that were created first"),
        (Defect::OneTooMany, "that were created first"),
        (Defect::NewestGo, "that were created first"),
        (Defect::FirstToExpireGo, "that were created first"),
        (Defect::AllAccountsCounted, "that were created first"),
        (Defect::AllPurposesCounted, "that were created first"),
        (Defect::CountedEarly, "not more than there may be"),
    ] {
        let broken = broken_rule(defect).await.unwrap_or_default();
        assert!(broken.contains(rule), "{defect:?} broke: {broken:?}");
    }
}
