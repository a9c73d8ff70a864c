//! The example `accounts`, without a port.

use std::path::Path;

use tower_warder::accounts::AccountStore;
use tower_warder::testing::account_store_contract;

#[allow(dead_code)]
#[path = "../../examples/accounts/main.rs"]
mod example;

/// A store of the example, in a file of its own.
pub async fn sqlite_store(file: &Path) -> impl AccountStore + use<> {
    let url = format!("sqlite://{}", file.display());
    example::store::SqliteStore::open(url.parse().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sqlite_store_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    account_store_contract(async || {
        count.set(count.get() + 1);
        sqlite_store(&directory.path().join(format!("{}.sqlite", count.get()))).await
    })
    .await;
}
