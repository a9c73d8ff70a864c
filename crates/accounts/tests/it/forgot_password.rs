//! Mail with which users set a new password.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, error::TryRecvError, unbounded_channel,
};
use tokio::time::{Instant, timeout};
use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    AccountStore, InMemoryAccountStore, InMemoryOneTimeTokenStore, InMemorySessionStore, Mail,
    MailPurpose, MailQueue, Mailer, OneTimeTokens, Sessions,
};

use super::password_reset::{assert_invalid, reset_by_token, reset_token};
use super::server::{AnyAccounts, Approved, Disabled, Pending, Server, json_to};
use super::sessions::client::{MINUTE, SECOND, accounts_of, background_tasks, mounted};
use super::staged::{Pause, Staged};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
pub const PAGES: &str = "https://login.example.org";

/// Passes on what it sends, or fails some times before.
pub struct Outbox {
    sent: UnboundedSender<Mail>,
    failures: AtomicU32,
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        let left = self.failures.load(Ordering::Relaxed);
        if left > 0 {
            self.failures.store(left - 1, Ordering::Relaxed);
            return Err("the mail server is away".into());
        }
        Ok(self.sent.send(mail.clone())?)
    }
}

struct NoAnswer;

#[async_trait]
impl Mailer for NoAnswer {
    async fn send(&self, _: &Mail) -> Result<(), BoxError> {
        pending().await
    }
}

pub fn server_with(
    store: impl AccountStore,
    mailer: impl Mailer,
    configure: impl FnOnce(AnyAccounts) -> AnyAccounts,
) -> Server {
    let server = Server::over(store);
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()))
        .one_time_tokens(OneTimeTokens::new(InMemoryOneTimeTokenStore::new()))
        .mail(MailQueue::new(mailer, PAGES));
    mounted(server, configure(accounts), None)
}

pub fn outbox(failures: u32) -> (Outbox, UnboundedReceiver<Mail>) {
    let (sent, mails) = unbounded_channel();
    let failures = failures.into();
    (Outbox { sent, failures }, mails)
}

pub async fn ask(server: &Server, email: &str) -> Answer {
    let mut request = json_to("POST", "/forgot-password", &json!({"email": email}));
    let headers = request.headers_mut();
    headers.insert("accept-language", "de-AT,de;q=0.5".parse().unwrap());
    server.send(request).await
}

pub async fn next(mails: &mut UnboundedReceiver<Mail>) -> Mail {
    let mail = timeout(Duration::from_secs(10), mails.recv()).await;
    mail.unwrap().unwrap()
}

/// Returns the token of the link of a mail.
pub fn token_of(mail: Mail) -> String {
    let link = mail.link.unwrap();
    let (_, token) = link.url.split_once('#').unwrap();
    token.to_owned()
}

pub async fn none_left(mails: &mut UnboundedReceiver<Mail>) -> bool {
    for _ in 0..20 {
        background_tasks().await;
    }
    mails.try_recv() == Err(TryRecvError::Empty)
}

#[tokio::test]
async fn owner_gets_a_link_that_sets_a_password_once() {
    let log = Trace::record();
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    server.jane().await;
    assert_eq!(ask(&server, "Jane@Example.org").await.status, 202);
    let mail = next(&mut mails).await;
    assert_eq!(
        (&*mail.to, mail.purpose),
        (JANE, MailPurpose::ResetPassword)
    );
    let link = mail.link.as_ref().unwrap();
    assert_eq!(link.expires_in, 30 * MINUTE);
    assert_eq!(mail.locale.as_deref(), Some("de-AT"));
    let (page, token) = link.url.split_once('#').unwrap();
    assert_eq!(page, format!("{PAGES}/reset-password"));
    for status in [200, 400] {
        let answer = reset_by_token(&server, token, "battery staple").await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(server.login(JANE, "battery staple").await.status, 200);
    let shown = format!("{mail:?} {mail:#?} {}", log.text());
    assert!(!shown.contains(token));
    assert_eq!(log.lines("password_reset_mailed").len(), 1);
}

#[tokio::test]
async fn every_address_gets_the_same_answer() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    server.jane().await;
    for status in [Pending, Disabled] {
        let email = format!("{}@example.org", status.as_str());
        server.add(&email, false, status).await;
    }
    let known = ask(&server, JANE).await;
    assert_eq!(known.status, StatusCode::ACCEPTED);
    for email in [
        "eve@example.org",
        "pending@example.org",
        "disabled@example.org",
    ] {
        let answer = ask(&server, email).await;
        assert_eq!(answer.status, known.status);
        assert_eq!(
            (answer.headers, answer.body),
            (known.headers.clone(), known.body.clone())
        );
    }
    assert_eq!(next(&mut mails).await.to, JANE);
    assert!(none_left(&mut mails).await);
    assert_eq!(ask(&server, "no address").await.status, 422);
}

/// Nothing on the way of the answer depends on the account: the store is asked later.
#[tokio::test]
async fn answer_does_not_wait_for_the_store() {
    let store = Arc::new(Staged::new().await);
    let (outbox, mut mails) = outbox(0);
    let server = server_with(Arc::clone(&store), outbox, |accounts| accounts);
    server.jane().await;
    store.pause(Pause::AfterFindByEmail);
    assert_eq!(ask(&server, JANE).await.status, 202);
    store.arrival().await;
    assert!(none_left(&mut mails).await);
    store.go_on();
    assert_eq!(next(&mut mails).await.to, JANE);
    store.fails(&["find_by_email"]);
    assert_eq!(ask(&server, JANE).await.status, 202);
    assert!(none_left(&mut mails).await);
}

#[tokio::test]
async fn account_gets_one_mail_in_five_minutes() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.throttle(Throttle::new())
    });
    server.jane().await;
    server.add("paul@example.org", false, Approved).await;
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(ask(&server, JANE).await.status, 202);
        }
        assert_eq!(next(&mut mails).await.to, JANE);
        assert!(none_left(&mut mails).await);
        server.clock.advance(5 * MINUTE);
    }
    assert_eq!(ask(&server, "paul@example.org").await.status, 202);
    assert_eq!(next(&mut mails).await.to, "paul@example.org");
}

#[tokio::test]
async fn requests_of_a_client_address_are_limited() {
    let (outbox, _mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.throttle(Throttle::new())
    });
    let ask = async |address: &str, number: u32| {
        let body = json!({"email": format!("user{number}@example.org")});
        let request = json_to("POST", "/forgot-password", &body);
        server.send(from(address, request)).await.status.as_u16()
    };
    for number in 0..10 {
        assert_eq!(ask("192.0.2.1", number).await, 202);
    }
    assert_eq!(ask("192.0.2.1", 10).await, 429);
    assert_eq!(ask("192.0.2.2", 10).await, 202);
}

#[tokio::test(start_paused = true)]
async fn failed_mail_is_tried_again() {
    let (outbox, mut mails) = outbox(2);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    server.jane().await;
    let start = Instant::now();
    assert_eq!(ask(&server, JANE).await.status, 202);
    assert!(start.elapsed() < SECOND);
    assert_eq!(mails.recv().await.unwrap().to, JANE);
    assert_eq!(start.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn flush_waits_for_the_last_mail() {
    let (outbox, mut mails) = outbox(1);
    let queue = MailQueue::new(outbox, PAGES);
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let server = mounted(server, accounts.mail(queue.clone()), None);
    server.jane().await;
    queue.flush().await;
    assert_eq!(ask(&server, JANE).await.status, 202);
    // The next attempt is later.
    assert!(timeout(SECOND, queue.flush()).await.is_err());
    queue.flush().await;
    assert_eq!(mails.try_recv().unwrap().to, JANE);
    // The queue is open still.
    assert_eq!(ask(&server, JANE).await.status, 202);
    queue.flush().await;
    assert_eq!(mails.try_recv().unwrap().to, JANE);
}

#[tokio::test(start_paused = true)]
async fn mail_that_cannot_be_sent_is_one_line() {
    let log = Trace::record();
    let server = server_with(InMemoryAccountStore::new(), NoAnswer, |accounts| accounts);
    server.jane().await;
    for _ in 0..2 {
        assert_eq!(ask(&server, JANE).await.status, 202);
    }
    tokio::time::sleep(10 * MINUTE).await;
    // One for each request, the later ones at DEBUG: other tests share the limit.
    let lines = log.lines("a mail was not sent");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().filter(|line| line.contains("ERROR")).count() <= 1);
    assert!(log.lines("password_reset_mailed").is_empty());
}

#[tokio::test]
async fn full_queue_drops_requests_and_warns_once() {
    let log = Trace::record();
    let store = Arc::new(Staged::new().await);
    let server = server_with(Arc::clone(&store), NoAnswer, |accounts| accounts);
    server.jane().await;
    for _ in 0..300 {
        assert_eq!(ask(&server, JANE).await.status, 202);
    }
    background_tasks().await;
    assert!(
        store
            .calls()
            .iter()
            .filter(|call| *call == "find_by_email")
            .count()
            <= 256
    );
    let warnings = log.lines("WARN");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
}

#[tokio::test]
async fn mailed_link_is_for_the_address_it_was_sent_to() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    ask(&server, JANE).await;
    let mailed = token_of(next(&mut mails).await);
    let handed_over = reset_token(&server, &admin, jane.id).await;
    let update = json!({"email": "jane@example.net"});
    assert_eq!(server.put(&admin, jane.id, update).await.status, 200);
    assert_invalid(&reset_by_token(&server, &mailed, "battery staple").await);
    let answer = reset_by_token(&server, &handed_over, "battery staple").await;
    assert_eq!(answer.status, 200);
}
