//! The example `accounts`, without a port.

use tower_warder::testing::account_store_contract;

#[allow(dead_code)]
#[path = "../../examples/accounts/main.rs"]
mod example;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sqlite_store_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    account_store_contract(async || {
        count.set(count.get() + 1);
        let path = directory.path().join(format!("{}.sqlite", count.get()));
        let url = format!("sqlite://{}", path.display());
        example::store::SqliteStore::open(url.parse().unwrap())
            .await
            .unwrap()
    })
    .await;
}
