//! No query reads a whole table.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;

use futures_util::future::join;
use tower_warder::UserStatus;
use tower_warder_accounts::{
    AccountStore, Actor, AdminGrant, AuditActor, AuditEvent, AuditEventKind, Email,
    OneTimeTokenStore, Rotation, SessionStore, StoreError, UserAction, UserFilter, UserOrder,
    UserQuery,
};
use tower_warder_sqlx::SqliteStore;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::place::{
    Place, Stores, approve, change, new, one_time_token, reset_password, session, time,
};

/// Calls every method; accounts have the IDs from 1.
async fn call_everything<S: Stores>(store: &S) {
    let jane = new("jane", AdminGrant::IfNoAdmin);
    let email = jane.email.clone();
    let id = store.insert(jane).await.unwrap().id;
    for admin_grant in [AdminGrant::Never, AdminGrant::IfFirstAccount] {
        let email = Email::new(&format!("{admin_grant:?}@example.com")).unwrap();
        let new = new("any", admin_grant);
        store
            .insert(tower_warder_accounts::NewUser { email, ..new })
            .await
            .unwrap();
    }
    AccountStore::find(store, 1).await.unwrap().unwrap();
    // One statement for both.
    let both = join(AccountStore::find(store, 1), AccountStore::find(store, id));
    assert!(matches!(both.await, (Ok(Some(_)), Ok(Some(_)))));
    store.find_by_email(&email).await.unwrap().unwrap();
    let limit = Some(50);
    for after in [None, Some(id)] {
        let query = UserQuery {
            filter: UserFilter::default(),
            order: UserOrder::CreatedAt {
                descending: true,
                after,
            },
            limit,
        };
        AccountStore::list(store, &query).await.unwrap();
    }
    let pending = UserFilter {
        status: Some(UserStatus::Pending),
        ..UserFilter::default()
    };
    store.count(&pending).await.unwrap();
    for id in [1, id] {
        store.change(&approve(id, true)).await.unwrap();
    }
    let rehash = UserAction::Rehash {
        old: "no".to_owned(),
        new: "hash".to_owned(),
    };
    let rehash = store.change(&change(id, rehash, Actor::System)).await;
    assert!(matches!(rehash, Err(StoreError::Outdated)), "{rehash:?}");
    let revoke = UserAction::RevokeTokens {
        generation: 0,
        hash: None,
    };
    let by_admin = Actor::Admin(1);
    for change in [
        change(id, revoke, Actor::System),
        reset_password(id, by_admin),
        change(id, UserAction::Delete, by_admin),
    ] {
        store.change(&change).await.unwrap();
    }

    let opened = session(1, 7);
    store.open(opened.clone(), 3).await.unwrap();
    SessionStore::find(store, &opened.id)
        .await
        .unwrap()
        .unwrap();
    SessionStore::list(store, 7).await.unwrap();
    let rotation = Rotation {
        token: [1; 32],
        successor: [2; 32],
        at: time(1),
        expires_at: time(2),
    };
    assert!(store.rotate(&opened.id, &[0; 32], rotation).await.unwrap());
    store.revoke_before(7, 1, Some(&opened.id)).await.unwrap();
    assert!(store.end(&opened.id, 7).await.unwrap());

    let token = one_time_token(1, 7);
    store.add(token.clone(), 3).await.unwrap();
    let (digest, purpose) = (&token.digest, token.purpose);
    let found = OneTimeTokenStore::find(store, digest, purpose).await;
    assert!(found.unwrap().is_some());
    assert!(store.take(digest, purpose).await.unwrap().is_some());
    let event = |kind, account| {
        let mut event = AuditEvent::new(kind, AuditActor::System, time(1));
        event.account = account;
        event
    };
    let events = [
        event(AuditEventKind::LoginFailed, None),
        event(AuditEventKind::LoginSucceeded, Some(7)),
        event(AuditEventKind::AccountDeleted, Some(8)),
    ];
    store.append(&events, 3).await.unwrap();
    assert!(!store.list_events(7, 50).await.unwrap().is_empty());
    assert_eq!(store.last_logins(&[7, 8]).await.unwrap().len(), 1);
    assert!(store.delete_before(time(2), 2).await.unwrap() > 0);
}

#[tokio::test]
async fn postgres_reads_no_whole_table() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.postgres_store(place.postgres_options()).await;
    store.migrate().await.unwrap();
    let mut admin = place.connect().await;
    admin
        .run(
            "INSERT INTO users (email, hashed_password, status, created_at)
                 SELECT n || '@example.org', 'none', 'approved', '2026-01-01'::timestamptz
                     + n * INTERVAL '1 second'
                 FROM generate_series(1, 20000) AS n;
             INSERT INTO sessions (id, user_id, generation, device, created_at, last_used_at,
                     expires_at, token)
                 SELECT 's' || n, n / 4, 0, '', now(), now(), now() + INTERVAL '30 days',
                     decode(repeat('00', 32), 'hex')
                 FROM generate_series(1, 20000) AS n;
             INSERT INTO one_time_tokens (digest, purpose, user_id, generation, created_at, expires_at)
                 SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'reset_password', n / 4, 0, now(),
                     now() + INTERVAL '30 days'
                 FROM generate_series(1, 20000) AS n;
             INSERT INTO audit_events (at, event, actor, account)
                 SELECT now() + n * INTERVAL '1 second', 'login_failed', 'anonymous', n / 4
                 FROM generate_series(1, 20000) AS n;
             INSERT INTO audit_last_logins SELECT n, now() FROM generate_series(100, 20000) AS n;
             ANALYZE users; ANALYZE sessions; ANALYZE one_time_tokens; ANALYZE audit_events;
             ANALYZE audit_last_logins;
             SELECT pg_stat_force_next_flush();",
        )
        .await;
    let read = "SELECT SUM(seq_tup_read)::BIGINT FROM pg_stat_user_tables
         WHERE relname IN
             ('users', 'sessions', 'one_time_tokens', 'audit_events', 'audit_last_logins')";
    let before = admin.number(read).await;
    call_everything(&store).await;
    // The servers of its connections report what they read when they end.
    store.close().await;
    let ended = "SELECT COUNT(*) FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend'";
    while admin.number(ended).await > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let rows = admin.number(read).await - before;
    assert!(rows < 100, "{rows} rows were read without an index");
}

#[tokio::test]
async fn sqlite_reads_no_whole_table() {
    // The driver logs each statement, in a thread of its own.
    let subscriber = tracing_subscriber::registry().with(Statements);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let place = Place::sqlite();
    let store = SqliteStore::connect_with(place.sqlite_options())
        .await
        .unwrap();
    let store = store.prefix("plans_").unwrap();
    store.migrate().await.unwrap();
    store.insert(new("first", AdminGrant::Never)).await.unwrap();
    STATEMENTS.lock().unwrap().clear();
    call_everything(&store).await;
    store
        .would_grant_admin(AdminGrant::IfNoAdmin)
        .await
        .unwrap();
    store.ping().await.unwrap();

    let statements = STATEMENTS.lock().unwrap().clone();
    assert!(statements.len() >= 20, "{statements:#?}");
    let mut admin = place.connect().await;
    for statement in statements {
        let plan = admin.plan(&statement).await;
        for step in &plan {
            let is_scan = step.starts_with("SCAN plans_") && !step.contains(" USING ");
            let is_sort = statement.contains("FROM plans_users") && step.contains("TEMP B-TREE");
            assert!(!is_scan && !is_sort, "{statement}\n{plan:#?}");
        }
        // Admins are few, approved accounts are many.
        let reads_admins = statement.contains("is_admin AND status");
        let uses_index = |step: &String| step.contains("plans_users_active_admins");
        assert!(
            !reads_admins || plan.iter().any(uses_index),
            "{statement}\n{plan:#?}"
        );
    }
}

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Collects the statements on tables of this test, which are known by the prefix.
struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut Statement);
        }
    }
}

struct Statement;

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" && value.contains("plans_") {
            STATEMENTS.lock().unwrap().insert(value.trim().to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
