//! Behavior of the store that is specific to PostgreSQL.

mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use futures_util::future::join_all;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_warder::UserStatus;
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, Email, NewUser, StoreError, User, UserAction, UserChange,
    UserQuery, UserUpdate,
};

use super::{Store, open};
use crate::support::accounts::server::{Approved, Server};
use crate::support::{OwnServer, Place, PostgresDatabase};

/// A store, and a connection that bypasses it, as an admin has with `psql`.
struct Fixture {
    store: Arc<dyn Store>,
    admin: PgConnection,
    _database: PostgresDatabase,
}

impl Fixture {
    async fn new() -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        let store = open(database.url()).await;
        Some(Self {
            store,
            admin: database.connect().await,
            _database: database,
        })
    }

    async fn sql(&mut self, statements: &str) {
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        self.admin.execute(sqlx::raw_sql(statements)).await.unwrap();
    }

    async fn number(&mut self, query: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        sqlx::query_scalar(query)
            .fetch_one(&mut self.admin)
            .await
            .unwrap()
    }

    async fn until_some(&mut self, query: &str) {
        let begin = Instant::now();
        while self.number(query).await == 0 {
            assert!(begin.elapsed() < Duration::from_secs(10), "{query}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            // Otherwise a transaction does not see later connections.
            self.sql("SELECT pg_stat_clear_snapshot()").await;
        }
    }

    /// Waits until a connection of the store waits for a lock.
    async fn store_waits(&mut self) {
        self.until_some(WAITING).await;
    }
}

const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'";

async fn add(store: &dyn Store, name: &str) -> User {
    store.insert(new(name)).await.unwrap()
}

fn new(name: &str) -> NewUser {
    NewUser {
        email: Email::new(&format!("{name}@example.org")).unwrap(),
        hashed_password: format!("the hash of {name}"),
        is_admin: false,
        status: UserStatus::Pending,
        created_at: UNIX_EPOCH + Duration::from_micros(1_767_225_600_123_457),
        admin_grant: AdminGrant::Never,
    }
}

fn to(id: i64, status: UserStatus, is_admin: bool) -> UserChange {
    let update = UserUpdate {
        email: None,
        is_admin: Some(is_admin),
        status: Some(status),
    };
    change(id, UserAction::Update(update))
}

const fn change(id: i64, action: UserAction) -> UserChange {
    UserChange {
        id,
        action,
        by: Actor::System,
        at: UNIX_EPOCH,
    }
}

#[tokio::test]
async fn waiting_writers_do_not_block_readers() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let jane = add(&*fixture.store, "jane").await;
    fixture
        .sql("BEGIN; UPDATE users SET status = 'disabled'")
        .await;
    let mut writers = JoinSet::new();
    for _ in 0..30 {
        let store = Arc::clone(&fixture.store);
        writers.spawn(async move { store.change(&to(jane.id, Approved, false)).await });
    }
    fixture.store_waits().await;

    for _ in 0..10 {
        let found = fixture.store.find(jane.id).await.unwrap().unwrap();
        assert_eq!(found.status, UserStatus::Pending);
    }
    // The others wait for a connection.
    assert!(fixture.number(WAITING).await <= 1);

    fixture.sql("COMMIT").await;
    let last = writers.join_all().await.pop().unwrap();
    assert_eq!(last.unwrap().unwrap().status, Approved);
}

/// The store counts active admins only after a concurrent transaction has ended.
#[tokio::test]
async fn last_admin_check_waits_for_external_writes() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let mut ids = Vec::new();
    for name in ["ada", "bob"] {
        let id = add(&*fixture.store, name).await.id;
        fixture.store.change(&to(id, Approved, true)).await.unwrap();
        ids.push(id);
    }
    fixture
        .sql("BEGIN; UPDATE users SET status = 'disabled' WHERE email = 'bob@example.org'")
        .await;
    let store = Arc::clone(&fixture.store);
    let id = ids[0];
    let demotion = tokio::spawn(async move { store.change(&to(id, Approved, false)).await });
    fixture.store_waits().await;
    fixture.sql("COMMIT").await;
    let rejected = demotion.await.unwrap().unwrap_err();
    assert!(matches!(rejected, StoreError::LastAdmin(_)), "{rejected:?}");
}

#[tokio::test]
async fn deadlock_victim_is_retried() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let ada = add(&*fixture.store, "ada").await;
    let bob = add(&*fixture.store, "bob").await;
    for id in [ada.id, bob.id] {
        fixture.store.change(&to(id, Approved, true)).await.unwrap();
    }
    // The admin has locked Bob and waits for Ada, the store the other way round. Because of the
    // timeout PostgreSQL detects the deadlock in the store, whose transaction it aborts.
    fixture
        .sql(
            "SET deadlock_timeout = '30s'; BEGIN;
             UPDATE users SET token_generation = 7 WHERE email = 'bob@example.org'",
        )
        .await;
    let store = Arc::clone(&fixture.store);
    let change = tokio::spawn(async move { store.change(&to(ada.id, Approved, false)).await });
    fixture.store_waits().await;
    fixture
        .sql("UPDATE users SET token_generation = 7 WHERE email = 'ada@example.org'; COMMIT")
        .await;
    let changed = change.await.unwrap().unwrap().unwrap();
    assert_eq!((changed.is_admin, changed.token_generation), (false, 7));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    // It is counted with a delay.
    fixture.until_some(deadlocks).await;
}

/// Counts the attempts in a sequence, which is not rolled back.
const FAILING: &str = "CREATE SEQUENCE attempts;
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('attempts') <= $TIMES THEN
            RAISE EXCEPTION 'for this test' USING ERRCODE = '$STATE';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER fail AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION fail();";

#[tokio::test]
async fn rolled_back_transaction_is_tried_three_times() {
    for (code, times, attempts) in [
        ("40001", 2, 3),
        ("40P01", 2, 3),
        ("40001", 9, 3),
        // For other errors a retry does not help or is not safe.
        ("40003", 9, 1),
        ("53100", 9, 1),
        ("57014", 9, 1),
    ] {
        let Some(mut fixture) = Fixture::new().await else {
            return;
        };
        let failing = FAILING.replace("$STATE", code);
        fixture
            .sql(&failing.replace("$TIMES", &times.to_string()))
            .await;
        let inserted = fixture.store.insert(new("jane")).await;
        assert_eq!(inserted.is_ok(), times < attempts, "{code} {inserted:?}");
        let made = fixture.number("SELECT last_value FROM attempts").await;
        assert_eq!(made, attempts, "{code}");
    }
}

#[tokio::test]
async fn unanswered_commit_is_not_retried() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    fixture
        .sql(
            "CREATE SEQUENCE attempts;
             CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM nextval('attempts'), pg_terminate_backend(pg_backend_pid());
                 RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER break AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION break();",
        )
        .await;
    let lost = fixture.store.insert(new("jane")).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(fixture.number("SELECT last_value FROM attempts").await, 1);
    // The connection is replaced by another.
    assert_eq!(fixture.store.list(&UserQuery::default()).await.unwrap(), []);
}

#[tokio::test]
async fn full_pool_is_unavailable_in_time_and_recovers() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    let jane = add(&*fixture.store, "jane").await;
    fixture.store.ping().await.unwrap();
    fixture.sql("BEGIN; LOCK TABLE users").await;
    let begin = Instant::now();
    let finds = (0..12).map(|_| fixture.store.find(jane.id));
    for found in join_all(finds).await {
        assert!(
            matches!(found, Err(StoreError::Unavailable(_))),
            "{found:?}"
        );
    }
    let took = begin.elapsed();
    assert!(took < IN_TIME, "{took:?}");
    fixture.sql("COMMIT").await;
    assert!(fixture.store.find(jane.id).await.unwrap().is_some());
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn only_the_email_index_reports_email_taken() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    fixture
        .sql("CREATE UNIQUE INDEX another ON users (hashed_password)")
        .await;
    add(&*fixture.store, "jane").await;
    let same_address = fixture.store.insert(NewUser {
        hashed_password: "another".to_owned(),
        ..new("jane")
    });
    assert!(matches!(same_address.await, Err(StoreError::EmailTaken)));
    let same_hash = fixture.store.insert(NewUser {
        hashed_password: new("jane").hashed_password,
        ..new("bob")
    });
    let rejected = same_hash.await;
    assert!(
        matches!(rejected, Err(StoreError::Unavailable(_))),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn timestamps_match_those_of_the_database() {
    let Some(mut fixture) = Fixture::new().await else {
        return;
    };
    // After and before the epoch of PostgreSQL, and before that of Unix.
    for (name, micros) in [("a", 1_767_225_600_123_457), ("b", 1), ("c", 0), ("d", -1)] {
        let distance = Duration::from_micros(i64::unsigned_abs(micros));
        let created_at = match micros {
            0.. => UNIX_EPOCH + distance,
            _ => UNIX_EPOCH - distance,
        };
        let new = NewUser {
            created_at,
            ..new(name)
        };
        let id = fixture.store.insert(new).await.unwrap().id;
        let found = fixture.store.find(id).await.unwrap().unwrap();
        assert_eq!(found.created_at, created_at);
        let query = "SELECT (EXTRACT(EPOCH FROM created_at) * 1000000)::BIGINT FROM users
             ORDER BY id DESC LIMIT 1";
        assert_eq!(fixture.number(query).await, micros);
    }
}

#[tokio::test]
async fn sql_change_takes_effect_on_the_next_request() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let url = place.postgres_url().unwrap().to_owned();
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let server = Server::at(Arc::new(place), |accounts| accounts).await;
    let (_, token) = server.jane().await;
    for (update, status) in [
        ("UPDATE users SET status = 'approved'", 200),
        ("UPDATE users SET status = 'disabled'", 401),
        // The tokens stay revoked.
        ("UPDATE users SET status = 'approved'", 401),
        ("UPDATE users SET token_generation = 0", 200),
        ("UPDATE users SET token_generation = 1", 401),
        ("UPDATE users SET token_generation = 0", 200),
        ("DELETE FROM users", 401),
    ] {
        admin.execute(update).await.unwrap();
        assert_eq!(server.me(&token).await.status, status, "{update}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_fails_in_time_during_an_outage_and_recovers() {
    let Some(service) = OwnServer::postgres() else {
        return;
    };
    let store = open(service.url()).await;
    let jane = add(&*store, "jane").await;

    service.freeze();
    // More than the pool has, each cancelled halfway.
    let cancelled = (0..8).map(|_| {
        let store = Arc::clone(&store);
        let call = async move { store.find(jane.id).await };
        tokio::time::timeout(Duration::from_millis(100), call)
    });
    assert!(join_all(cancelled).await.iter().all(Result::is_err));
    assert_eq!(calls_that_do_not_fail_in_time(&store, jane.id).await, []);
    service.thaw();
    wait_until_available(&store).await;

    service.kill();
    assert_eq!(calls_that_do_not_fail_in_time(&store, jane.id).await, []);
    service.start();
    wait_until_available(&store).await;
    assert_eq!(
        store.find(jane.id).await.unwrap().unwrap().email,
        jane.email
    );
}

/// As when a machine is lost: connections are not closed, and packets get no response.
#[tokio::test]
async fn dead_connections_are_replaced() {
    let Some(database) = PostgresDatabase::new().await else {
        return;
    };
    let proxy = Proxy::to(database.url()).await;
    let store = open(&proxy.url).await;
    let jane = add(&*store, "jane").await;
    let mut admin = database.connect().await;
    admin.execute("BEGIN").await.unwrap();
    admin.execute("LOCK TABLE users").await.unwrap();
    // As many as the pool has, so that all are in use.
    let finds = (0..4).map(|_| tokio::time::timeout(Duration::from_secs(1), store.find(jane.id)));
    assert!(join_all(finds).await.iter().all(Result::is_err));
    proxy.cut();
    admin.execute("COMMIT").await.unwrap();
    wait_until_available(&store).await;
}

/// TCP proxy to the server that can be cut.
struct Proxy {
    url: String,
    cut: tokio::sync::watch::Sender<()>,
}

impl Proxy {
    async fn to(url: &str) -> Self {
        let mut url: reqwest::Url = url.parse().unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        url.set_port(Some(port)).unwrap();
        let (cut, cuts) = tokio::sync::watch::channel(());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut cuts) = (server.clone(), cuts.clone());
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = cuts.changed() => std::future::pending().await,
                    }
                });
            }
        });
        let url = url.into();
        Self { url, cut }
    }

    /// Silences the present connections. Later ones work.
    fn cut(&self) {
        self.cut.send(()).unwrap();
    }
}

/// Makes each call several times at once, and returns those that do not fail in time.
async fn calls_that_do_not_fail_in_time(
    store: &Arc<dyn Store>,
    id: i64,
) -> Vec<(&'static str, Duration)> {
    const CALLS: [&str; 11] = [
        "insert",
        "find",
        "find_by_email",
        "list",
        "count",
        "update",
        "delete",
        "reset_password",
        "rehash",
        "revoke_tokens",
        "ping",
    ];
    let calls = CALLS.iter().cycle().take(30).map(async |call| {
        let begin = Instant::now();
        let failed = match *call {
            "insert" => store.insert(new("paul")).await.is_err(),
            "find" => store.find(id).await.is_err(),
            "find_by_email" => store.find_by_email(&new("jane").email).await.is_err(),
            "list" => store.list(&UserQuery::default()).await.is_err(),
            "count" => store.count(&Default::default()).await.is_err(),
            "ping" => store.ping().await.is_err(),
            other => {
                let hash = "hash".to_owned();
                let action = match other {
                    "delete" => UserAction::Delete,
                    "reset_password" => UserAction::ResetPassword {
                        hash,
                        must_change: false,
                    },
                    "rehash" => UserAction::Rehash {
                        old: hash.clone(),
                        new: hash,
                    },
                    "revoke_tokens" => UserAction::RevokeTokens {
                        generation: 0,
                        hash: None,
                    },
                    _ => to(id, Approved, false).action,
                };
                store.change(&change(id, action)).await.is_err()
            }
        };
        (*call, failed, begin.elapsed())
    });
    let ended = join_all(calls).await.into_iter();
    let bad = ended.filter(|(_, failed, took)| !failed || *took > IN_TIME);
    bad.map(|(call, _, took)| (call, took)).collect()
}

/// Waits until the store has recovered, without help and within seconds.
async fn wait_until_available(store: &Arc<dyn Store>) {
    let begin = Instant::now();
    while store.ping().await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.count(&Default::default()).await.unwrap();
}

/// Timeout of the layer for a user.
const IN_TIME: Duration = Duration::from_secs(5);
