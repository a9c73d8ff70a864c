//! Stored audit events: the writer, its limits, and the routes.

use std::collections::HashMap;
use std::future::pending;
use std::iter::repeat_n;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tower_warder::async_trait;
use tower_warder_accounts::{
    AuditActor, AuditEvent, AuditEventKind, AuditLog, AuditRetention, AuditStore, AuditWriter,
    InMemoryAccountStore, InMemoryAuditStore, InMemorySessionStore, Sessions, StoreError,
};

use super::server::{PASSWORD, Server, bare, by};
use super::sessions::client::{accounts_of, log_in, mounted};
use crate::support::accounts::described::DOCUMENT;
use crate::support::{OUTAGE, Trace};

const JANE: i64 = 7;

/// A server with all routes, whose events are in this store.
pub fn stored_in(store: impl AuditStore) -> (Server, AuditWriter) {
    let writer = AuditWriter::spawn(store, AuditRetention::default());
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let accounts = accounts.audit_store(writer.clone());
    (mounted(server, accounts, None), writer)
}

fn event(kind: AuditEventKind, account: i64) -> AuditEvent {
    let mut event = AuditEvent::new(kind, AuditActor::Anonymous, SystemTime::now());
    event.account = Some(account);
    event
}

#[tokio::test]
async fn admin_reads_the_last_events_of_an_account() {
    let (server, writer) = stored_in(InMemoryAuditStore::new());
    let (admin, token) = server.admin().await;
    let (jane, _) = server.jane().await;
    let login_time = server.clock.now();
    log_in(&server, &jane.email).await;
    server.clock.advance(Duration::from_secs(60));
    let disabled = server.put(&token, jane.id, json!({"status": "disabled"}));
    assert_eq!(disabled.await.status, 200);
    writer.flush().await;

    let get = async |path: &str| server.send(by(&token, bare("GET", path))).await;
    let path = format!("/users/{}/events", jane.id);
    let events = get(&path).await;
    assert_eq!(events.status, 200);
    assert_eq!(events.header("cache-control"), Some("no-store"));
    let events = events.json();
    let names: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["event"])
        .collect();
    assert_eq!(
        names,
        ["account_disabled", "session_opened", "login_succeeded"]
    );
    assert_eq!(events[0]["actor"], admin.id.to_string());
    assert_eq!(events[0]["account"], jane.id);
    assert_eq!(events[0]["reason"], Value::Null);
    assert_eq!(events[0]["address"], Value::Null);
    assert!(events[1]["session"].is_string());
    assert!(!events.to_string().contains('@'), "{events}");
    let last = get(&format!("{path}?limit=1")).await.json();
    assert_eq!(last, json!([events[0]]));

    let logins = get(&format!(
        "/users/logins/last?ids={},{},99",
        admin.id, jane.id
    ))
    .await;
    assert_eq!(logins.status, 200);
    let logins = logins.json();
    assert_eq!(
        logins,
        json!([{"id": jane.id, "last_login_at": events[2]["at"]}])
    );
    let at: jiff::Timestamp = events[2]["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(SystemTime::try_from(at).unwrap(), login_time);
    for (name, shown) in [("AuditEvent", &events[0]), ("LastLogin", &logins[0])] {
        let schema = &DOCUMENT["components"]["schemas"][name]["properties"];
        let members = |value: &Value| Vec::from_iter(value.as_object().unwrap().keys().cloned());
        assert_eq!(members(shown), members(schema));
    }
}

#[tokio::test]
async fn routes_of_events_are_for_admins() {
    let (server, _) = stored_in(InMemoryAuditStore::new());
    let (_, admin) = server.admin().await;
    let (jane, user) = server.jane().await;
    let path = format!("/users/{}/events", jane.id);
    for path in [
        &*path,
        "/users/99/events",
        "/users/x/events",
        "/users/logins/last",
    ] {
        assert_eq!(server.send(bare("GET", path)).await.status, 401, "{path}");
        let answer = server.send(by(&user, bare("GET", path))).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let many = (1..=101)
        .map(|id| id.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let most = many.trim_end_matches(",101");
    for (path, status) in [
        (&*path, 200),
        (&format!("{path}?limit=500"), 200),
        (&format!("{path}?limit=0"), 422),
        (&format!("{path}?limit=501"), 422),
        (&format!("{path}?limit=%2B1"), 422),
        (&format!("{path}?limit=1&limit=1"), 422),
        ("/users/99/events", 404),
        ("/users/x/events", 422),
        ("/users/99999999999999999999/events", 422),
        (&format!("/users/logins/last?ids={most}"), 200),
        (&format!("/users/logins/last?ids={many}"), 422),
        ("/users/logins/last", 200),
        ("/users/logins/last?ids=", 200),
        ("/users/logins/last?ids=1,,2", 422),
        ("/users/logins/last?ids=01", 422),
    ] {
        let answer = server.send(by(&admin, bare("GET", path))).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let post = server.send(by(&admin, bare("POST", &path))).await;
    assert_eq!(post.status, 405);
}

#[tokio::test]
async fn events_outlive_their_account_without_its_address() {
    let store = InMemoryAuditStore::new();
    let (server, writer) = stored_in(store.clone());
    let (_, token) = server.admin().await;
    let (jane, _) = server.jane().await;
    log_in(&server, &jane.email).await;
    assert_eq!(server.delete(&token, jane.id).await.status, 204);
    writer.flush().await;
    let path = format!("/users/{}/events", jane.id);
    let answer = server.send(by(&token, bare("GET", &path))).await;
    assert_eq!(answer.status, 404);
    let events = store.list_events(jane.id, 10).await.unwrap();
    assert_eq!(events[0].kind, AuditEventKind::AccountDeleted);
    assert_eq!(events.len(), 3);
    assert!(!format!("{events:?}").contains("jane"));
    assert!(store.last_logins(&[jane.id]).await.unwrap().is_empty());
}

#[tokio::test]
async fn flood_of_failed_logins_stores_few_events() {
    let store = InMemoryAuditStore::new();
    let (server, writer) = stored_in(store.clone());
    let (jane, _) = server.jane().await;
    for _ in 0..30 {
        assert_eq!(server.login(&jane.email, "wrong horse").await.status, 401);
        assert_eq!(server.login("eve@example.org", PASSWORD).await.status, 401);
    }
    log_in(&server, &jane.email).await;
    writer.flush().await;
    let events = store.list_events(jane.id, 1000).await.unwrap();
    let failed = |event: &&AuditEvent| event.kind == AuditEventKind::LoginFailed;
    assert_eq!(events.iter().filter(failed).count(), 10);
    assert_eq!(events.len(), 12);

    // However many accounts are attacked; other events are stored all the same.
    for account in 1000..100_000 {
        writer.record(&event(AuditEventKind::LoginFailed, account));
    }
    writer.record(&event(AuditEventKind::AccountPromoted, jane.id));
    writer.flush().await;
    let promoted = store.list_events(jane.id, 1).await.unwrap();
    assert_eq!(promoted[0].kind, AuditEventKind::AccountPromoted);
    let stored = store
        .delete_before(SystemTime::now(), u32::MAX)
        .await
        .unwrap();
    // Two minutes may have begun meanwhile.
    assert!(stored <= 12 + 10 + 2 * 640 + 1, "{stored}");
}

#[tokio::test]
async fn events_beyond_the_queue_are_lost_with_one_warning() {
    let log = Trace::record();
    let store = Controlled::default();
    store.set(Mood::Hangs);
    let (server, writer) = stored_in(store.clone());
    let start = Instant::now();
    for account in 0..5000 {
        writer.record(&event(AuditEventKind::SessionOpened, account));
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    // Nor does a request wait, or fail.
    let (jane, _) = server.jane().await;
    assert_eq!(server.login(&jane.email, PASSWORD).await.status, 200);
    let lines = log.lines("audit events were not stored");
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("count=1"), "{warnings:#?}");
    assert!((3900..5010).contains(&lines.len()), "{}", lines.len());
    // The end of the process does not wait either.
    assert!(
        timeout(Duration::from_millis(50), writer.flush())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn events_are_stored_once_the_store_answers_again() {
    let log = Trace::record();
    let store = Controlled::default();
    store.set(Mood::Fails);
    let writer = AuditWriter::spawn(store.clone(), AuditRetention::default());
    for account in 0..300 {
        writer.record(&event(AuditEventKind::SessionOpened, account));
    }
    sleep(Duration::from_secs(20)).await;
    assert!(store.batches().is_empty());
    store.set(Mood::Works);
    writer.flush().await;
    assert_eq!(store.batches(), [100, 100, 100]);
    let first = store.inner.list_events(0, 10).await.unwrap();
    assert_eq!(first.len(), 1);
    let lines = log.lines("the audit store does not answer");
    let warnings = lines.iter().filter(|line| line.contains("WARN"));
    assert_eq!(warnings.count(), 1, "{lines:#?}");
    assert_eq!(log.lines("audit events were not stored").len(), 0);

    // A store that never answers does not keep the writer for ever.
    store.set(Mood::Fails);
    writer.record(&event(AuditEventKind::SessionOpened, JANE));
    writer.flush().await;
    assert_eq!(log.lines("audit events were not stored").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn events_of_a_moment_are_written_together() {
    let store = Controlled::default();
    let writer = AuditWriter::spawn(store.clone(), AuditRetention::default());
    for _ in 0..3 {
        for _ in 0..5 {
            writer.record(&event(AuditEventKind::SessionOpened, JANE));
            sleep(Duration::from_millis(15)).await;
        }
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(store.batches(), [5, 5, 5]);
    // A flush does not wait for more.
    writer.record(&event(AuditEventKind::SessionOpened, JANE));
    let start = Instant::now();
    writer.flush().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(store.batches(), [5, 5, 5, 1]);
    // What is queued when the last clone is dropped is written, too.
    writer.record(&event(AuditEventKind::SessionEnded, JANE));
    drop(writer);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(store.batches(), [5, 5, 5, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn old_events_are_deleted_in_the_background() {
    let store = Controlled::default();
    let mut old = event(AuditEventKind::SessionOpened, JANE);
    old.at -= Duration::from_secs(90 * 24 * 3600 + 1);
    let old: Vec<_> = repeat_n(old, 1200).collect();
    store.inner.append(&old, u32::MAX).await.unwrap();
    let mut young = event(AuditEventKind::SessionOpened, JANE);
    young.at -= Duration::from_secs(89 * 24 * 3600);
    store.inner.append(&[young], u32::MAX).await.unwrap();

    let writer = AuditWriter::spawn(store.clone(), AuditRetention::default());
    // Also while events arrive all the time.
    for _ in 0..2000 {
        writer.record(&event(AuditEventKind::SessionEnded, JANE));
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(*store.deleted.lock().unwrap(), [500, 500, 200]);
    let left = store.inner.list_events(JANE, u32::MAX).await.unwrap();
    let opened = left
        .iter()
        .filter(|it| it.kind == AuditEventKind::SessionOpened);
    assert_eq!(opened.count(), 1);
    assert_eq!(left.len(), 101);
    sleep(Duration::from_secs(1200)).await;
    assert_eq!(store.deleted.lock().unwrap()[3..], [0, 0]);
}

#[test]
fn recording_needs_no_runtime_of_the_caller() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = InMemoryAuditStore::new();
    let writer = {
        let _guard = runtime.enter();
        AuditWriter::spawn(store.clone(), AuditRetention::default())
    };
    writer.record(&event(AuditEventKind::SessionOpened, JANE));
    runtime.block_on(writer.flush());
    let stored = store.list_events(JANE, 10).now_or_never().unwrap();
    assert_eq!(stored.unwrap().len(), 1);
}

/// Store that fails or hangs on command.
#[derive(Clone, Default)]
struct Controlled {
    inner: InMemoryAuditStore,
    mood: Arc<AtomicUsize>,
    batches: Arc<Mutex<Vec<usize>>>,
    deleted: Arc<Mutex<Vec<u64>>>,
}

#[derive(Clone, Copy)]
enum Mood {
    Works,
    Fails,
    Hangs,
}

impl Controlled {
    fn set(&self, mood: Mood) {
        self.mood.store(mood as usize, Ordering::Relaxed);
    }

    /// Returns the number of events of each call.
    fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

#[async_trait]
impl AuditStore for Controlled {
    async fn append(&self, events: &[AuditEvent], max_per_kind: u32) -> Result<(), StoreError> {
        match self.mood.load(Ordering::Relaxed) {
            mood if mood == Mood::Fails as usize => Err(StoreError::unavailable(OUTAGE)),
            mood if mood == Mood::Hangs as usize => pending().await,
            _ => {
                self.batches.lock().unwrap().push(events.len());
                self.inner.append(events, max_per_kind).await
            }
        }
    }

    async fn list_events(&self, account: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        self.inner.list_events(account, limit).await
    }

    async fn last_logins(&self, accounts: &[i64]) -> Result<HashMap<i64, SystemTime>, StoreError> {
        self.inner.last_logins(accounts).await
    }

    async fn delete_before(&self, time: SystemTime, limit: u32) -> Result<u64, StoreError> {
        let deleted = self.inner.delete_before(time, limit).await?;
        self.deleted.lock().unwrap().push(deleted);
        Ok(deleted)
    }
}
