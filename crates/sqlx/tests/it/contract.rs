//! The published contract, with and without a prefix or a schema.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::Executor;
use tower_warder_accounts::testing::{
    account_store_contract, audit_store_contract, one_time_token_store_contract,
    session_store_contract,
};

use crate::place::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_store_satisfies_the_contract() {
    let places = Mutex::new(Vec::new());
    let empty = async || {
        let place = Place::sqlite();
        let store = place.open(None).await;
        places.lock().unwrap().push(place);
        store
    };
    account_store_contract(empty).await;
    session_store_contract(empty).await;
    one_time_token_store_contract(empty).await;
    audit_store_contract(empty).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_store_satisfies_the_contract_in_a_schema() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let count = AtomicUsize::new(0);
    let empty = async || {
        let schema = format!("s{}", count.fetch_add(1, Ordering::Relaxed));
        let mut admin = place.connect().await;
        admin.run(&format!("CREATE SCHEMA {schema}")).await;
        let options = place.postgres_options().options([("search_path", &schema)]);
        let store = place.postgres_store(options).await;
        store.migrate().await.unwrap();
        store
    };
    account_store_contract(empty).await;
    session_store_contract(empty).await;
    one_time_token_store_contract(empty).await;
    audit_store_contract(empty).await;
    let mut admin = place.connect().await;
    let outside = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(admin.number(outside).await, 0);
}

/// All rules in one database: each with a prefix of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_with_prefixes_satisfy_the_contract() {
    for place in Place::all().await {
        let count = AtomicUsize::new(0);
        let empty = async || {
            let prefix = format!("app{}_", count.fetch_add(1, Ordering::Relaxed));
            place.open(Some(&prefix)).await
        };
        account_store_contract(empty).await;
        session_store_contract(empty).await;
        one_time_token_store_contract(empty).await;
        audit_store_contract(empty).await;
    }
}

/// The pool of an application, with its own limits and hooks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn store_over_an_application_pool_satisfies_the_contract() {
    use sqlx::postgres::PgPoolOptions;
    use tower_warder_sqlx::PostgresStore;

    let Some(place) = Place::postgres().await else {
        return;
    };
    place.connect().await.run("CREATE SCHEMA own").await;
    let count = AtomicUsize::new(0);
    account_store_contract(async || {
        let pool = PgPoolOptions::new()
            .max_connections(5)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // What the store relies on is not what a pool sets by chance.
                    connection
                        .execute(
                            "SET search_path = own;
                             SET default_transaction_isolation = 'serializable'",
                        )
                        .await?;
                    Ok(())
                })
            })
            .connect_lazy_with(place.postgres_options());
        let prefix = format!("app{}_", count.fetch_add(1, Ordering::Relaxed));
        let store = PostgresStore::new(pool).prefix(&prefix).unwrap();
        store.migrate().await.unwrap();
        store
    })
    .await;
    let outside = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(place.connect().await.number(outside).await, 0);
}
