//! Concurrent reads of accounts by ID, which share statements in SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use sqlx::sqlite::SqlitePoolOptions;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tower_warder::UserStatus;
use tower_warder_accounts::{AccountStore, Actor, AdminGrant, StoreError, UserAction, UserUpdate};
use tower_warder_sqlx::SqliteStore;

use crate::place::{Place, approve, change, new};

async fn opened(place: &Place) -> SqliteStore {
    let store = SqliteStore::connect_with(place.sqlite_options()).await;
    let store = store.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn add(store: &SqliteStore, name: &str) -> i64 {
    let new = new(name, AdminGrant::Never);
    store.insert(new).await.unwrap().id
}

#[tokio::test]
async fn concurrent_reads_share_statements() {
    let place = Place::sqlite();
    drop(opened(&place).await);
    let statements = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&statements);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .before_acquire(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(true) }.boxed()
        });
    let store = SqliteStore::new(pool.connect_with(place.sqlite_options()).await.unwrap());
    let id = add(&store, "jane").await;
    let before = statements.load(Ordering::Relaxed);
    let reads = join_all((0..100).map(|_| store.find(id))).await;
    assert!(reads.iter().all(|read| matches!(read, Ok(Some(_)))));
    assert_eq!(statements.load(Ordering::Relaxed) - before, 2);
}

#[tokio::test]
async fn concurrent_reads_find_their_own_accounts() {
    let place = Place::sqlite();
    let store = opened(&place).await;
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(add(&store, &format!("user{n}")).await);
    }
    // More than one statement reads, repeated, and without accounts.
    let asked = [&ids[..], &ids[..], &[0, -1, i64::MIN, i64::MAX]].concat();
    let found = join_all(asked.iter().map(|id| store.find(*id))).await;
    for (id, found) in asked.iter().zip(found) {
        let expected = ids.contains(id).then_some(*id);
        assert_eq!(found.unwrap().map(|user| user.id), expected);
    }
}

#[tokio::test]
async fn cancelled_read_leaves_the_others() {
    let place = Place::sqlite();
    let store = opened(&place).await;
    let id = add(&store, "jane").await;
    assert!(store.find(id).now_or_never().is_none());
    let mut others = join_all((0..3).map(|_| store.find(id)));
    assert!((&mut others).now_or_never().is_none());
    assert!(store.find(id).now_or_never().is_none());
    assert!(others.await.iter().all(|read| matches!(read, Ok(Some(_)))));
}

#[tokio::test]
async fn failed_statement_fails_its_reads_only() {
    let place = Place::sqlite();
    let store = opened(&place).await;
    let id = add(&store, "jane").await;
    let mut admin = place.connect().await;
    admin.run("ALTER TABLE users RENAME TO away").await;
    for read in join_all((0..3).map(|_| store.find(id))).await {
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    }
    admin.run("ALTER TABLE away RENAME TO users").await;
    let (one, other) = join(store.find(id), store.find(id)).await;
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
}

#[test]
fn runtime_that_ends_blocks_no_reads() {
    let place = Place::sqlite();
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (store, id) = first.block_on(async {
        let store = opened(&place).await;
        let id = add(&store, "jane").await;
        assert!(store.find(id).now_or_never().is_none());
        (store, id)
    });
    drop(first);
    let read = runtime().block_on(async {
        let read = tokio::time::timeout(Duration::from_secs(20), store.find(id));
        read.await.unwrap()
    });
    assert!(read.unwrap().is_some());
}

#[tokio::test]
async fn reads_with_different_prefixes_are_separate() {
    let place = Place::sqlite();
    let store = opened(&place).await;
    let other = store.clone().prefix("other_").unwrap();
    other.migrate().await.unwrap();
    assert_eq!(add(&store, "jane").await, add(&other, "john").await);
    let (jane, john) = join(store.find(1), other.find(1)).await;
    let emails = [jane, john].map(|user| user.unwrap().unwrap().email);
    assert_eq!(emails, ["jane@example.com", "john@example.com"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn read_finds_the_change_before_it() {
    let place = Place::sqlite();
    let store = opened(&place).await;
    let id = add(&store, "jane").await;
    let read = |store: SqliteStore| async move {
        loop {
            store.find(id).await.unwrap();
        }
    };
    let mut readers = JoinSet::<()>::new();
    for _ in 0..4 {
        readers.spawn(read(store.clone()));
    }
    store.change(&approve(id, false)).await.unwrap();
    for n in 0..50 {
        let status = [UserStatus::Disabled, UserStatus::Approved][n % 2];
        let update = UserUpdate {
            status: Some(status),
            ..UserUpdate::default()
        };
        let change = change(id, UserAction::Update(update), Actor::System);
        store.change(&change).await.unwrap();
        let found = store.find(id).await.unwrap().unwrap();
        assert_eq!(found.status, status);
    }
}
