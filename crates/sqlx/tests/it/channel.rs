//! Invalidations of the store's own table.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use tower_warder::cache::Invalidation;
use tower_warder_accounts::{AccountStore, AdminGrant};

use crate::place::{Place, approve, new};

#[tokio::test]
async fn changes_of_the_own_table_are_heard() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let mut stores = Vec::new();
    for prefix in ["a_", "b_"] {
        let store = place.postgres_store(place.postgres_options()).await;
        let store = store.prefix(prefix).unwrap();
        store.migrate().await.unwrap();
        for name in ["jane", "paul"] {
            store.insert(new(name, AdminGrant::Never)).await.unwrap();
        }
        stores.push(store);
    }
    let mut heard = pin!(stores[0].invalidations());
    let mut next = async || {
        let next = timeout(Duration::from_secs(20), heard.next()).await;
        next.expect("an invalidation").expect("it does not end")
    };
    assert!(matches!(next().await, Invalidation::Connected));
    stores[1].change(&approve(1, false)).await.unwrap();
    stores[0].change(&approve(2, false)).await.unwrap();
    // Notifications come in the order of the commits.
    let invalidation = next().await;
    assert!(
        matches!(&invalidation, Invalidation::Key(id) if id == "2"),
        "{invalidation:?}"
    );
}
