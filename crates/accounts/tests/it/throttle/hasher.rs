//! Shares of clients and accounts in the queue of the hasher.

use std::pin::Pin;
use std::sync::{Mutex, mpsc};

use axum::body::Body;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use futures_util::poll;
use http::Request;
use serde_json::json;
use tower_warder::password::{
    LegacyHash, PasswordError, PasswordFormat, PasswordHasher, PasswordVerification,
};
use tower_warder_accounts::InMemoryAccountStore;
use tower_warder_accounts::throttle::{Limit, Throttle};

use super::super::server::{Approved, PASSWORD, Server, by, hasher, json_to, login};
use super::devices::{device_in, with};
use super::{JANE, from, guess, limited, server_with};
use crate::support::Answer;

const ADDRESS: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";

type Waiting<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// A hasher with one permit, which a test can hold.
struct Narrow {
    hasher: PasswordHasher,
    begun: mpsc::Receiver<()>,
    end: mpsc::Sender<()>,
}

impl Narrow {
    fn new(queue: usize) -> Self {
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let held = Mutex::new(Some((begin, ended)));
        Self {
            hasher: hasher()
                .max_concurrency(1)
                .max_queue(queue)
                .legacy_format(Held(held)),
            begun,
            end,
        }
    }

    /// Takes the permit, until the test ends it.
    async fn occupy(&self) -> Running<'_> {
        let mut running = self.hasher.verify("", "held").boxed();
        while self.begun.try_recv().is_err() {
            assert!(poll!(&mut running).is_pending());
            tokio::task::yield_now().await;
        }
        running
    }

    /// The same, and the only place in the queue.
    async fn fill(&self) -> (Running<'_>, BoxFuture<'_, Result<String, PasswordError>>) {
        let running = self.occupy().await;
        let mut waiting = self.hasher.hash(PASSWORD).boxed();
        assert!(poll!(&mut waiting).is_pending());
        (running, waiting)
    }

    fn end(&self) {
        self.end.send(()).unwrap();
    }
}

type Running<'a> = BoxFuture<'a, Result<PasswordVerification, PasswordError>>;

struct Held(Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>);

impl PasswordFormat for Held {
    fn parse(&self, stored: &str) -> Result<Option<LegacyHash>, &'static str> {
        let mut held = self.0.lock().unwrap();
        let held = held.take_if(|_| stored == "held");
        Ok(held.map(|(begin, ended)| {
            LegacyHash::new(move |_| {
                begin.send(()).unwrap();
                ended.recv().is_ok()
            })
        }))
    }
}

/// A server whose store answers at once, so that a request waits for the hasher when it is first polled.
async fn server(narrow: &Narrow) -> Server {
    let server = Server::over(InMemoryAccountStore::new());
    limited(server, Throttle::new(), narrow.hasher.clone()).await
}

/// A request that waits for a permit to hash.
async fn waiting(server: &Server, request: Request<Body>) -> Waiting<'_> {
    let mut answer: Waiting<'_> = server.send(request).boxed_local();
    assert!(poll!(&mut answer).is_pending());
    answer
}

fn guess_at(account: &str, address: &str) -> Request<Body> {
    from(address, login(account, "wrong password"))
}

#[track_caller]
fn assert_busy(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn flood_of_one_address_leaves_the_queue_to_others() {
    let narrow = Narrow::new(8);
    let server = server(&narrow).await;
    let running = narrow.occupy().await;
    let flood = join_all((0..100).map(|number| {
        let account = format!("user{number}@example.org");
        let server = &server;
        async move { server.send(guess_at(&account, ADDRESS)).await }
    }));
    let jane = server.send(from(ELSEWHERE, login(JANE, PASSWORD)));
    // The flood first; the permit is free when all have been polled.
    let end = async { narrow.end() };
    let (flood, jane, (), _) = tokio::join!(biased; flood, jane, end, running);
    assert_eq!(jane.status, 200);
    let (verified, rejected): (Vec<_>, Vec<_>) =
        flood.iter().partition(|answer| answer.status == 401);
    // All but four had no place.
    assert_eq!((verified.len(), rejected.len()), (4, 96));
    rejected.into_iter().for_each(assert_busy);
}

#[tokio::test]
async fn account_has_one_place_in_the_queue() {
    let narrow = Narrow::new(16);
    let server = server(&narrow).await;
    let running = narrow.occupy().await;
    for account in [JANE, "unknown@example.org", "no address"] {
        let first = waiting(&server, guess_at(account, ADDRESS)).await;
        let second = server.send(guess_at(&account.to_uppercase(), ELSEWHERE));
        assert_busy(&second.await);
        drop(first);
    }
    narrow.end();
    assert!(running.await.unwrap().matches);
}

#[tokio::test]
async fn known_device_takes_the_place_of_a_guess() {
    let narrow = Narrow::new(16);
    let server = server(&narrow).await;
    let log_in = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    let device = device_in(&log_in);
    let running = narrow.occupy().await;
    let guess = waiting(&server, guess_at(JANE, ELSEWHERE)).await;
    let owner = waiting(&server, with(&device, from(ADDRESS, login(JANE, PASSWORD)))).await;
    assert_busy(&guess.await);
    narrow.end();
    assert_eq!(tokio::join!(owner, running).0.status, 200);
}

#[tokio::test]
async fn places_are_kept_for_devices_users_and_admins() {
    let narrow = Narrow::new(12);
    let server = server(&narrow).await;
    let log_in = server.send(from(ADDRESS, login(JANE, PASSWORD))).await;
    let device = device_in(&log_in);
    let paul = server.add("paul@example.org", false, Approved).await;
    let dora = server.add("dora@example.org", false, Approved).await;
    let (_, admin) = server.admin().await;
    let running = narrow.occupy().await;
    let mut flood = Vec::new();
    for host in 0..9 {
        let (account, address) = (format!("{host}@example.org"), format!("203.0.113.{host}"));
        flood.push(waiting(&server, guess_at(&account, &address)).await);
    }
    let request = guess_at("other@example.org", "203.0.113.100");
    assert_busy(&server.send(request).await);
    let registration = json!({ "email": "new@example.org", "password": PASSWORD });
    let registration = json_to("POST", "/register", &registration);
    assert_busy(&server.send(from("203.0.113.101", registration)).await);

    let known = waiting(&server, with(&device, from(ADDRESS, login(JANE, PASSWORD)))).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "battery staple" });
    let change = json_to("POST", "/password", &change);
    let change = waiting(&server, by(&server.token(&paul), change)).await;
    let reset = json!({ "password": "battery staple" });
    let reset = json_to(
        "POST",
        &format!("/users/{}/reset-password", dora.id),
        &reset,
    );
    let reset = waiting(&server, by(&admin, reset)).await;
    // A slow machine would not serve all within the time that a log-in waits.
    drop(flood);
    narrow.end();
    let answers = join_all([known, change, reset]);
    let (answers, _) = tokio::join!(answers, running);
    for answer in answers {
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

#[tokio::test]
async fn throttled_login_needs_no_place_in_the_hasher() {
    let narrow = Narrow::new(1);
    let throttle = Throttle::new().per_pair(Limit::per_minute(1));
    let server = server_with(throttle, narrow.hasher.clone()).await;
    assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
    let (running, waiting) = narrow.fill().await;
    assert_eq!(guess(&server, ADDRESS, JANE).await, 429);
    assert_eq!(guess(&server, ELSEWHERE, JANE).await, 503);
    drop((running, waiting));
}

#[tokio::test]
async fn attempt_that_the_hasher_rejects_is_given_back() {
    let narrow = Narrow::new(1);
    let throttle = Throttle::new().per_pair(Limit::per_minute(1));
    let server = server_with(throttle, narrow.hasher.clone()).await;
    let (running, waiting) = narrow.fill().await;
    for _ in 0..3 {
        assert_eq!(guess(&server, ADDRESS, JANE).await, 503);
    }
    narrow.end();
    let (ran, waited) = tokio::join!(running, waiting);
    assert!(ran.is_ok() && waited.is_ok());
    assert_eq!(guess(&server, ADDRESS, JANE).await, 401);
}

#[tokio::test]
async fn callers_are_not_limited_without_a_throttle() {
    let narrow = hasher().max_concurrency(1);
    let server = Server::configured(|accounts| accounts.hasher(narrow).throttle_off()).await;
    server.jane().await;
    let log_ins = (0..20).map(|_| server.send(from(ADDRESS, login(JANE, PASSWORD))));
    for answer in join_all(log_ins).await {
        assert_eq!(answer.status, 200);
    }
}
