//! Account stores with one defect each: the contract detects them all.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::task::yield_now;
use tower_warder::UserStatus;

use super::account_store_contract;
use super::fixture::new_user;
use crate::testing::defect;
use crate::{
    AccountStore, AdminGrant, Email, EmailPrefix, NewUser, StoreError, User, UserAction,
    UserChange, UserFilter, UserOrder, UserQuery,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    TimesInSeconds,
    RoleAndStatusIgnored,
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
    UnverifiedListed,
    UnverifiedCounted,
    ApprovedHidden,
    OnceApprovedHidden,
    InvitedHidden,
    AllCounted,
    SearchNotCounted,
    ResetKeepsGeneration,
    ResetDropsMark,
    ChangeKeepsMark,
    RevocationRemovesMark,
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
    ConfirmsAnyGeneration,
    ConfirmsAnyAddress,
    ConfirmsOfDisabled,
    ConfirmComparedEarly,
    ConfirmedAddressLookedUpEarly,
    ConfirmedAddressNotLookedUp,
    ConfirmKeepsGeneration,
    VerificationNotWritten,
    OtherAdminsNotRead,
    ExpiryComparedEarly,
    FirstPasswordComparedEarly,
    FirstPasswordAuthorUnchecked,
    RenewalKeepsTime,
    GrantApprovesWithoutPassword,
    PasswordNotFiltered,
    AccountBeforeReturned,
    DeletedAccountReturned,
    OwnerDeletesInAnyGeneration,
    OwnerDeletesDisabled,
    OwnersCountedEarly,
    NameNotWritten,
    NamedInAnyGeneration,
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

    /// Returns the accounts that the store decides by.
    fn read(&self, change: &UserChange, rows: &Rows, early: &Rows) -> Vec<User> {
        let mut read = rows.users.clone();
        let actor = change.by.id();
        let is_actor = |user: &User| Some(user.id) == actor;
        let is_other = |user: &User| user.id != change.id && !is_actor(user);
        let is = |of_update, of_deletion, of_reset| match change.action {
            UserAction::Update(_) => self.defect == of_update,
            UserAction::Delete => self.defect == of_deletion,
            UserAction::ResetPassword { .. } => self.defect == of_reset,
            _ => false,
        };
        if is(
            Defect::ActorOfUpdateCheckedEarly,
            Defect::ActorOfDeletionCheckedEarly,
            Defect::ActorOfResetCheckedEarly,
        ) {
            read.retain(|user| !is_actor(user));
            read.extend(early.users.iter().filter(|user| is_actor(user)).cloned());
        }
        if is(
            Defect::ActorOfUpdateUnchecked,
            Defect::ActorOfDeletionUnchecked,
            Defect::ActorOfResetUnchecked,
        ) && let Some(id) = actor
        {
            read.retain(|user| user.id == change.id || !is_actor(user));
            read.push(any_admin(id));
        }
        match self.defect {
            Defect::AdminsCountedEarly => {
                read.retain(|user| !is_other(user));
                read.extend(early.users.iter().filter(|user| is_other(user)).cloned());
            }
            Defect::DisabledAdminsCount => {
                for user in read
                    .iter_mut()
                    .filter(|user| is_other(user) && user.is_admin)
                {
                    user.status = UserStatus::Approved;
                }
            }
            Defect::OwnersCountedEarly if matches!(change.action, UserAction::DeleteOwn { .. }) => {
                read.retain(|user| !is_other(user));
                read.extend(early.users.iter().filter(|user| is_other(user)).cloned());
            }
            Defect::OtherAdminsNotRead => read.retain(|user| !is_other(user)),
            Defect::DeletionUnguarded if change.action == UserAction::Delete => {
                read.push(any_admin(i64::MIN + 1));
            }
            Defect::FirstPasswordAuthorUnchecked
                if matches!(change.action, UserAction::SetFirstPassword { .. }) =>
            {
                read.retain(|user| user.id == change.id || !is_actor(user));
                read.extend(actor.map(any_admin));
            }
            _ => {}
        }
        let before = early.find(change.id);
        for user in read.iter_mut().filter(|user| user.id == change.id) {
            let before = before.unwrap_or(user).clone();
            match (self.defect, &change.action) {
                (Defect::WholeRowWritten, UserAction::Update(_)) => *user = before,
                (Defect::ApprovalRecordedAgain, UserAction::Update(_)) => user.approved_at = None,
                (Defect::RehashBlind, UserAction::Rehash { old, .. }) => {
                    user.hashed_password.clone_from(old);
                }
                (Defect::RehashComparedEarly, UserAction::Rehash { .. }) => {
                    user.hashed_password = before.hashed_password;
                }
                (Defect::EndsAnyGeneration, UserAction::RevokeTokens { generation, .. }) => {
                    user.token_generation = *generation;
                }
                (Defect::NamedInAnyGeneration, UserAction::SetDisplayName { generation, .. })
                | (Defect::OwnerDeletesInAnyGeneration, UserAction::DeleteOwn { generation }) => {
                    user.token_generation = *generation;
                }
                (Defect::OwnerDeletesDisabled, UserAction::DeleteOwn { .. }) => {
                    user.status = UserStatus::Approved;
                }
                (Defect::EndComparedEarly, UserAction::RevokeTokens { .. }) => {
                    user.token_generation = before.token_generation;
                }
                (Defect::EndsOfDisabled, UserAction::RevokeTokens { .. })
                | (Defect::ConfirmsOfDisabled, UserAction::ConfirmEmail { .. }) => {
                    user.status = UserStatus::Approved;
                }
                (Defect::ConfirmsAnyGeneration, UserAction::ConfirmEmail { generation, .. }) => {
                    user.token_generation = *generation;
                }
                (Defect::ConfirmsAnyAddress, UserAction::ConfirmEmail { from, .. }) => {
                    from.as_str().clone_into(&mut user.email);
                }
                (Defect::ConfirmComparedEarly, UserAction::ConfirmEmail { .. }) => *user = before,
                (Defect::FirstPasswordComparedEarly, UserAction::SetFirstPassword { .. })
                | (Defect::ExpiryComparedEarly, UserAction::DeletePending { .. }) => {
                    *user = before;
                }
                _ => {}
            }
        }
        read
    }

    /// Returns the account that the store writes: `user`, with the defect.
    fn written(&self, change: &UserChange, mut user: User, now: &User, early: &User) -> User {
        match (self.defect, &change.action) {
            (Defect::ApprovalRecordedAgain, UserAction::Update(_)) => {
                user.approved_at = user.approved_at.or(now.approved_at);
            }
            (Defect::LeavingReadsGenerationEarly, UserAction::Update(_))
                if user.token_generation > now.token_generation =>
            {
                user.token_generation = early.token_generation + 1;
            }
            (Defect::GenerationReadEarly, UserAction::ResetPassword { .. }) => {
                user.token_generation = early.token_generation + 1;
            }
            (Defect::RehashRaisesGeneration, UserAction::Rehash { .. }) => {
                user.token_generation += 1;
            }
            (
                Defect::EndsAnyGeneration | Defect::EndComparedEarly,
                UserAction::RevokeTokens { .. },
            ) => user.token_generation = now.token_generation + 1,
            (Defect::EndsOfDisabled, UserAction::RevokeTokens { .. })
            | (Defect::ConfirmsOfDisabled, UserAction::ConfirmEmail { .. }) => {
                user.status = now.status;
            }
            (Defect::ConfirmKeepsGeneration, UserAction::ConfirmEmail { .. }) => {
                user.token_generation = now.token_generation;
            }
            (Defect::VerificationNotWritten, UserAction::ConfirmEmail { .. }) => {
                user.email_verified_at = None;
            }
            (Defect::LeavingKeepsGeneration, UserAction::Update(_))
            | (Defect::ResetKeepsGeneration, UserAction::ResetPassword { .. })
            | (Defect::EndKeepsGeneration, UserAction::RevokeTokens { .. }) => {
                user.token_generation = now.token_generation;
            }
            (Defect::ResetDropsMark, UserAction::ResetPassword { .. })
            | (Defect::ChangeKeepsMark, UserAction::RevokeTokens { .. }) => {
                user.must_change_password = now.must_change_password;
            }
            (Defect::NameNotWritten, UserAction::SetDisplayName { .. }) => {
                user.display_name.clone_from(&now.display_name);
            }
            (Defect::NamedInAnyGeneration, UserAction::SetDisplayName { .. }) => {
                user.token_generation = now.token_generation;
            }
            (Defect::RevocationRemovesMark, UserAction::RevokeTokens { .. }) => {
                user.must_change_password = false;
            }
            (Defect::EndKeepsHash, UserAction::RevokeTokens { .. }) => {
                user.hashed_password.clone_from(&now.hashed_password);
            }
            (Defect::RenewalKeepsTime, UserAction::Invite { .. }) => {
                user.created_at = now.created_at;
            }
            _ => {}
        }
        user
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
        let is_unverified = user.email_verified_at.is_none()
            && (user.has_password() || self.defect == Defect::InvitedHidden);
        let is_pending = user.status == UserStatus::Pending;
        let is_hidden = match self.defect {
            Defect::UnverifiedListed => false,
            Defect::ApprovedHidden => is_unverified && user.status != UserStatus::Disabled,
            Defect::OnceApprovedHidden => is_unverified && is_pending,
            _ => is_unverified && is_pending && user.approved_at.is_none(),
        };
        let has_password = filter.has_password;
        let fits = has_password.is_none_or(|it| it == user.has_password());
        if filter.hides_unverified && is_hidden
            || !fits && self.defect != Defect::PasswordNotFiltered
        {
            return false;
        }
        match self.defect {
            Defect::StatusNotFiltered => has_beginning,
            Defect::SearchWithoutStatus if search.is_some() => has_beginning,
            _ => has_beginning && status,
        }
    }
}

fn any_admin(id: i64) -> User {
    new_user("any", AdminGrant::Never).into_user(id, true)
}

impl Rows {
    fn find(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
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
        if self.defect == Defect::RoleAndStatusIgnored {
            (new.is_admin, new.status) = (false, UserStatus::Pending);
        }
        let newest = rows.users.iter().map(|user| user.id).max();
        rows.last_id = match self.defect {
            Defect::IdsReused => newest.unwrap_or(0),
            _ => rows.last_id,
        } + 1;
        let is_admin = is_admin && new.admin_grant != AdminGrant::Never;
        let mut user = new.into_user(rows.last_id, is_admin);
        if is_admin && self.defect == Defect::GrantApprovesWithoutPassword {
            user.status = UserStatus::Approved;
        }
        rows.users.push(user.clone());
        Ok(user)
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        Ok(self.rows().find(id).cloned())
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
            Defect::UnverifiedCounted => {
                let mut filter = filter.clone();
                filter.hides_unverified = false;
                filter.matches(user)
            }
            Defect::SearchNotCounted => filter.status.is_none_or(|it| it == user.status),
            _ => filter.matches(user),
        };
        Ok(self.rows().users.iter().filter(counts).count() as u64)
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        let early = self.early().await;
        let mut rows = self.rows();
        let now = rows.find(change.id).cloned();
        if self.defect == Defect::NotFoundReportedFirst && change.by.id().is_some() && now.is_none()
        {
            return Err(StoreError::NotFound);
        }
        let looked_up = match self.defect {
            Defect::AddressInUpdateLookedUpEarly | Defect::ConfirmedAddressLookedUpEarly => &early,
            _ => &*rows,
        };
        let email = match &change.action {
            UserAction::Update(update) => update.email.as_ref(),
            UserAction::ConfirmEmail { to, .. }
                if self.defect != Defect::ConfirmedAddressNotLookedUp =>
            {
                Some(to)
            }
            _ => None,
        };
        let taken = email.is_some_and(|email| looked_up.has(email.as_str(), change.id));
        let decided = match change.apply(&self.read(change, &rows, &early)) {
            Err(StoreError::LastAdmin(error)) => match (self.defect, email) {
                (Defect::EmailTakenReportedFirst, _) if taken => Err(StoreError::EmailTaken),
                (Defect::RejectedChangeWritten, Some(email)) => {
                    let mut users = rows.users.iter_mut();
                    let user = users.find(|user| user.id == change.id).unwrap();
                    user.email = email.as_str().to_owned();
                    Err(StoreError::LastAdmin(error))
                }
                _ => Err(StoreError::LastAdmin(error)),
            },
            Err(StoreError::NotFound)
                if self.defect == Defect::DeletionOfMissingAccountDone
                    && change.action == UserAction::Delete =>
            {
                return Ok(None);
            }
            decided => decided,
        };
        let decided = decided?;
        if taken {
            return Err(StoreError::EmailTaken);
        }
        let now = now.unwrap();
        let before = early.find(change.id).unwrap_or(&now);
        let written = decided.map(|user| self.written(change, user, &now, before));
        rows.users.retain(|user| user.id != change.id);
        rows.users.extend(written.clone());
        Ok(match self.defect {
            Defect::AccountBeforeReturned => written.and(Some(now)),
            Defect::DeletedAccountReturned => written.or(Some(now)),
            _ => written,
        })
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
        (Defect::RoleAndStatusIgnored, "the role, the status"),
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
        (Defect::UnverifiedListed, "a filter that hides unverified"),
        (Defect::UnverifiedCounted, "also if they are counted"),
        (Defect::ApprovedHidden, "and no others"),
        (Defect::OnceApprovedHidden, "and no others"),
        (Defect::InvitedHidden, "and no others"),
        (Defect::SearchNotCounted, "are counted"),
        (
            Defect::DisabledCountedAsPending,
            "pending accounts are counted",
        ),
        (Defect::ResetKeepsGeneration, "raises the token generation"),
        (Defect::ResetDropsMark, "has to be changed"),
        (Defect::ChangeKeepsMark, "has to be changed"),
        (Defect::RevocationRemovesMark, "has to be changed"),
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
        (Defect::ConfirmsAnyGeneration, "has it and the named"),
        (Defect::ConfirmsAnyAddress, "has it and the named"),
        (Defect::ConfirmsOfDisabled, "of a disabled or a missing"),
        (Defect::ConfirmComparedEarly, "changes of one account"),
        (Defect::ConfirmedAddressLookedUpEarly, "take one address"),
        (
            Defect::ConfirmedAddressNotLookedUp,
            "the address of another account",
        ),
        (
            Defect::ConfirmKeepsGeneration,
            "raises the generation by one",
        ),
        (Defect::VerificationNotWritten, "an address is verified if"),
        (
            Defect::OtherAdminsNotRead,
            "an admin can step down where another one stays",
        ),
        (Defect::ExpiryComparedEarly, "of an approval and the expiry"),
        (
            Defect::FirstPasswordComparedEarly,
            "that set the first password",
        ),
        (
            Defect::FirstPasswordAuthorUnchecked,
            "once its author is no admin",
        ),
        (Defect::RenewalKeepsTime, "another invitation sets"),
        (
            Defect::GrantApprovesWithoutPassword,
            "without a password is not approved",
        ),
        (Defect::PasswordNotFiltered, "are listed and counted apart"),
        (
            Defect::AccountBeforeReturned,
            "a status is what it was changed to",
        ),
        (
            Defect::DeletedAccountReturned,
            "a deletion returns no account",
        ),
        (Defect::OwnerDeletesInAnyGeneration, "an owner deletes"),
        (Defect::OwnerDeletesDisabled, "if it is approved"),
        (Defect::NameNotWritten, "display name"),
        (Defect::NamedInAnyGeneration, "display name"),
        (Defect::OwnersCountedEarly, "delete their own account"),
    ] {
        let broken = broken_rule(defect).await.unwrap_or_default();
        assert!(broken.contains(rule), "{defect:?} broke: {broken:?}");
    }
}
