//! In-memory store of accounts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

use super::email::Email;
use super::model::User;
use super::store::{AccountStore, AdminGrant, NewUser};
use super::store_error::StoreError;
use super::user_change::UserChange;
use super::user_query::{UserFilter, UserOrder, UserQuery};

/// In-memory [`AccountStore`] for tests and demonstrations. Clones share their accounts; they are
/// lost when the process ends.
#[derive(Clone, Default)]
pub struct InMemoryAccountStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    users: BTreeMap<i64, User>,
    ids: HashMap<String, i64>,
    // Not lowered by a deletion, so that no id is reused.
    last_id: i64,
}

impl InMemoryAccountStore {
    /// Creates a store without accounts.
    pub fn new() -> Self {
        Self::default()
    }

    // Every method takes the lock once and holds it until it returns, never across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AccountStore for InMemoryAccountStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        let mut state = self.lock();
        if state.ids.contains_key(new.email.as_str()) {
            return Err(StoreError::EmailTaken);
        }
        let is_admin = match new.admin_grant {
            AdminGrant::Never => false,
            AdminGrant::IfFirstAccount => state.users.is_empty(),
            AdminGrant::IfNoAdmin => !state.users.values().any(User::is_active_admin),
        };
        state.last_id += 1;
        let user = new.into_user(state.last_id, is_admin);
        state.put(user.clone());
        Ok(user)
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        Ok(self.lock().users.get(&id).cloned())
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let state = self.lock();
        let id = state.ids.get(email.as_str());
        Ok(id.and_then(|id| state.users.get(id)).cloned())
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        let state = self.lock();
        let users = state.users.values();
        let mut users: Vec<_> = users.filter(|user| query.filter.matches(user)).collect();
        let descending = match &query.order {
            UserOrder::CreatedAt { descending, after } => {
                users.sort_by_key(|user| age(user));
                if let Some(after) = *after {
                    let start = state.nearest(after, *descending).map(age);
                    users
                        .retain(|user| user.id != after && is_from(&age(user), start, *descending));
                }
                *descending
            }
            UserOrder::Email { descending, after } => {
                users.sort_by(|user, other| user.email.cmp(&other.email));
                if let Some(after) = after {
                    users.retain(|user| {
                        user.email != *after && is_from(&&user.email, Some(after), *descending)
                    });
                }
                *descending
            }
        };
        if descending {
            users.reverse();
        }
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok());
        let users = users.into_iter().take(limit.unwrap_or(usize::MAX));
        Ok(users.cloned().collect())
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        Ok(self.lock().count(|user| filter.matches(user)))
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        let mut state = self.lock();
        let changed = change.apply(state.users.values())?;
        let holder = changed.as_ref().and_then(|user| state.ids.get(&user.email));
        if holder.is_some_and(|holder| *holder != change.id) {
            return Err(StoreError::EmailTaken);
        }
        if let Some(before) = state.users.remove(&change.id) {
            state.ids.remove(&before.email);
        }
        if let Some(user) = &changed {
            state.put(user.clone());
        }
        Ok(changed)
    }
}

// By hand: debug output must not list the accounts.
impl fmt::Debug for InMemoryAccountStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryAccountStore")
            .finish_non_exhaustive()
    }
}

impl State {
    fn put(&mut self, user: User) {
        self.ids.insert(user.email.clone(), user.id);
        self.users.insert(user.id, user);
    }

    /// Returns the account `id`, or else the next one in the direction of the order.
    fn nearest(&self, id: i64, descending: bool) -> Option<&User> {
        let nearest = if descending {
            self.users.range(..=id).next_back()
        } else {
            self.users.range(id..).next()
        };
        nearest.map(|(_, user)| user)
    }

    fn count(&self, is_counted: impl Fn(&User) -> bool) -> u64 {
        let counted = self.users.values().filter(|user| is_counted(user));
        counted.fold(0, |count, _| count + 1)
    }
}

const fn age(user: &User) -> (SystemTime, i64) {
    (user.created_at, user.id)
}

/// Returns `true` if `key` is `start`, or comes after it in the order.
fn is_from<K: Ord>(key: &K, start: Option<K>, descending: bool) -> bool {
    match start {
        Some(start) if descending => *key <= start,
        Some(start) => *key >= start,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account_store_contract;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn in_memory_store_fulfills_the_contract() {
        account_store_contract(async || InMemoryAccountStore::new()).await;
    }

    #[test]
    fn contract_needs_no_async_runtime() {
        use futures_util::FutureExt;

        let contract = account_store_contract(async || InMemoryAccountStore::new());
        assert!(contract.now_or_never().is_some());
    }
}
