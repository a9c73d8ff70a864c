//! Hooks of the application, around each operation.

use std::collections::HashMap;
use std::future::pending;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tower_warder::cache::UserCache;
use tower_warder::{BoxError, async_trait, testing};
use tower_warder_accounts::throttle::{Limit, Throttle};
use tower_warder_accounts::{
    AccountError, AccountHooks, AccountStore, Actor, Email, HookContext, HookError,
    InMemoryAccountStore, InMemorySessionStore, Mail, MailQueue, NewUser, Registration, Sessions,
    StoreError, User, UserAction, UserChange, UserFilter, UserImport, UserQuery, UserUpdate,
};

use super::audit::Events;
use super::cookie::browser::{form_to, token_in};
use super::forgot_password::{PAGES, next, none_left, outbox};
use super::password_reset::{reset_by_token, reset_token};
use super::server::{
    AnyAccounts, Approved, Disabled, PASSWORD, Pending, Server, bare, by, hash, json_to,
};
use super::sessions::client::{
    Tokens, accounts_of, changing, log_in, mounted, refresh, renewed, sessions,
};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
const NEW: &str = "battery staple";
const TEXT: &str = "Not on \"Sundays\"\r\n<b>";

/// Hooks that record their calls, and do what a test tells them.
#[derive(Clone)]
struct Recorder {
    calls: Arc<Mutex<Vec<String>>>,
    moods: Arc<Mutex<HashMap<&'static str, Mood>>>,
    claims: Arc<Mutex<Map<String, Value>>>,
    gate: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Vetoes,
    Fails,
    Panics,
    Hangs,
    /// Completes once the test opens the gate.
    Waits,
}

impl Recorder {
    fn new() -> Self {
        Self {
            calls: Arc::default(),
            moods: Arc::default(),
            claims: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    fn set(&self, hook: &'static str, mood: Option<Mood>) {
        let mut moods = self.moods.lock().unwrap();
        match mood {
            Some(mood) => drop(moods.insert(hook, mood)),
            None => drop(moods.remove(hook)),
        }
    }

    fn take(&self) -> Vec<String> {
        mem::take(&mut *self.calls.lock().unwrap())
    }

    fn names(&self) -> Vec<String> {
        let calls = self.take();
        let name = |call: &String| call.split(' ').next().unwrap().to_owned();
        calls.iter().map(name).collect()
    }

    async fn call(&self, hook: &'static str, what: &str) -> Result<(), HookError> {
        self.calls.lock().unwrap().push(format!("{hook} {what}"));
        let mood = self.moods.lock().unwrap().get(hook).copied();
        match mood {
            None => Ok(()),
            Some(Mood::Vetoes) => Err(HookError::veto(TEXT)),
            Some(Mood::Fails) => Err("crm.internal is away".into()),
            Some(Mood::Panics) => panic!("crm.internal"),
            Some(Mood::Hangs) => pending().await,
            Some(Mood::Waits) => {
                self.gate.acquire().await.unwrap().forget();
                self.calls.lock().unwrap().push(format!("{hook} done"));
                Ok(())
            }
        }
    }

    async fn after(
        &self,
        hook: &'static str,
        user: &User,
        by: &HookContext,
    ) -> Result<(), BoxError> {
        let called = self.call(hook, &format!("{} {}", user.id, by.actor)).await;
        called.map_err(|error| error.to_string().into())
    }
}

macro_rules! hooks {
    ($($before:ident $after:ident)+) => {
        #[async_trait]
        impl AccountHooks for Recorder {
            async fn before_register(&self, email: &Email, by: &HookContext) -> Result<(), HookError> {
                let what = format!("{} {}", email.as_str(), by.actor);
                self.call("before_register", &what).await
            }

            async fn after_register(&self, user: &User, by: &HookContext) -> Result<(), BoxError> {
                self.after("after_register", user, by).await
            }

            $(
                async fn $before(&self, user: &User, by: &HookContext) -> Result<(), HookError> {
                    self.call(stringify!($before), &format!("{} {}", user.id, by.actor)).await
                }

                async fn $after(&self, user: &User, by: &HookContext) -> Result<(), BoxError> {
                    self.after(stringify!($after), user, by).await
                }
            )+

            async fn token_claims(&self, user: &User) -> Result<Map<String, Value>, BoxError> {
                let called = self.call("token_claims", &user.id.to_string()).await;
                called.map_err(|error| error.to_string())?;
                Ok(self.claims.lock().unwrap().clone())
            }
        }
    };
}

hooks! {
    before_login after_login
    before_approve after_approve
    before_password_change after_password_change
    before_delete after_delete
}

struct App {
    server: Server,
    hooks: Recorder,
    events: Events,
    accounts: AnyAccounts,
    /// Of the admin with the id 1.
    admin: String,
}

impl App {
    /// With the admin 1 and Jane, whose id is 2.
    async fn new() -> Self {
        Self::over(Server::over(InMemoryAccountStore::new())).await
    }

    async fn over(server: Server) -> Self {
        let (hooks, events) = (Recorder::new(), Events::default());
        let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
            .hooks(hooks.clone())
            .audit_log(events.log());
        let server = mounted(server, accounts.clone(), None);
        let (_, admin) = server.admin().await;
        server.jane().await;
        Self {
            server,
            hooks,
            events,
            accounts,
            admin,
        }
    }

    async fn pending(&self) -> User {
        self.server.add("paul@example.org", false, Pending).await
    }
}

/// Operations with their two hooks, by a client.
const OPERATIONS: [(&str, &str, &str); 7] = [
    ("register", "before_register", "after_register"),
    ("login", "before_login", "after_login"),
    ("cookie", "before_login", "after_login"),
    ("approve", "before_approve", "after_approve"),
    ("reset", "before_password_change", "after_password_change"),
    ("change", "before_password_change", "after_password_change"),
    ("delete", "before_delete", "after_delete"),
];

/// Sends the request of an operation. Each can be sent again if it was rejected.
async fn send(app: &App, operation: &str) -> Answer {
    let App { server, admin, .. } = app;
    match operation {
        "register" => server.register("new@example.org").await,
        "login" => server.login(JANE, PASSWORD).await,
        "cookie" => server.send(form_to("/cookie/login", JANE, PASSWORD)).await,
        "approve" => {
            let update = json!({"status": "approved", "email": "paula@example.org"});
            server.put(admin, 3, update).await
        }
        "reset" => server.reset(admin, 3, NEW).await,
        "change" => {
            let token = server.token(&server.stored(2).await);
            server.send(changing(&token, PASSWORD, PASSWORD)).await
        }
        _ => server.delete(admin, 3).await,
    }
}

#[tokio::test]
async fn hooks_run_before_and_after_each_operation() {
    let app = App::new().await;
    app.pending().await;
    for (operation, calls) in [
        (
            "register",
            &[
                "before_register new@example.org anonymous",
                "after_register 4 anonymous",
            ][..],
        ),
        (
            "login",
            &["before_login 2 2", "after_login 2 2", "token_claims 2"],
        ),
        (
            "cookie",
            &["before_login 2 2", "after_login 2 2", "token_claims 2"],
        ),
        ("approve", &["before_approve 3 1", "after_approve 3 1"]),
        (
            "reset",
            &["before_password_change 3 1", "after_password_change 3 1"],
        ),
        (
            "change",
            &["before_password_change 2 2", "after_password_change 2 2"],
        ),
        ("delete", &["before_delete 3 1", "after_delete 3 1"]),
    ] {
        let answer = send(&app, operation).await;
        assert!(answer.status.is_success(), "{operation}: {}", answer.body);
        assert_eq!(app.hooks.take(), calls, "{operation}");
    }
    // The owner, by a link that an admin created.
    let token = reset_token(&app.server, &app.admin, 2).await;
    assert_eq!(reset_by_token(&app.server, &token, NEW).await.status, 200);
    let calls = [
        "before_password_change 2 anonymous",
        "after_password_change 2 anonymous",
    ];
    assert_eq!(app.hooks.take(), calls);
}

/// As the command line of an application calls them.
#[tokio::test]
async fn hooks_run_for_the_application_itself() {
    let app = App::new().await;
    let accounts = app.accounts.clone().audit_as_system();
    let import = UserImport::new(Email::new("ida@example.org").unwrap(), hash().await);
    let id = accounts.import(import.clone()).await.unwrap().id;
    let added = [
        "before_register ida@example.org system",
        "after_register 3 system",
    ];
    assert_eq!(app.hooks.take(), added);
    accounts.import(import).await.unwrap_err();
    assert_eq!(app.hooks.take(), [""; 0]);

    let approved = UserUpdate {
        status: Some(Approved),
        ..UserUpdate::default()
    };
    accounts.update(id, approved, Actor::System).await.unwrap();
    assert_eq!(
        app.hooks.take(),
        ["before_approve 3 system", "after_approve 3 system"]
    );
    accounts.delete(id, Actor::System).await.unwrap();
    assert_eq!(
        app.hooks.take(),
        ["before_delete 3 system", "after_delete 3 system"]
    );
}

#[tokio::test]
async fn veto_rejects_the_operation_and_is_audited() {
    let app = App::new().await;
    app.pending().await;
    let before = [app.server.stored(2).await, app.server.stored(3).await];
    for (operation, hook, _) in OPERATIONS {
        app.hooks.set(hook, Some(Mood::Vetoes));
        let answer = send(&app, operation).await;
        assert_eq!(answer.status, 403, "{operation}: {}", answer.body);
        let expected = json!({
            "type": "about:blank",
            "title": "Forbidden",
            "status": 403,
            "detail": TEXT,
            "code": "operation_vetoed",
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(app.hooks.names(), [hook]);
        let event = match operation {
            "register" => "operation_vetoed anonymous register",
            "approve" => "operation_vetoed 1 3 approve",
            "reset" => "operation_vetoed 1 3 password_change",
            "change" => "operation_vetoed 2 2 password_change",
            "delete" => "operation_vetoed 1 3 delete",
            _ => "login_failed anonymous 2 vetoed",
        };
        assert_eq!(app.events.take(), [event]);
        let now = [app.server.stored(2).await, app.server.stored(3).await];
        assert_eq!(now, before, "{operation}");
        app.hooks.set(hook, None);
    }
    assert!(app.server.store.find(4).await.unwrap().is_none());
    for (operation, ..) in OPERATIONS {
        let answer = send(&app, operation).await;
        assert!(answer.status.is_success(), "{operation}: {}", answer.body);
    }
}

#[tokio::test]
async fn failing_hook_before_an_operation_is_503() {
    let app = App::new().await;
    app.pending().await;
    let before = [app.server.stored(2).await, app.server.stored(3).await];
    for (operation, hook, _) in OPERATIONS {
        for mood in [Mood::Fails, Mood::Panics] {
            app.hooks.set(hook, Some(mood));
            let answer = send(&app, operation).await;
            assert_eq!(answer.status, 503, "{operation} {mood:?}");
            assert!(!answer.body.contains("crm"), "{}", answer.body);
            assert_eq!(answer.header("set-cookie"), None);
            assert_eq!(app.hooks.names(), [hook]);
        }
        app.hooks.set(hook, None);
        assert_eq!(app.events.take(), [""; 0], "{operation}");
        let now = [app.server.stored(2).await, app.server.stored(3).await];
        assert_eq!(now, before, "{operation}");
    }
    assert!(app.server.store.find(4).await.unwrap().is_none());
}

/// Nothing is hashed meanwhile: the paused clock would not wait for it.
#[tokio::test]
async fn hook_that_hangs_is_abandoned() {
    let app = App::new().await;
    app.hooks.set("before_delete", Some(Mood::Hangs));
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    assert_eq!(app.server.delete(&app.admin, 2).await.status, 503);
    assert!(begin.elapsed() < Duration::from_secs(6));
    app.hooks.set("before_delete", None);
    app.hooks.set("after_delete", Some(Mood::Hangs));
    assert_eq!(app.server.delete(&app.admin, 2).await.status, 204);
    assert!(begin.elapsed() < Duration::from_secs(12));
    assert!(app.server.store.find(2).await.unwrap().is_none());
}

#[tokio::test]
async fn failing_hook_after_an_operation_undoes_nothing() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Vetoes] {
        let log = Trace::record();
        let app = App::new().await;
        app.pending().await;
        for (operation, _, hook) in OPERATIONS {
            app.hooks.set(hook, Some(mood));
            let answer = send(&app, operation).await;
            assert!(answer.status.is_success(), "{operation}: {}", answer.body);
            assert!(app.hooks.names().contains(&hook.to_owned()));
        }
        assert!(app.server.store.find(3).await.unwrap().is_none());
        assert!(app.server.store.find(4).await.unwrap().is_some());
        assert_eq!(log.lines("hook failed").len(), OPERATIONS.len());
    }
}

#[tokio::test]
async fn hook_after_an_operation_completes_without_its_client() {
    let app = App::new().await;
    app.hooks.set("after_delete", Some(Mood::Waits));
    {
        let request = pin!(app.server.delete(&app.admin, 2));
        let called = pin!(async {
            while app.hooks.calls.lock().unwrap().len() < 2 {
                tokio::task::yield_now().await;
            }
        });
        assert!(matches!(select(request, called).await, Either::Right(_)));
        // The client disconnects.
    }
    app.hooks.gate.add_permits(1);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let calls = ["before_delete 2 1", "after_delete 2 1", "after_delete done"];
    assert_eq!(app.hooks.take(), calls);
}

/// A hook may take seconds; the change takes effect before.
#[tokio::test]
async fn cached_account_is_invalidated_before_the_last_hook() {
    let server = Server::over(InMemoryAccountStore::new());
    let hooks = Recorder::new();
    let cache = UserCache::new(64).clock(server.clock.clock());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let server = mounted(server, accounts.hooks(hooks.clone()), Some(cache));
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.me(&token).await.status, 200);
    hooks.set("after_delete", Some(Mood::Waits));
    let deletion = tokio::spawn({
        let server = server.clone();
        async move { server.delete(&admin, jane.id).await }
    });
    while hooks.calls.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.me(&token).await.status, 401);
    hooks.gate.add_permits(1);
    assert_eq!(deletion.await.unwrap().status, 204);
}

#[tokio::test]
async fn log_in_hook_needs_the_right_password() {
    let app = App::new().await;
    app.pending().await;
    app.server.add("dora@example.org", false, Disabled).await;
    app.hooks.set("before_login", Some(Mood::Vetoes));
    for (email, password, status) in [
        (JANE, "wrong horse", 401),
        ("eve@example.org", PASSWORD, 401),
        ("paul@example.org", PASSWORD, 403),
        ("dora@example.org", PASSWORD, 403),
    ] {
        let answer = app.server.login(email, password).await;
        assert_eq!(answer.status, status, "{email}");
        assert!(!answer.body.contains("operation_vetoed"), "{}", answer.body);
        assert_eq!(app.hooks.take(), [""; 0], "{email}");
    }
}

#[tokio::test]
async fn operation_that_would_fail_calls_no_hook() {
    let app = App::new().await;
    let jane = app.server.stored(2).await;
    let token = app.server.token(&jane);
    let approved = json!({"status": "approved"});
    for (answer, status) in [
        (app.server.register(JANE).await, 409),
        (app.server.put(&app.admin, 9, approved.clone()).await, 404),
        (app.server.delete(&app.admin, 9).await, 404),
        (app.server.delete(&token, 1).await, 403),
        (app.server.reset(&app.admin, 2, "short").await, 422),
        (
            app.server.send(changing(&token, "wrong horse", NEW)).await,
            403,
        ),
        (reset_by_token(&app.server, &"A".repeat(43), NEW).await, 400),
        // Approved before, or not a status.
        (app.server.put(&app.admin, 2, approved).await, 200),
        (
            app.server
                .put(&app.admin, 2, json!({"is_admin": true}))
                .await,
            200,
        ),
        (
            app.server
                .put(&app.admin, 2, json!({"status": "disabled"}))
                .await,
            200,
        ),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    // An admin who was demoted while the request arrived.
    let error = app.accounts.delete(1, &jane).await.unwrap_err();
    assert!(matches!(error, AccountError::NotAdmin(_)), "{error}");
    assert_eq!(app.hooks.take(), [""; 0]);
}

#[tokio::test]
async fn vetoed_registrations_are_throttled() {
    let app = App::new().await;
    let throttle = Throttle::new().overall(Limit::per_second(10).burst(100));
    let accounts = app.accounts.clone().throttle(throttle);
    let server = mounted(app.server.clone(), accounts, None);
    app.hooks.set("before_register", Some(Mood::Vetoes));
    for _ in 0..1000 {
        let answer = server.register("new@example.org").await;
        if answer.status == 429 {
            return;
        }
        assert_eq!(answer.status, 403);
    }
    panic!("not throttled");
}

fn claims_of(token: &str, server: &Server) -> Value {
    let verifier = testing::verifier().clock(server.clock.clock());
    let claims = verifier.verify_token(token).unwrap();
    claims.deserialize().unwrap()
}

#[tokio::test]
async fn added_claims_are_in_each_token_and_stay_current() {
    let app = App::new().await;
    let set = |plan: &str| {
        let claims = json!({"plan": plan, "scope": "orders:read"});
        *app.hooks.claims.lock().unwrap() = claims.as_object().unwrap().clone();
    };
    let plan = |token: &str| {
        let claims = claims_of(token, &app.server);
        assert_eq!(claims["scope"], "orders:read");
        assert_eq!(claims["sub"], "2");
        claims["plan"].as_str().unwrap().to_owned()
    };
    set("small");
    let tokens = log_in(&app.server, JANE).await;
    assert_eq!(plan(&tokens.access), "small");
    set("large");
    let tokens = renewed(&app.server, &tokens.refresh).await;
    assert_eq!(plan(&tokens.access), "large");
    let answer = app.server.send(form_to("/cookie/login", JANE, PASSWORD));
    assert_eq!(plan(&token_in(&answer.await)), "large");
    let changed = app
        .server
        .send(changing(&tokens.access, PASSWORD, NEW))
        .await;
    assert_eq!(
        plan(changed.json()["access_token"].as_str().unwrap()),
        "large"
    );

    // Without sessions.
    let server = Server::with(InMemoryAccountStore::new(), |it| {
        it.hooks(app.hooks.clone())
    });
    server.add("root@example.org", true, Approved).await;
    server.jane().await;
    assert_eq!(plan(&server.token_of(JANE, PASSWORD).await), "large");
}

#[tokio::test]
async fn claims_of_the_token_itself_cannot_be_replaced() {
    let app = App::new().await;
    let names = [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "auth_time",
        "gen",
        "sid",
        "session_kind",
        "account_id",
    ];
    for name in names {
        let claims = json!({name: "1"}).as_object().unwrap().clone();
        *app.hooks.claims.lock().unwrap() = claims;
        assert_eq!(app.server.login(JANE, PASSWORD).await.status, 503, "{name}");
        let cookie = app
            .server
            .send(form_to("/cookie/login", JANE, PASSWORD))
            .await;
        assert_eq!(
            (cookie.status.as_u16(), cookie.header("set-cookie")),
            (503, None)
        );
    }
    app.hooks.claims.lock().unwrap().clear();
    let tokens = log_in(&app.server, JANE).await;
    // None was opened for the others.
    assert_eq!(sessions(&app.server, &tokens.access).await.len(), 1);
}

#[tokio::test]
async fn failing_claims_change_nothing() {
    let app = App::new().await;
    let tokens = log_in(&app.server, JANE).await;
    let before = app.server.stored(2).await;
    for mood in [Mood::Fails, Mood::Panics, Mood::Vetoes] {
        app.hooks.set("token_claims", Some(mood));
        assert_eq!(app.server.login(JANE, PASSWORD).await.status, 503);
        assert_eq!(refresh(&app.server, &tokens.refresh).await.status, 503);
        let change = app.server.send(changing(&tokens.access, PASSWORD, NEW));
        assert_eq!(change.await.status, 503);
    }
    assert_eq!(app.server.stored(2).await, before);
    app.hooks.set("token_claims", None);
    // The refresh token was not used up: it is not reported as reused after the grace period either.
    app.server.clock.advance(Duration::from_secs(60));
    let renewed = refresh(&app.server, &tokens.refresh).await;
    let access = Tokens::of(&renewed).access;
    assert_eq!(sessions(&app.server, &access).await.len(), 1);
    // A log-out issues no token, and needs no claims.
    app.hooks.set("token_claims", Some(Mood::Fails));
    let answer = app
        .server
        .send(by(&access, bare("POST", "/logout-all")))
        .await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn link_stays_valid_after_a_veto() {
    let app = App::new().await;
    let token = reset_token(&app.server, &app.admin, 2).await;
    for mood in [Mood::Vetoes, Mood::Fails] {
        app.hooks.set("before_password_change", Some(mood));
        let answer = reset_by_token(&app.server, &token, NEW).await;
        assert_eq!(answer.status, if mood == Mood::Vetoes { 403 } else { 503 });
    }
    app.hooks.set("before_password_change", None);
    assert_eq!(reset_by_token(&app.server, &token, NEW).await.status, 200);
    assert_eq!(reset_by_token(&app.server, &token, NEW).await.status, 400);
}

/// Store whose transactions reject one address and each deletion.
struct VetoingStore(InMemoryAccountStore);

#[async_trait]
impl AccountStore for VetoingStore {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        match new.email.as_str() {
            "new@example.org" => Err(HookError::veto("Taken").into()),
            _ => self.0.insert(new).await,
        }
    }

    async fn find(&self, id: i64) -> Result<Option<User>, StoreError> {
        self.0.find(id).await
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.0.find_by_email(email).await
    }

    async fn list(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        self.0.list(query).await
    }

    async fn count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.0.count(filter).await
    }

    async fn change(&self, change: &UserChange) -> Result<Option<User>, StoreError> {
        match change.action {
            UserAction::Delete => Err(HookError::veto("Kept").into()),
            _ => self.0.change(change).await,
        }
    }
}

/// The store may reject a change in its transaction, which hooks of `tower-warder-sqlx` do.
#[tokio::test]
async fn veto_of_a_store_is_answered_and_audited() {
    let store = VetoingStore(InMemoryAccountStore::new());
    let app = App::over(Server::over(store)).await;
    app.pending().await;
    let registered = app.server.register("new@example.org").await;
    assert_eq!(
        (registered.status.as_u16(), &*registered.detail()),
        (403, "Taken")
    );
    assert_eq!(app.events.take(), ["operation_vetoed anonymous register"]);
    let deleted = app.server.delete(&app.admin, 3).await;
    assert_eq!((deleted.status.as_u16(), &*deleted.detail()), (403, "Kept"));
    assert_eq!(app.events.take(), ["operation_vetoed 1 3 delete"]);
    let names = ["before_register", "before_delete"];
    assert_eq!(app.hooks.names(), names);
}

/// Each costs a hash.
#[tokio::test]
async fn vetoed_uses_of_a_link_are_throttled() {
    let app = App::new().await;
    let throttle = Throttle::new().per_address(Limit::per_minute(3));
    let accounts = app.accounts.clone().throttle(throttle);
    let server = mounted(app.server.clone(), accounts, None);
    let token = reset_token(&server, &app.admin, 2).await;
    app.hooks.set("before_password_change", Some(Mood::Vetoes));
    for status in [403, 403, 403, 429] {
        let body = json!({"token": token, "password": NEW});
        let request = from("192.0.2.1", json_to("POST", "/reset-password", &body));
        assert_eq!(server.send(request).await.status, status);
    }
}

/// Returns the server of the app, whose users register by mail.
fn by_mail(app: &App) -> (Server, UnboundedReceiver<Mail>) {
    let (outbox, mails) = outbox(0);
    let accounts = app.accounts.clone().registration(Registration::ByMail);
    let accounts = accounts.mail(MailQueue::new(outbox, PAGES));
    (mounted(app.server.clone(), accounts, None), mails)
}

#[tokio::test]
async fn slow_hook_delays_no_mail_of_others() {
    let app = App::new().await;
    let (server, mut mails) = by_mail(&app);
    app.hooks.set("before_register", Some(Mood::Waits));
    for number in 0..4 {
        let body = json!({"email": format!("new{number}@example.org")});
        let request = json_to("POST", "/register", &body);
        assert_eq!(server.send(request).await.status, 202);
    }
    assert!(none_left(&mut mails).await);
    assert_eq!(app.hooks.names(), ["before_register"; 4]);
    let request = json_to("POST", "/forgot-password", &json!({"email": JANE}));
    assert_eq!(server.send(request).await.status, 202);
    assert!(!none_left(&mut mails).await);
    app.hooks.gate.add_permits(4);
    for _ in 0..4 {
        next(&mut mails).await;
    }
}

/// Anyone can cause one.
#[tokio::test]
async fn veto_of_a_registration_by_mail_is_no_error() {
    let log = Trace::record();
    let store = VetoingStore(InMemoryAccountStore::new());
    let app = App::over(Server::over(store)).await;
    let (server, mut mails) = by_mail(&app);
    for (email, by_hook) in [("new@example.org", false), ("other@example.org", true)] {
        let mood = by_hook.then_some(Mood::Vetoes);
        app.hooks.set("before_register", mood);
        let request = json_to("POST", "/register", &json!({"email": email}));
        assert_eq!(server.send(request).await.status, 202);
        assert!(none_left(&mut mails).await);
        assert_eq!(app.events.take(), ["operation_vetoed anonymous register"]);
    }
    assert!(!log.text().contains("a mail was not sent"));
}
