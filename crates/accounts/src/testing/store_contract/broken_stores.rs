//! Account stores with one defect each: the contract detects them all.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::task::yield_now;
use tower_warder::UserStatus;

use super::account_store_contract;
use crate::testing::defect;
use crate::{
    AccountStore, Actor, AdminGrant, Email, EmailPrefix, NewUser, StoreError, User, UserChange,
    UserFilter, UserOrder, UserQuery,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    TimesInSeconds,
    GrantDecidedEarly,
    GrantUsedUpByRejection,
    AddressLookedUpEarly,
    AddressInUpdateLookedUpEarly,
    IdsReused,
    AdminsCountedEarly,
    DisabledAdminsCount,
    DeletionUnguarded,
    EmailTakenReportedFirst,
    RejectedChangeWritten,
    WholeRowWritten,
    ApprovalRecordedAgain,
    LeavingKeepsGeneration,
    LeavingReadsGenerationEarly,
    DeletionOfMissingAccountDone,
    ListedById,
    ListedInOneOrder,
    ListedAsInDictionaries,
    TiesNewestFirst,
    PageAfterIdOnly,
    PageFromItsPosition,
    PageAfterDeletedIsEmpty,
    PageAfterDeletedStartsAnew,
    PositionOnlyAmongMatches,
    PositionByCurrentAddress,
    LimitBeforeFilter,
    SearchAnywhere,
    SearchWithWildcards,
    SearchOfWholeAddress,
    StatusNotFiltered,
    SearchWithoutStatus,
    DisabledCountedAsPending,
    AllCounted,
    SearchNotCounted,
    ResetKeepsGeneration,
    RehashRaisesGeneration,
    RehashBlind,
    RehashComparedEarly,
    GenerationReadEarly,
    ActorOfUpdateUnchecked,
    ActorOfDeletionUnchecked,
    ActorOfResetUnchecked,
    ActorOfUpdateCheckedEarly,
    ActorOfDeletionCheckedEarly,
    ActorOfResetCheckedEarly,
    NotFoundReportedFirst,
    EndsAnyGeneration,
    EndsOfDisabled,
    EndComparedEarly,
    EndKeepsGeneration,
    EndKeepsHash,
}

struct BrokenStore {
    defect: Defect,
    rows: Mutex<Rows>,
}

#[derive(Clone, Default)]
struct Rows {
    users: Vec<User>,
    last_id: i64,
    grant_used: bool,
}

impl BrokenStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// Returns the rows as they were before other tasks ran.
    async fn early(&self) -> Rows {
        let rows = self.rows().clone();
        yield_now().await;
        rows
    }

    /// `unchecked` and `early` are the defects that this method may have.
    fn check(
        &self,
        rows: (&mut Rows, &mut Rows),
        (id, by): (i64, Actor),
        unchecked: Defect,
        early: Defect,
    ) -> Result<(), StoreError> {
        if self.defect == unchecked {
            return Ok(());
        }
        if self.defect == Defect::NotFoundReportedFirst {
            rows.0.get(id)?;
        }
        let rows = if self.defect == early { rows.1 } else { rows.0 };
        let account = by.id().and_then(|id| rows.get(id).ok());
        Ok(by.check(account.as_deref())?)
    }

    fn lists(&self, filter: &UserFilter, user: &User) -> bool {
        let status = filter.status.is_none_or(|status| status == user.status);
        let search = filter.search.as_ref().map(EmailPrefix::as_str);
        let has_beginning = search.is_none_or(|search| match self.defect {
            Defect::SearchAnywhere => user.email.contains(search),
            Defect::SearchWithWildcards => {
                let mut letters = user.email.chars();
                search.chars().all(|it| {
                    letters
                        .next()
                        .is_some_and(|letter| it == '_' || it == letter)
                })
            }
            Defect::SearchOfWholeAddress => user.email == search,
            _ => user.email.starts_with(search),
        });
        match self.defect {
            Defect::StatusNotFiltered => has_beginning,
            Defect::SearchWithoutStatus if search.is_some() => has_beginning,
            _ => has_beginning && status,
        }
    }

    fn other_admins(&self, rows: &Rows, early: &Rows, id: i64) -> u64 {
        let rows = match self.defect {
            Defect::AdminsCountedEarly => early,
            _ => rows,
        };
        let counts = |user: &&User| match self.defect {
            Defect::DisabledAdminsCount => user.is_admin,
            _ => user.is_active_admin(),
        };
        let others = rows.users.iter().filter(|user| user.id != id);
        others.filter(counts).count() as u64
    }
}

impl Rows {
    fn get(&mut self, id: i64) -> Result<&mut User, StoreError> {
        let user = self.users.iter_mut().find(|user| user.id == id);
        user.ok_or(StoreError::NotFound)
    }

    fn has(&self, email: &str, besides: i64) -> bool {
        let mut users = self.users.iter();
        users.any(|user| user.email == email && user.id != besides)
    }
}

/// Position in the list.
enum After {
    Id(i64),
    Email(String),
}

#[async_trait]
impl AccountStore for BrokenStore {
    async fn insert(&self, mut new: NewUser) -> Result<User, StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        let looked_up = match self.defect {
            Defect::AddressLookedUpEarly => &early,
            _ => &*rows,
        };
        let taken = looked_up.has(new.email.as_str(), 0);
        let counted = match self.defect {
            Defect::GrantDecidedEarly => &early,
            _ => &*rows,
        };
        let is_admin = match new.admin_grant {
            AdminGrant::Never => false,
            AdminGrant::IfFirstAccount => counted.users.is_empty(),
            AdminGrant::IfNoAdmin => !counted.users.iter().any(User::is_active_admin),
        };
        if self.defect == Defect::GrantUsedUpByRejection {
            let used = rows.grant_used;
            rows.grant_used |= taken && is_admin;
            new.admin_grant = if used {
                AdminGrant::Never
            } else {
                new.admin_grant
            };
        }
        if taken {
            return Err(StoreError::EmailTaken);
        }
        if self.defect == Defect::TimesInSeconds {
            let age = new.created_at.duration_since(UNIX_EPOCH).unwrap();
            new.created_at = UNIX_EPOCH + Duration::from_secs(age.as_secs());
        }
        let newest = rows.users.iter().map(|user| user.id).max();
        rows.last_id = match self.defect {
            Defect::IdsReused => newest.unwrap_or(0),
            _ => rows.last_id,
        } + 1;
        let is_admin = is_admin && new.admin_grant != AdminGrant::Never;
        let user = new.into_user(rows.last_id, is_admin);
        rows.users.push(user.clone());
        Ok(user)
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        Ok(self.rows().get(id).ok().cloned())
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let rows = self.rows();
        let mut users = rows.users.iter();
        Ok(users.find(|user| user.email == email.as_str()).cloned())
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        let all = self.rows().users.clone();
        let mut matches = all.clone();
        let limit = query.limit.unwrap_or(u32::MAX) as usize;
        let sorted_by_age = matches!(query.order, UserOrder::CreatedAt { .. });
        if self.defect != Defect::LimitBeforeFilter {
            matches.retain(|user| self.lists(&query.filter, user));
        }
        let limited = |mut users: Vec<User>| {
            users.truncate(limit);
            users.retain(|user| self.lists(&query.filter, user));
            users
        };
        let (mut after, descending) = match &query.order {
            UserOrder::CreatedAt { after, descending } => (after.map(After::Id), *descending),
            UserOrder::Email { after, descending } => {
                (after.clone().map(After::Email), *descending)
            }
        };
        let key = |user: &User| {
            let ties = match self.defect {
                Defect::TiesNewestFirst if !descending => -user.id,
                _ => user.id,
            };
            match self.defect {
                _ if !sorted_by_age && self.defect == Defect::ListedAsInDictionaries => {
                    let letters = |it: &char| it.is_alphanumeric() || *it == '@';
                    (UNIX_EPOCH, 0, user.email.chars().filter(letters).collect())
                }
                _ if !sorted_by_age && self.defect != Defect::ListedInOneOrder => {
                    (UNIX_EPOCH, 0, user.email.clone())
                }
                Defect::ListedById => (UNIX_EPOCH, user.id, String::new()),
                _ => (user.created_at, ties, String::new()),
            }
        };
        matches.sort_by_key(key);
        if descending {
            matches.reverse();
        }
        if self.defect == Defect::PositionByCurrentAddress
            && let Some(After::Email(email)) = &after
        {
            after = all
                .iter()
                .find(|user| user.email == *email)
                .map(|user| After::Email(user.email.clone()));
        }
        let Some(after) = after else {
            return Ok(limited(matches));
        };
        let known = match self.defect {
            Defect::PositionOnlyAmongMatches => &matches,
            _ => &all,
        };
        let start = match &after {
            After::Id(id) => {
                let mut nearest: Vec<_> = known.iter().collect();
                nearest.retain(|user| match self.defect {
                    Defect::PageAfterDeletedIsEmpty | Defect::PageAfterDeletedStartsAnew => {
                        user.id == *id
                    }
                    _ if descending => user.id <= *id,
                    _ => user.id >= *id,
                });
                nearest.sort_by_key(|user| user.id);
                let nearest = if descending {
                    nearest.last()
                } else {
                    nearest.first()
                };
                nearest.map(|user| key(user))
            }
            After::Email(email) => {
                let mut user = all[0].clone();
                user.email.clone_from(email);
                match self.defect {
                    Defect::ListedInOneOrder => {
                        known.iter().find(|user| user.email == *email).map(key)
                    }
                    _ => Some(key(&user)),
                }
            }
        };
        matches.retain(|user| {
            let is_position = match &after {
                After::Id(id) => user.id == *id,
                After::Email(email) => user.email == *email,
            };
            let is_after = match &start {
                Some(_) if self.defect == Defect::PageAfterIdOnly => match &after {
                    After::Id(id) if descending => user.id <= *id,
                    After::Id(id) => user.id >= *id,
                    After::Email(_) => true,
                },
                Some(start) if descending => key(user) <= *start,
                Some(start) => key(user) >= *start,
                None => self.defect == Defect::PageAfterDeletedStartsAnew,
            };
            is_after && (!is_position || self.defect == Defect::PageFromItsPosition)
        });
        Ok(limited(matches))
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let counts = |user: &&User| match self.defect {
            Defect::DisabledCountedAsPending => {
                let mut user = (*user).clone();
                if user.status == UserStatus::Disabled {
                    user.status = UserStatus::Pending;
                }
                filter.matches(&user)
            }
            Defect::AllCounted => true,
            Defect::SearchNotCounted => filter.status.is_none_or(|it| it == user.status),
            _ => filter.matches(user),
        };
        Ok(self.rows().users.iter().filter(counts).count() as u64)
    }

    async fn update(&self, id: i64, change: UserChange) -> Result<User, StoreError> {
        let mut early = self.early().await;
        let mut rows = self.rows();
        self.check(
            (&mut rows, &mut early),
            (id, change.by),
            Defect::ActorOfUpdateUnchecked,
            Defect::ActorOfUpdateCheckedEarly,
        )?;
        let mut before = rows.get(id)?.clone();
        let looked_up = match self.defect {
            Defect::AddressInUpdateLookedUpEarly => &early,
            _ => &*rows,
        };
        let email = change.update.email.as_ref();
        let taken = email.is_some_and(|email| looked_up.has(email.as_str(), id));
        if taken && self.defect == Defect::EmailTakenReportedFirst {
            return Err(StoreError::EmailTaken);
        }
        let other_admins = self.other_admins(&rows, &early, id);
        match self.defect {
            Defect::WholeRowWritten => before = early.get(id)?.clone(),
            Defect::ApprovalRecordedAgain => before.approved_at = None,
            _ => {}
        }
        let decided = before.apply(&change, other_admins);
        if let (Err(_), Defect::RejectedChangeWritten, Some(email)) = (&decided, self.defect, email)
        {
            rows.get(id)?.email = email.as_str().to_owned();
        }
        let mut user = decided?;
        if user.approved_at.is_none() {
            user.approved_at = rows.get(id)?.approved_at;
        }
        let raised = user.token_generation - before.token_generation;
        match self.defect {
            Defect::LeavingKeepsGeneration => user.token_generation -= raised,
            Defect::LeavingReadsGenerationEarly if raised > 0 => {
                user.token_generation = early.get(id)?.token_generation + raised;
            }
            _ => {}
        }
        if taken {
            return Err(StoreError::EmailTaken);
        }
        *rows.get(id)? = user.clone();
        Ok(user)
    }

    async fn delete(&self, id: i64, by: Actor) -> Result<(), StoreError> {
        let mut early = self.early().await;
        let mut rows = self.rows();
        self.check(
            (&mut rows, &mut early),
            (id, by),
            Defect::ActorOfDeletionUnchecked,
            Defect::ActorOfDeletionCheckedEarly,
        )?;
        let user = match rows.get(id) {
            Err(_) if self.defect == Defect::DeletionOfMissingAccountDone => return Ok(()),
            user => user?.clone(),
        };
        if self.defect != Defect::DeletionUnguarded {
            user.check_deletion(self.other_admins(&rows, &early, id))?;
        }
        rows.users.retain(|user| user.id != id);
        Ok(())
    }

    async fn reset_password(&self, id: i64, hash: &str, by: Actor) -> Result<(), StoreError> {
        let mut early = self.early().await;
        let mut rows = self.rows();
        self.check(
            (&mut rows, &mut early),
            (id, by),
            Defect::ActorOfResetUnchecked,
            Defect::ActorOfResetCheckedEarly,
        )?;
        let user = rows.get(id)?;
        user.hashed_password = hash.to_owned();
        user.token_generation = match self.defect {
            Defect::ResetKeepsGeneration => user.token_generation,
            Defect::GenerationReadEarly => early.get(id)?.token_generation + 1,
            _ => user.token_generation + 1,
        };
        Ok(())
    }

    async fn update_hash_if(&self, id: i64, old: &str, new: &str) -> Result<bool, StoreError> {
        let mut early = self.early().await;
        let mut rows = self.rows();
        let Ok(user) = rows.get(id) else {
            return Ok(false);
        };
        let replaces = match self.defect {
            Defect::RehashBlind => true,
            Defect::RehashComparedEarly => early.get(id)?.hashed_password == old,
            _ => user.hashed_password == old,
        };
        if replaces {
            user.hashed_password = new.to_owned();
            user.token_generation += u64::from(self.defect == Defect::RehashRaisesGeneration);
        }
        Ok(replaces)
    }

    async fn revoke_tokens(
        &self,
        id: i64,
        generation: u64,
        hash: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut early = self.early().await;
        let mut rows = self.rows();
        let Ok(user) = rows.get(id) else {
            return Ok(false);
        };
        let known = match self.defect {
            Defect::EndsAnyGeneration => generation,
            Defect::EndComparedEarly => early.get(id)?.token_generation,
            _ => user.token_generation,
        };
        let is_approved =
            user.status == UserStatus::Approved || self.defect == Defect::EndsOfDisabled;
        if known != generation || !is_approved {
            return Ok(false);
        }
        user.token_generation += u64::from(self.defect != Defect::EndKeepsGeneration);
        if let Some(hash) = hash.filter(|_| self.defect != Defect::EndKeepsHash) {
            user.hashed_password = hash.to_owned();
        }
        Ok(true)
    }
}

async fn broken_rule(defect: Defect) -> Option<String> {
    let contract = account_store_contract(async || BrokenStore {
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
        (
            Defect::TimesInSeconds,
            "the time that it was registered with",
        ),
        (Defect::GrantDecidedEarly, "exactly one becomes admin"),
        (Defect::GrantUsedUpByRejection, "keeps the grant available"),
        (Defect::AddressLookedUpEarly, "register one address"),
        (Defect::AddressInUpdateLookedUpEarly, "take one address"),
        (Defect::IdsReused, "an id is never reused"),
        (Defect::AdminsCountedEarly, "step down at the same moment"),
        (Defect::DisabledAdminsCount, "the last admin stays"),
        (Defect::DeletionUnguarded, "the last admin stays"),
        (Defect::EmailTakenReportedFirst, "the last admin stays"),
        (
            Defect::RejectedChangeWritten,
            "a rejected change changes nothing",
        ),
        (Defect::WholeRowWritten, "at the same moment all stay"),
        (Defect::ApprovalRecordedAgain, "never changed again"),
        (
            Defect::LeavingKeepsGeneration,
            "leaving approved raises the token generation",
        ),
        (
            Defect::LeavingReadsGenerationEarly,
            "leaving approved and an end of the tokens",
        ),
        (
            Defect::DeletionOfMissingAccountDone,
            "a deletion of a missing account",
        ),
        (Defect::ListedById, "by created_at, then by id"),
        (Defect::ListedInOneOrder, "sorted by email"),
        (Defect::ListedAsInDictionaries, "byte by byte"),
        (Defect::TiesNewestFirst, "ties by id"),
        (Defect::PageAfterIdOnly, "make up the list"),
        (Defect::PageFromItsPosition, "make up the list"),
        (Defect::PageAfterDeletedIsEmpty, "that is gone"),
        (Defect::PageAfterDeletedStartsAnew, "that is gone"),
        (Defect::PositionOnlyAmongMatches, "that the filter excludes"),
        (Defect::PositionByCurrentAddress, "that is gone"),
        (Defect::LimitBeforeFilter, "in pages of 1"),
        (Defect::SearchAnywhere, "that begin with"),
        (Defect::SearchWithWildcards, "that begin with \"jan_\""),
        (Defect::SearchOfWholeAddress, "that begin with"),
        (Defect::StatusNotFiltered, "combine"),
        (Defect::SearchWithoutStatus, "combine"),
        (Defect::AllCounted, "an account without an admin grant"),
        (Defect::SearchNotCounted, "are counted"),
        (
            Defect::DisabledCountedAsPending,
            "pending accounts are counted",
        ),
        (Defect::ResetKeepsGeneration, "raises the token generation"),
        (Defect::RehashRaisesGeneration, "keeps the token generation"),
        (Defect::RehashBlind, "the hash that it expects and no other"),
        (Defect::RehashComparedEarly, "a reset wins over a rehash"),
        (Defect::GenerationReadEarly, "every reset raises"),
        (Defect::ActorOfUpdateUnchecked, "remove each other"),
        (Defect::ActorOfDeletionUnchecked, "remove each other"),
        (Defect::ActorOfResetUnchecked, "only approved admins"),
        (Defect::ActorOfUpdateCheckedEarly, "remove each other"),
        (Defect::ActorOfDeletionCheckedEarly, "remove each other"),
        (Defect::ActorOfResetCheckedEarly, "a disabled admin resets"),
        (Defect::NotFoundReportedFirst, "only approved admins"),
        (Defect::EndsAnyGeneration, "of the named generation"),
        (Defect::EndsOfDisabled, "if it is approved"),
        (Defect::EndComparedEarly, "that end one generation"),
        (Defect::EndKeepsGeneration, "generation is raised by one"),
        (Defect::EndKeepsHash, "a given hash is set"),
    ] {
        let broken = broken_rule(defect).await.unwrap_or_default();
        assert!(broken.contains(rule), "{defect:?} broke: {broken:?}");
    }
}
