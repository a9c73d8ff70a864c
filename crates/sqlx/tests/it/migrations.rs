//! Migrations: of a new database, of one that an earlier version made, beside the application's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use tokio::time::{sleep, timeout};
use tower_warder_accounts::{AccountStore, Actor, AdminGrant, Email, UserAction};
use tower_warder_sqlx::PostgresStore;

use crate::place::{Admin, Place, Stores, approve, change, new};

const fn directory(place: &Place) -> &'static str {
    match place {
        Place::Sqlite(_) => concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite"),
        Place::Postgres(_) => concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres"),
    }
}

async fn files(place: &Place) -> Vec<Migration> {
    let migrator = Migrator::new(Path::new(directory(place))).await.unwrap();
    migrator.iter().cloned().collect()
}

/// Runs migrations as an application does, with the table of sqlx.
async fn run(admin: &mut Admin, migrations: Vec<Migration>) {
    let migrator = Migrator::with_migrations(migrations);
    match admin {
        Admin::Sqlite(connection) => migrator.run(connection).await.unwrap(),
        Admin::Postgres(connection) => migrator.run(connection).await.unwrap(),
    }
}

/// Last version of the server that had the table of sqlx.
const fn last_of_the_server(place: &Place) -> i64 {
    if place.is_sqlite() { 4 } else { 5 }
}

#[tokio::test]
async fn database_of_an_earlier_server_keeps_its_accounts() {
    for place in Place::all().await {
        let mut admin = earlier_server(&place).await;
        for _ in 0..2 {
            assert_has_jane(&place.open(None).await).await;
        }
        // A node of the earlier version can still be started.
        let recorded = "SELECT COUNT(*) FROM _sqlx_migrations";
        assert_eq!(admin.number(recorded).await, last_of_the_server(&place));
    }
}

/// The process was killed after some rows had been written.
#[tokio::test]
async fn interrupted_adoption_is_completed() {
    for place in Place::all().await {
        let mut admin = earlier_server(&place).await;
        admin
            .run(
                "CREATE TABLE tower_warder_migrations AS
                     SELECT * FROM _sqlx_migrations WHERE version <= 2",
            )
            .await;
        assert_has_jane(&place.open(None).await).await;
        let recorded = "SELECT COUNT(DISTINCT version) FROM tower_warder_migrations";
        let count = i64::try_from(files(&place).await.len()).unwrap();
        assert_eq!(admin.number(recorded).await, count);
    }
}

/// Whether or not that service has been migrated by this version.
#[tokio::test]
async fn service_in_another_schema_is_kept_apart() {
    for is_migrated in [false, true] {
        let Some(place) = Place::postgres().await else {
            return;
        };
        let mut admin = earlier_server(&place).await;
        if is_migrated {
            place.open(None).await;
        }
        admin.run("CREATE SCHEMA other").await;
        let options = place.postgres_options();
        let options = options.options([("search_path", "other,public")]);
        let store = place.postgres_store(options).await;
        for _ in 0..2 {
            store.migrate().await.unwrap();
        }
        assert_eq!(store.count(&Default::default()).await.unwrap(), 0);
        store.insert(new("paul", AdminGrant::Never)).await.unwrap();
        for schema in ["public", "other"] {
            let count = format!("SELECT COUNT(*) FROM {schema}.users");
            assert_eq!(admin.number(&count).await, 1, "{schema}");
        }
    }
}

/// A record of sqlx in the schema, but the accounts elsewhere.
#[tokio::test]
async fn record_without_accounts_is_not_adopted() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let mut admin = earlier_server(&place).await;
    admin
        .run(
            "CREATE SCHEMA other;
             CREATE TABLE other._sqlx_migrations AS SELECT * FROM public._sqlx_migrations",
        )
        .await;
    let options = place.postgres_options();
    let options = options.options([("search_path", "other,public")]);
    let store = place.postgres_store(options).await;
    store.migrate().await.unwrap();
    assert_eq!(store.count(&Default::default()).await.unwrap(), 0);
    assert_eq!(admin.number("SELECT COUNT(*) FROM other.users").await, 0);
}

#[tokio::test]
async fn instances_are_answered_while_a_migration_waits() {
    // A new column needs the whole table: it waits for readers, too, such as `pg_dump`.
    for lock in ["ROW EXCLUSIVE", "ACCESS SHARE"] {
        if let Some(place) = Place::postgres().await {
            instances_are_answered_beside(&place, lock).await;
        }
    }
}

async fn instances_are_answered_beside(place: &Place, lock: &str) {
    let mut other = earlier_server(place).await;
    let lock = format!("BEGIN; LOCK TABLE users IN {lock} MODE");
    other.run(&lock).await;
    let [store, migrating] = unmigrated(place).await;
    let migrating = tokio::spawn(async move { migrating.migrate().await });
    for n in 0..6 {
        let jane = new(&format!("n{n}"), AdminGrant::Never);
        store.insert(jane).await.unwrap();
        sleep(Duration::from_millis(300)).await;
    }
    assert!(!migrating.is_finished());
    other.run("ROLLBACK").await;
    migrating.await.unwrap().unwrap();
    assert_eq!(store.count(&Default::default()).await.unwrap(), 7);
}

#[tokio::test]
async fn migration_without_a_lock_is_an_error() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let mut writer = earlier_server(&place).await;
    writer
        .run("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE")
        .await;
    let [store, other] = unmigrated(&place).await;
    let migrated = timeout(Duration::from_secs(30), store.migrate()).await;
    let error = migrated.unwrap().unwrap_err();
    assert!(
        matches!(error, MigrateError::ExecuteMigration(..)),
        "{error}"
    );
    writer.run("ROLLBACK").await;
    // The lock of the call that failed is free.
    other.migrate().await.unwrap();
}

#[tokio::test]
async fn migrations_only_add() {
    for place in Place::all().await {
        for file in files(&place).await {
            let lines = file.sql.as_str().lines();
            let code: Vec<&str> = lines.filter(|line| !line.starts_with("--")).collect();
            let text = code.join("\n").to_uppercase();
            for word in ["DROP ", "RENAME ", "ALTER COLUMN "] {
                assert!(!text.contains(word), "{}: {word}", file.version);
            }
        }
    }
}

/// Makes the tables as the earlier server did, with jane, and returns the connection.
async fn earlier_server(place: &Place) -> Admin {
    let mut admin = place.connect().await;
    let mut before = files(place).await;
    before.retain(|file| file.version <= last_of_the_server(place));
    run(&mut admin, before).await;
    admin
        .run(
            "INSERT INTO users (email, hashed_password, created_at, status)
             VALUES ('jane@example.com', 'hash', '2026-01-01T00:00:00.000000Z', 'approved')",
        )
        .await;
    admin
}

async fn assert_has_jane(store: &Arc<dyn Stores>) {
    let jane = Email::new("jane@example.com").unwrap();
    let jane = store.find_by_email(&jane).await.unwrap().unwrap();
    assert_eq!(jane.hashed_password, "hash");
}

/// Returns the stores of two instances, before the migration.
async fn unmigrated(place: &Place) -> [PostgresStore; 2] {
    let options = || place.postgres_options();
    [
        place.postgres_store(options()).await,
        place.postgres_store(options()).await,
    ]
}

#[tokio::test]
async fn released_migrations_are_not_changed() {
    for (place, expected) in [
        (
            Some(Place::sqlite()),
            &[
                "60bddea006047420",
                "783a3ed08d92097e",
                "e728669dbc9dbafe",
                "54eb0cb7e145a8bd",
            ][..],
        ),
        (
            Place::postgres().await,
            &[
                "6addf2db8a708f92",
                "9518e54cef6b219e",
                "8b074194d085535a",
                "e728669dbc9dbafe",
                "f07f243d947c996f",
            ],
        ),
    ] {
        let Some(place) = place else { continue };
        for (file, expected) in files(&place).await.iter().zip(expected) {
            let start: String = file.checksum[..8]
                .iter()
                .map(|it| format!("{it:02x}"))
                .collect();
            assert_eq!(start, *expected, "{}", file.version);
        }
    }
}

#[tokio::test]
async fn every_published_file_is_applied() {
    for place in Place::all().await {
        place.open(None).await;
        let mut admin = place.connect().await;
        let query = "SELECT version FROM tower_warder_migrations WHERE success ORDER BY version";
        let mut applied = Vec::new();
        for n in 0..admin
            .number("SELECT COUNT(*) FROM tower_warder_migrations")
            .await
        {
            applied.push(admin.number(&format!("{query} LIMIT 1 OFFSET {n}")).await);
        }
        let files = files(&place).await;
        let versions: Vec<i64> = files.iter().map(|file| file.version).collect();
        assert_eq!(applied, versions);
    }
}

/// With the same versions as ours.
#[tokio::test]
async fn migrations_of_the_application_are_kept_apart() {
    for place in Place::all().await {
        let mut admin = place.connect().await;
        let own = |version, text| {
            let text = SqlStr::from_static(text);
            Migration::new(version, "own".into(), MigrationType::Simple, text, false)
        };
        let first = own(1, "CREATE TABLE articles (id BIGINT PRIMARY KEY)");
        let second = own(2, "CREATE TABLE comments (id BIGINT PRIMARY KEY)");
        run(&mut admin, vec![first.clone()]).await;
        place.open(None).await;
        run(&mut admin, vec![first.clone(), second.clone()]).await;
        place.open(None).await;
        run(&mut admin, vec![first, second]).await;
        let recorded = "SELECT COUNT(*) FROM _sqlx_migrations";
        assert_eq!(admin.number(recorded).await, 2);
    }
}

#[tokio::test]
async fn concurrent_migrations_wait_for_each_other() {
    for place in Place::all().await {
        join_all((0..5).map(|_| place.open(Some("auth_")))).await;
        let store = place.open(Some("auth_")).await;
        assert_eq!(store.count(&Default::default()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn every_name_has_the_prefix() {
    for place in Place::all().await {
        place.open(Some("auth_")).await;
        let mut admin = place.connect().await;
        let queries: &[&str] = if place.is_sqlite() {
            &["SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"]
        } else {
            &[
                "SELECT relname::TEXT FROM pg_class WHERE relnamespace = 'public'::regnamespace",
                "SELECT proname::TEXT FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
                "SELECT tgname::TEXT FROM pg_trigger",
                "SELECT conname::TEXT FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace",
            ]
        };
        for query in queries {
            let names = admin.texts(query).await;
            assert!(names.len() > 1, "{query}");
            for name in names {
                assert!(name.starts_with("auth_"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn stores_with_two_prefixes_have_separate_accounts() {
    for place in Place::all().await {
        let stores = [
            place.open(None).await,
            place.open(Some("a_")).await,
            place.open(Some("b_")).await,
        ];
        for (n, store) in stores.iter().enumerate() {
            let jane = new("jane", AdminGrant::IfFirstAccount);
            assert!(store.insert(jane).await.unwrap().is_admin, "{n}");
        }
    }
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let Some(postgres) = Place::postgres().await else {
        return;
    };
    let mut indexes = Vec::new();
    for (place, query) in [
        (
            Place::sqlite(),
            "SELECT name FROM sqlite_master
             WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        ),
        (
            postgres,
            // Without those of constraints.
            "SELECT relname::TEXT FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
             WHERE relnamespace = 'public'::regnamespace AND NOT indisunique ORDER BY relname",
        ),
    ] {
        place.open(None).await;
        indexes.push(place.connect().await.texts(query).await);
    }
    assert_eq!(indexes[0], indexes[1]);
    assert!(indexes[0].len() >= 5, "{indexes:?}");
}

#[tokio::test]
async fn rows_of_the_application_are_deleted_with_the_account() {
    for place in Place::all().await {
        let store = place.open(Some("auth_")).await;
        let mut ids = Vec::new();
        for name in ["jane", "paul"] {
            let id = store.insert(new(name, AdminGrant::Never)).await.unwrap().id;
            store.change(&approve(id, true)).await.unwrap();
            ids.push(id);
        }
        let mut admin = place.connect().await;
        admin
            .run(
                "CREATE TABLE profile (
                     user_id BIGINT PRIMARY KEY REFERENCES auth_users (id) ON DELETE CASCADE,
                     name TEXT NOT NULL
                 );
                 INSERT INTO profile SELECT id, email FROM auth_users",
            )
            .await;
        let deletion = change(ids[0], UserAction::Delete, Actor::Admin(ids[1]));
        store.change(&deletion).await.unwrap();
        let left = "SELECT user_id FROM profile";
        assert_eq!(admin.number("SELECT COUNT(*) FROM profile").await, 1);
        assert_eq!(admin.number(left).await, ids[1]);
    }
}
