//! Audit events: each fact is one event, in the log and for the application.

use std::collections::BTreeSet;
use std::mem;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::future::{Either, select};
use http::Request;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tower_warder::async_trait;
use tower_warder::password::{PasswordHasher, PasswordParams};
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    AccountError, AccountHooks, AccountStore, Actor, AuditActor, AuditEvent, AuditEventKind, Email,
    HookContext, HookError, InMemoryAccountStore, InMemoryOneTimeTokenStore, InMemorySessionStore,
    Invitation, Mail, MailPurpose, MailQueue, MailRegistration, OneTimePasswordReset,
    OneTimeTokens, Password, Sessions, UserCreate, UserImport, UserLogin,
};

use super::cookie::browser::form_to;
use super::forgot_password::{PAGES, next, outbox, token_of};
use super::password_reset::{reset_by_token, reset_token};
use super::server::{Approved, PASSWORD, Server, bare, by, json_to, login};
use super::sessions::client::{
    DAY, GRACE, SECOND, Tokens, accounts_of, background_tasks, changing, log_in, logging_out,
    mounted, refresh, renewed, sessions,
};
use super::staged::{Pause, Staged};
use crate::support::Trace;

/// Events since the last look: name, actor, account, reason, and `session` if there is one.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<AuditEvent>>>);

impl Events {
    pub fn take(&self) -> Vec<String> {
        let events = mem::take(&mut *self.0.lock().unwrap());
        events.iter().map(described).collect()
    }

    pub fn log(&self) -> impl Fn(&AuditEvent) + Send + Sync + 'static {
        let events = Arc::clone(&self.0);
        move |event| events.lock().unwrap().push(event.clone())
    }
}

fn described(event: &AuditEvent) -> String {
    let mut text = format!("{} {}", event.kind.as_str(), event.actor);
    if let Some(account) = event.account {
        text += &format!(" {account}");
    }
    if let Some(reason) = &event.reason {
        text += &format!(" {reason}");
    }
    if event.session.is_some() {
        text += " session";
    }
    text
}

fn server_over(store: impl AccountStore) -> (Server, Events) {
    let (server, events, _) = server_with_mail(store);
    (server, events)
}

fn server_with_mail(store: impl AccountStore) -> (Server, Events, UnboundedReceiver<Mail>) {
    let events = Events::default();
    let (outbox, mails) = outbox(0);
    let server = Server::over(store);
    let sessions = Sessions::new(InMemorySessionStore::new());
    let accounts = accounts_of(&server, sessions)
        .audit_log(events.log())
        .hooks(NoTests)
        .mail(MailQueue::new(outbox, PAGES));
    (mounted(server, accounts, None), events, mails)
}

/// Rejects the address of an account.
struct NoTests;

#[async_trait]
impl AccountHooks for NoTests {
    async fn before_register(&self, email: &Email, _: &HookContext) -> Result<(), HookError> {
        match email.as_str() {
            "test@example.org" => Err(HookError::veto("No tests")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn each_event_is_recorded_and_logged_once() {
    let log = Trace::record();
    let (server, events, mut mails) = server_with_mail(InMemoryAccountStore::new());
    let recorded = events.clone();
    let mut seen = Vec::new();
    let mut check = |expected: &[&str]| {
        let events = events.take();
        assert_eq!(events, expected);
        seen.extend(events);
    };
    let jane = "jane@example.org";

    assert_eq!(server.register("root@example.org").await.status, 201);
    check(&[
        "account_registered anonymous 1",
        "first_admin_created anonymous 1",
    ]);
    assert_eq!(server.register(jane).await.status, 201);
    check(&["account_registered anonymous 2"]);
    assert_eq!(server.register(jane).await.status, 409);
    check(&[]);
    assert_eq!(server.register("test@example.org").await.status, 403);
    check(&["operation_vetoed anonymous register"]);

    for (username, password, status, expected) in [
        (
            "eve@example.org",
            PASSWORD,
            401,
            "login_failed anonymous unknown_account",
        ),
        (
            "my secret",
            PASSWORD,
            401,
            "login_failed anonymous unknown_account",
        ),
        (
            jane,
            "wrong horse",
            401,
            "login_failed anonymous 2 wrong_password",
        ),
        (
            jane,
            PASSWORD,
            403,
            "login_failed anonymous 2 account_pending",
        ),
    ] {
        assert_eq!(server.login(username, password).await.status, status);
        check(&[expected]);
    }
    let root = log_in(&server, "root@example.org").await.access;
    check(&["login_succeeded 1 1", "session_opened 1 1 session"]);

    for (update, status, expected) in [
        (
            json!({"status": "approved"}),
            200,
            &["account_approved 1 2"][..],
        ),
        (json!({"is_admin": true}), 200, &["account_promoted 1 2"]),
        (
            json!({"is_admin": false, "email": "jane@example.net"}),
            200,
            &["email_changed 1 2", "account_demoted 1 2"],
        ),
        (json!({"email": "root@example.org"}), 409, &[]),
        (
            json!({"status": "pending"}),
            200,
            &["account_set_pending 1 2"],
        ),
        (
            json!({"status": "disabled"}),
            200,
            &["account_disabled 1 2"],
        ),
        (json!({}), 200, &[]),
    ] {
        assert_eq!(server.put(&root, 2, update).await.status, status);
        check(expected);
    }
    let jane = "jane@example.net";
    assert_eq!(server.login(jane, PASSWORD).await.status, 403);
    check(&["login_failed anonymous 2 account_disabled"]);
    // Rejected: nothing changes.
    let demoted = json!({"is_admin": false});
    assert_eq!(server.put(&root, 1, demoted).await.status, 400);
    assert_eq!(server.delete(&root, 3).await.status, 404);
    check(&[]);
    let approved = json!({"status": "approved"});
    assert_eq!(server.put(&root, 2, approved).await.status, 200);
    assert_eq!(server.reset(&root, 2, PASSWORD).await.status, 200);
    check(&["account_approved 1 2", "password_reset 1 2"]);

    let logged_in = ["login_succeeded 2 2", "session_opened 2 2 session"];
    let tokens = log_in(&server, jane).await;
    check(&logged_in);
    let wrong = server.send(changing(&tokens.access, "wrong horse", "another horse"));
    assert_eq!(wrong.await.status, 403);
    check(&["login_failed anonymous 2 wrong_current_password"]);
    let changed = server.send(changing(&tokens.access, PASSWORD, "another horse"));
    let access = changed.await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    check(&["password_changed 2 2"]);
    let ended = server.send(by(&access, bare("POST", "/logout-all"))).await;
    assert_eq!(ended.status, 204);
    check(&["tokens_revoked 2 2"]);
    assert_eq!(server.reset(&root, 2, PASSWORD).await.status, 200);
    check(&["password_reset 1 2"]);

    let body = json!({"email": jane});
    let asked = server.send(json_to("POST", "/forgot-password", &body));
    assert_eq!(asked.await.status, 202);
    background_tasks().await;
    check(&["password_reset_mailed anonymous 2"]);
    assert_eq!(next(&mut mails).await.purpose, MailPurpose::ResetPassword);
    let request = json_to("POST", "/verify-email/request", &json!({"email": jane}));
    assert_eq!(server.send(request).await.status, 202);
    let token = token_of(next(&mut mails).await);
    let request = json_to("POST", "/verify-email", &json!({"token": token}));
    assert_eq!(server.send(request).await.status, 200);
    check(&["email_verified anonymous 2"]);
    let token = reset_token(&server, &root, 2).await;
    check(&["password_reset_link_created 1 2"]);
    for (status, expected) in [
        (200, &["password_reset_by_link anonymous 2"][..]),
        (400, &["one_time_token_rejected anonymous unknown"]),
    ] {
        let answer = reset_by_token(&server, &token, PASSWORD).await;
        assert_eq!(answer.status, status);
        check(expected);
    }

    let temporary = json!({"password": "another horse", "must_change": true});
    let reset = by(
        &root,
        json_to("POST", "/users/2/reset-password", &temporary),
    );
    assert_eq!(server.send(reset).await.status, 200);
    check(&["password_reset 1 2 must_change"]);
    let answer = server.login(jane, "another horse").await.json();
    check(&["login_failed anonymous 2 password_change_required"]);
    let answer = reset_by_token(&server, answer["token"].as_str().unwrap(), PASSWORD).await;
    assert_eq!(answer.status, 200);
    check(&["password_changed 2 2"]);

    let tokens = log_in(&server, jane).await;
    check(&logged_in);
    let export = json_to("POST", "/me/export", &json!({"password": PASSWORD}));
    assert_eq!(server.send(by(&tokens.access, export)).await.status, 200);
    check(&["data_exported 2 2"]);
    let own_name = json_to("PUT", "/me/display-name", &json!({"display_name": "jane"}));
    assert_eq!(server.send(by(&tokens.access, own_name)).await.status, 200);
    check(&["display_name_changed 2 2"]);
    server.send(logging_out(&tokens.refresh)).await;
    check(&["session_ended 2 2 logout session"]);
    server.send(logging_out(&tokens.refresh)).await;
    check(&[]);

    let tokens = log_in(&server, jane).await;
    check(&logged_in);
    let session = sessions(&server, &tokens.access).await[0]["id"].clone();
    let path = format!("/sessions/{}", session.as_str().unwrap());
    let delete = async || server.send(by(&tokens.access, bare("DELETE", &path))).await;
    assert_eq!(delete().await.status, 204);
    check(&["session_ended 2 2 owner session"]);
    assert_eq!(delete().await.status, 404);
    check(&[]);

    let answer = server.send(form_to("/cookie/login", jane, PASSWORD)).await;
    assert_eq!(answer.status, 200);
    check(&logged_in);

    // Also if the session has expired.
    for late in [GRACE, 8 * DAY] {
        let first = log_in(&server, jane).await;
        check(&logged_in);
        renewed(&server, &first.refresh).await;
        server.clock.advance(late);
        assert_eq!(refresh(&server, &first.refresh).await.status, 401);
        check(&[
            "refresh_token_reused anonymous 2 session",
            "session_ended system 2 reused_token session",
        ]);
    }

    let tokens = log_in(&server, jane).await;
    check(&logged_in);
    server.clock.advance(8 * DAY);
    assert_eq!(refresh(&server, &tokens.refresh).await.status, 401);
    check(&["session_ended system 2 expired session"]);

    let old = PasswordHasher::new().params(PasswordParams::new(7168, 6, 1).unwrap());
    let old = old.hash(PASSWORD).await.unwrap();
    let paul = "paul@example.org";
    server.add_with_hash(paul, false, Approved, &old).await;
    Tokens::of(&server.login(paul, PASSWORD).await);
    check(&[
        "password_rehashed system 3",
        "login_succeeded 3 3",
        "session_opened 3 3 session",
    ]);

    let ida = "ida@example.net";
    let paul = log_in(&server, paul).await.access;
    check(&["login_succeeded 3 3", "session_opened 3 3 session"]);
    let body = json!({"email": ida, "password": PASSWORD});
    let request = by(&paul, json_to("POST", "/me/email", &body));
    assert_eq!(server.send(request).await.status, 202);
    check(&["email_change_requested 3 3"]);
    let (mut token, mut notices) = (String::new(), 0);
    for _ in 0..2 {
        let mail = next(&mut mails).await;
        match mail.purpose {
            MailPurpose::ChangeEmail => token = token_of(mail),
            _ => notices += 1,
        }
    }
    assert_eq!(notices, 1);
    let request = json_to("POST", "/change-email", &json!({"token": token}));
    assert_eq!(server.send(request).await.status, 200);
    check(&["email_changed anonymous 3"]);

    let paul = log_in(&server, ida).await.access;
    check(&["login_succeeded 3 3", "session_opened 3 3 session"]);
    let delete = json_to("POST", "/me/delete", &json!({"password": PASSWORD}));
    assert_eq!(server.send(by(&paul, delete)).await.status, 204);
    check(&["account_deleted 3 3"]);

    let root = log_in(&server, "root@example.org").await.access;
    assert_eq!(server.delete(&root, 2).await.status, 204);
    check(&[
        "login_succeeded 1 1",
        "session_opened 1 1 session",
        "account_deleted 1 2",
    ]);

    let sessions = Sessions::new(InMemorySessionStore::new());
    let accounts = accounts_of(&server, sessions).audit_log(recorded.log());
    let import = UserImport::new(Email::new("ida@example.org").unwrap(), &old);
    accounts.import(import.clone()).await.unwrap();
    check(&["account_imported system 4"]);
    accounts.import(import).await.unwrap_err();
    check(&[]);
    let mut import = UserImport::new(Email::new("max@example.org").unwrap(), &old);
    import.is_admin = true;
    accounts.import(import).await.unwrap();
    check(&["account_imported system 5 admin"]);

    let accounts = accounts.one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()));
    let bob = || Invitation::new(Email::new("bob@example.org").unwrap());
    accounts.invite(bob(), Actor::System).await.unwrap();
    check(&["account_invited system 6"]);
    let (_, created) = accounts.invite(bob(), Actor::Admin(1)).await.unwrap();
    check(&["account_invited 1 6"]);
    let password = Password::new(PASSWORD).unwrap();
    let accepted = OneTimePasswordReset::new(created.token.as_str(), password);
    accounts.accept_invitation(accepted).await.unwrap();
    check(&["invitation_accepted anonymous 6"]);
    background_tasks().await;
    let (outbox, mut mails) = outbox(0);
    let accounts = accounts.mail(MailQueue::new(outbox, "https://example.org"));
    let new = || MailRegistration::new(Email::new("zoe@example.org").unwrap());
    accounts.register_by_mail(new()).await.unwrap();
    let link = next(&mut mails).await.link.unwrap().url;
    background_tasks().await;
    check(&[
        "account_registered anonymous 7",
        "registration_mailed anonymous 7",
    ]);
    let password = Password::new(PASSWORD).unwrap();
    let (_, token) = link.split_once('#').unwrap();
    let completed = OneTimePasswordReset::new(token, password);
    accounts.complete_registration(completed).await.unwrap();
    check(&["registration_completed anonymous 7"]);
    accounts.register_by_mail(new()).await.unwrap();
    assert!(next(&mut mails).await.link.is_none());
    background_tasks().await;
    check(&["registration_mailed anonymous 7 account_exists"]);
    server.clock.advance(DAY);
    assert_eq!(accounts.delete_pending(DAY - SECOND).await.unwrap(), 3);
    check(&[
        "account_deleted system 4 never_approved",
        "account_deleted system 5 never_approved",
        "account_deleted system 7 never_approved",
    ]);

    let names: BTreeSet<_> = seen.iter().map(|event| name(event)).collect();
    assert_eq!(names, all_names());
    let mut lines = log.lines("tower_warder::audit");
    lines.retain(|line| !line.contains("event=\"token_rejected\""));
    assert_eq!(lines.len(), seen.len(), "{lines:#?}");
    let mut logged = BTreeSet::new();
    for (line, event) in lines.iter().zip(&seen) {
        assert!(
            line.contains(&format!("event=\"{}\"", name(event))),
            "{line}"
        );
        for secret in ["jane", "secret", "horse", "refresh_to_", "eyJ"] {
            assert!(!line.contains(secret), "{line}");
        }
        let is_first = logged.insert(event);
        let level = match name(event) {
            "refresh_token_reused" => "WARN",
            // Anonymous clients can cause these: one line a minute for a cause.
            "account_registered" if event.ends_with('2') => "DEBUG",
            // Of other accounts, which have limits of their own.
            "account_registered" if event.ends_with('7') => "",
            "registration_mailed" => "",
            "login_failed" if !is_first => "DEBUG",
            // Causes share their limits.
            "login_failed" => "",
            _ => "INFO",
        };
        assert!(line.contains(level), "{line}");
    }
}

fn name(event: &str) -> &str {
    event.split(' ').next().unwrap()
}

fn all_names() -> BTreeSet<&'static str> {
    AuditEventKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect()
}

#[test]
fn table_of_events_lists_every_name() {
    const LOG_ONLY: [&str; 2] = ["token_rejected", "keys_rotated"];

    let guide = include_str!("../../src/docs/audit.md");
    let (_, table) = guide.split_once("## Events").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| row.split('`').next().unwrap());
    let names: Vec<_> = rows.filter(|name| *name != "event").collect();
    let mut expected = all_names();
    expected.extend(LOG_ONLY);
    assert_eq!(names.len(), expected.len());
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn failed_logins_are_one_line_a_minute_for_a_cause() {
    let log = Trace::record();
    let (server, events) = server_over(InMemoryAccountStore::new());
    for number in 0..20 {
        let username = format!("eve{number}@example.org");
        assert_eq!(server.login(&username, PASSWORD).await.status, 401);
    }
    assert_eq!(events.take().len(), 20);
    let lines = log.lines("tower_warder::audit");
    assert_eq!(lines.len(), 20);
    let above_debug = lines.iter().filter(|line| !line.contains("DEBUG"));
    assert_eq!(above_debug.count(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("INFO") && lines[0].contains("count=1 "),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn rejected_links_are_one_line_a_minute_for_a_cause() {
    let (server, events) = server_over(InMemoryAccountStore::new());
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let revoked = reset_token(&server, &admin, jane.id).await;
    assert_eq!(server.reset(&admin, jane.id, PASSWORD).await.status, 200);
    events.take();

    let log = Trace::record();
    for (token, expected) in [
        (
            &*"A".repeat(43),
            "one_time_token_rejected anonymous unknown",
        ),
        ("malformed", "one_time_token_rejected anonymous unknown"),
        (&*revoked, "one_time_token_rejected anonymous 2 revoked"),
    ] {
        for _ in 0..5 {
            let answer = reset_by_token(&server, token, PASSWORD).await;
            assert_eq!(answer.status, 400);
            assert_eq!(events.take(), [expected]);
        }
    }
    let lines = log.lines("one_time_token_rejected");
    assert_eq!(lines.len(), 15);
    let above_debug = lines.iter().filter(|line| !line.contains("DEBUG"));
    // Causes can share a line.
    assert!((1..=2).contains(&above_debug.count()), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains(&revoked)));
}

#[tokio::test]
async fn throttled_login_is_recorded_once() {
    let events = Events::default();
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let accounts = accounts.audit_log(events.log()).throttle(Throttle::new());
    for _ in 0..100 {
        let login = UserLogin::new("eve@example.org", "wrong horse");
        let error = accounts.authenticate(login).await.unwrap_err();
        let reason = match error {
            AccountError::TooManyAttempts { .. } => "throttled",
            _ => "unknown_account",
        };
        assert_eq!(events.take(), [format!("login_failed anonymous {reason}")]);
        if reason == "throttled" {
            return;
        }
    }
    panic!("not throttled");
}

/// Whether or not attempts are limited.
#[tokio::test]
async fn events_of_requests_have_the_address_of_the_client() {
    let log = Trace::record();
    let from = |peer: &str, mut request: Request<Body>| {
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    };
    for throttle in [None, Some(Throttle::new())] {
        let events = Events::default();
        let addresses = |expected: &str| {
            let events = mem::take(&mut *events.0.lock().unwrap());
            assert!(!events.is_empty());
            for event in events {
                assert_eq!(event.address, Some(expected.parse().unwrap()), "{event:?}");
            }
        };
        let server = Server::over(InMemoryAccountStore::new());
        let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
        let accounts = accounts
            .audit_log(events.log())
            .trusted_proxies("10.0.0.0/8".parse().unwrap());
        let accounts = match throttle {
            Some(throttle) => accounts.throttle(throttle),
            None => accounts.throttle_off(),
        };
        let server = mounted(server, accounts, None);
        let (admin, token) = server.admin().await;
        let (jane, _) = server.jane().await;
        events.take();

        // The whole address, where attempts are counted by its network.
        let v6 = "2001:db8::7";
        let tokens = server.send(from(v6, login(&jane.email, PASSWORD))).await;
        let tokens = Tokens::of(&tokens);
        addresses(v6);
        assert!(
            log.lines("tower_warder::audit")
                .last()
                .unwrap()
                .contains("address=2001:db8::7")
        );
        let wrong = server.send(from("127.0.0.1", login(&jane.email, "wrong horse")));
        assert_eq!(wrong.await.status, 401);
        addresses("127.0.0.1");

        // Only a trusted proxy tells the address, and only the last one that it does not know.
        for (peer, client) in [("192.0.2.1", "192.0.2.1"), ("10.0.0.1", "192.0.2.9")] {
            let forwarded = |mut request: Request<Body>| {
                let line = "203.0.113.66, 192.0.2.9".parse().unwrap();
                request.headers_mut().insert("x-forwarded-for", line);
                from(peer, request)
            };
            let path = format!("/users/{}", jane.id);
            let change = json_to("PUT", &path, &json!({"is_admin": peer == "10.0.0.1"}));
            let change = server.send(forwarded(by(&token, change)));
            assert_eq!(change.await.status, 200);
            addresses(client);
        }
        let changing = changing(&tokens.access, "wrong horse", "another horse");
        assert_eq!(server.send(from(v6, changing)).await.status, 403);
        addresses(v6);
        let end = by(&tokens.access, bare("POST", "/sessions/end-others"));
        assert_eq!(server.send(from(v6, end)).await.status, 204);
        server.send(from(v6, logging_out(&tokens.refresh))).await;
        addresses(v6);
        let form = from(v6, form_to("/cookie/login", &jane.email, PASSWORD));
        assert_eq!(server.send(form).await.status, 200);
        addresses(v6);

        // Without `ConnectInfo` there is none.
        assert_eq!(server.delete(&token, jane.id).await.status, 204);
        let deleted = mem::take(&mut *events.0.lock().unwrap());
        assert_eq!(deleted[0].actor, AuditActor::Account(admin.id));
        assert_eq!(deleted[0].address, None);
    }
}

#[tokio::test]
async fn change_with_unknown_result_is_unconfirmed() {
    let store = Arc::new(Staged::new().await);
    let (server, events) = server_over(Arc::clone(&store));
    let (admin, token) = server.admin().await;
    let (jane, _) = server.jane().await;
    let disabled = json!({"status": "disabled"});
    let unconfirmed = [format!(
        "account_disabled {} {} unconfirmed",
        admin.id, jane.id
    )];

    // The client disconnects while the store commits.
    store.pause(Pause::AfterUpdate);
    let update = Box::pin(server.put(&token, jane.id, disabled.clone()));
    match select(update, pin!(store.arrival())).await {
        Either::Left(_) => panic!("the store does not pause"),
        Either::Right(((), update)) => drop(update),
    }
    assert_eq!(events.take(), unconfirmed);

    store.fails(&["update"]);
    assert_eq!(server.put(&token, jane.id, disabled).await.status, 503);
    assert_eq!(events.take(), unconfirmed);

    store.fails(&["insert"]);
    assert_eq!(server.register("paul@example.org").await.status, 503);
    assert_eq!(events.take(), ["account_registered anonymous unconfirmed"]);
}

#[tokio::test]
async fn command_line_is_named_as_the_system() {
    let events = Events::default();
    let server = Server::over(InMemoryAccountStore::new());
    let sessions = Sessions::new(InMemorySessionStore::new());
    let accounts = accounts_of(&server, sessions).audit_log(events.log());
    let accounts = accounts.audit_as_system();
    let email = Email::new("root@example.org").unwrap();
    let new = UserCreate::new(email, Password::new(PASSWORD).unwrap());
    let root = accounts.register(new).await.unwrap();
    accounts.logout_all(&root).await.unwrap();
    assert_eq!(
        events.take(),
        [
            "account_registered system 1",
            "first_admin_created system 1",
            "tokens_revoked system 1",
        ]
    );
}
