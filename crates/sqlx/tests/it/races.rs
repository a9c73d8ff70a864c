//! Concurrent writers of several processes: two pools on one SQLite file, three on one PostgreSQL.

use std::sync::Arc;

use tokio::task::JoinSet;
use tower_warder_accounts::{
    Actor, AdminGrant, OneTimeTokenStore, Rotation, SessionStore, StoreError, UserAction,
};

use crate::place::{Place, Stores, approve, change, new, one_time_token, session, time};

/// The stores of the processes, all in one database.
async fn processes() -> Vec<(Place, Vec<Arc<dyn Stores>>)> {
    let mut all = Vec::new();
    for place in Place::all().await {
        let count = if place.is_sqlite() { 2 } else { 3 };
        let mut stores = Vec::new();
        for _ in 0..count {
            stores.push(place.open(None).await);
        }
        all.push((place, stores));
    }
    all
}

/// Starts `count` calls in tasks of their own, in turn on each store.
async fn concurrently<T, F>(
    stores: &[Arc<dyn Stores>],
    count: usize,
    call: impl Fn(usize, Arc<dyn Stores>) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut calls = JoinSet::new();
    for (n, store) in stores.iter().cycle().take(count).enumerate() {
        calls.spawn(call(n, Arc::clone(store)));
    }
    calls.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_first_accounts_is_the_admin() {
    for (_place, stores) in processes().await {
        let added = concurrently(&stores, 24, |n, store| async move {
            let new = new(&format!("user{n}"), AdminGrant::IfFirstAccount);
            store.insert(new).await.unwrap()
        });
        let added = added.await;
        assert_eq!(added.iter().filter(|user| user.is_admin).count(), 1);
        let mut ids: Vec<i64> = added.iter().map(|user| user.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 24);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_registrations_of_an_address_succeeds() {
    for (_place, stores) in processes().await {
        let added = concurrently(&stores, 24, |_, store| async move {
            store.insert(new("jane", AdminGrant::Never)).await
        });
        let added = added.await;
        let taken = |it: &&Result<_, _>| matches!(it, Err(StoreError::EmailTaken));
        assert_eq!(added.iter().filter(|it| it.is_ok()).count(), 1);
        assert_eq!(added.iter().filter(taken).count(), 23);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn last_admin_is_left_by_concurrent_demotions() {
    for (_place, stores) in processes().await {
        let mut ids = Vec::new();
        for n in 0..6 {
            let new = new(&format!("admin{n}"), AdminGrant::Never);
            let id = stores[0].insert(new).await.unwrap().id;
            stores[0].change(&approve(id, true)).await.unwrap();
            ids.push(id);
        }
        let demoted = concurrently(&stores, ids.len(), |n, store| {
            let id = ids[n];
            async move { store.change(&approve(id, false)).await }
        });
        let demoted = demoted.await;
        let refused = |it: &&Result<_, _>| matches!(it, Err(StoreError::LastAdmin(_)));
        assert_eq!(demoted.iter().filter(|it| it.is_ok()).count(), 5);
        assert_eq!(demoted.iter().filter(refused).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn account_is_deleted_once() {
    for (_place, stores) in processes().await {
        let id = stores[0].insert(new("jane", AdminGrant::Never)).await;
        let id = id.unwrap().id;
        let deleted = concurrently(&stores, 12, move |_, store| async move {
            let deletion = change(id, UserAction::Delete, Actor::System);
            store.change(&deletion).await
        });
        let deleted = deleted.await;
        let gone = |it: &&Result<_, _>| matches!(it, Err(StoreError::NotFound));
        assert_eq!(deleted.iter().filter(|it| it.is_ok()).count(), 1);
        assert_eq!(deleted.iter().filter(gone).count(), 11);
        let next = stores[0].insert(new("jane", AdminGrant::Never)).await;
        assert!(next.unwrap().id > id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_log_ins_keep_the_limit_of_sessions() {
    for (_place, stores) in processes().await {
        concurrently(&stores, 24, |n, store| async move {
            let session = session(i64::try_from(n).unwrap(), 7);
            store.open(session, 3).await.unwrap();
        })
        .await;
        assert_eq!(SessionStore::list(&stores[0], 7).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refresh_token_is_renewed_once() {
    for (_place, stores) in processes().await {
        let opened = session(1, 7);
        stores[0].open(opened.clone(), 3).await.unwrap();
        let renewed = concurrently(&stores, 12, |_, store| {
            let id = opened.id.clone();
            async move {
                let rotation = Rotation {
                    token: [1; 32],
                    successor: [2; 32],
                    at: time(1),
                    expires_at: time(2),
                };
                store.rotate(&id, &[0; 32], rotation).await.unwrap()
            }
        });
        let renewed = renewed.await;
        assert_eq!(renewed.iter().filter(|it| **it).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_time_token_is_taken_once() {
    for (_place, stores) in processes().await {
        let token = one_time_token(1, 7);
        stores[0].add(token.clone(), 3).await.unwrap();
        let taken = concurrently(&stores, 24, |_, store| {
            let (digest, purpose) = (token.digest, token.purpose);
            async move { store.take(&digest, purpose).await.unwrap() }
        });
        let taken: Vec<_> = taken.await.into_iter().flatten().collect();
        assert_eq!(taken, [token]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_one_time_tokens_keep_the_limit() {
    for (_place, stores) in processes().await {
        concurrently(&stores, 24, |n, store| async move {
            let token = one_time_token(u8::try_from(n).unwrap(), 7);
            store.add(token, 3).await.unwrap();
        })
        .await;
        let mut left = 0;
        for n in 0..24 {
            let token = one_time_token(n, 7);
            let found = OneTimeTokenStore::find(&stores[1], &token.digest, token.purpose).await;
            left += u32::from(found.unwrap().is_some());
        }
        assert_eq!(left, 3);
    }
}
