//! Nodes under load, and their responses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet, block_in_place};
use tokio::time::{interval, sleep};
use tower_warder::{HmacSecret, JwtIssuer};

use super::report::Report;
use crate::server::{SECRET, Server, Start};
use crate::support::OwnServer;

/// Three nodes on a PostgreSQL server of their own.
pub struct Cluster {
    name: &'static str,
    nodes: Vec<Server>,
    database: Arc<OwnServer>,
    _directory: TempDir,
    samples: Arc<Mutex<Vec<Sample>>>,
    client: Client,
    stop: Arc<AtomicBool>,
    load: Vec<JoinHandle<()>>,
    times: Times,
}

/// One request and its response.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub kind: ClientKind,
    pub node: usize,
    pub sent: Instant,
    pub took: Duration,
    /// 0 if there was no response.
    pub status: u16,
}

impl Sample {
    pub fn answered(&self) -> Instant {
        self.sent + self.took
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Approved,
    /// The user that is disabled during the failure.
    Disabled,
    Public,
}

/// Times of the events.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub began: Instant,
    pub ended: Instant,
    /// When the change of the disabled account was confirmed.
    pub disabled: Instant,
    /// When all nodes had logged that the channel is back.
    pub back: Option<Instant>,
}

impl Cluster {
    pub fn database() -> Arc<OwnServer> {
        Arc::new(block_in_place(|| OwnServer::of("postgres")))
    }

    /// Starts nodes with this channel, or with that of the database.
    pub async fn start(
        name: &'static str,
        database: &Arc<OwnServer>,
        channel: Option<&str>,
        connections: u32,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let start = || {
            let start = Start::in_directory(directory.path())
                .with("DATABASE_URL", database.url())
                .with("DATABASE_CONNECTIONS", connections.to_string())
                .with("JWT_SECRET", SECRET)
                // Long, so that any earlier effect comes from the channel.
                .with("USER_CACHE_TTL", "60s");
            match channel {
                Some(channel) => start.with("INVALIDATION_URL", channel),
                None => start,
            }
            .server()
        };
        let nodes = join_all((0..NODES).map(|_| start())).await;
        let now = Instant::now();
        let cluster = Self {
            name,
            nodes,
            database: Arc::clone(database),
            _directory: directory,
            samples: Arc::default(),
            client: Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .build()
                .unwrap(),
            stop: Arc::default(),
            load: Vec::new(),
            times: Times {
                began: now,
                ended: now,
                disabled: now,
                back: None,
            },
        };
        cluster.sql(ACCOUNTS).await;
        cluster
    }

    /// Starts the load once all accounts are cached.
    pub async fn start_load_once_cached(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.is_cached().await {
            assert!(Instant::now() < deadline, "the channel does not connect");
            sleep(Duration::from_millis(50)).await;
        }
        self.start_load().await;
    }

    /// Starts the load: all clients send requests continuously.
    pub async fn start_load(&mut self) {
        for node in 0..NODES {
            let me = "/api/auth/me";
            self.send_requests(node, ClientKind::Approved, vec![(me, token(APPROVED))]);
            self.send_requests(node, ClientKind::Disabled, vec![(me, token(MEMBER))]);
            let approved = token(APPROVED);
            let public = ["", &approved].map(|token| ("/login", token.to_owned()));
            let health = ("/healthz", String::new());
            self.send_requests(
                node,
                ClientKind::Public,
                public.into_iter().chain([health]).collect(),
            );
        }
        sleep(Duration::from_secs(1)).await;
    }

    /// Adds requests of many users that no node has cached.
    pub fn start_load_of_uncached_users(&mut self) {
        for node in 0..NODES {
            let requests = UNCACHED.map(|id| ("/api/auth/me", token(id)));
            self.send_requests(node, ClientKind::Approved, requests.collect());
        }
    }

    /// Sends these requests in turn at a fixed rate, without waiting for responses.
    fn send_requests(
        &mut self,
        node: usize,
        kind: ClientKind,
        requests: Vec<(&'static str, String)>,
    ) {
        let url = self.nodes[node].url.clone();
        let (client, stop) = (self.client.clone(), Arc::clone(&self.stop));
        let samples = Arc::clone(&self.samples);
        self.load.push(tokio::spawn(async move {
            let mut ticks = interval(TICK);
            let mut open = JoinSet::new();
            for (path, token) in requests.iter().cycle() {
                ticks.tick().await;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let mut request = client.get(format!("{url}{path}"));
                if !token.is_empty() {
                    request = request.bearer_auth(token);
                }
                let samples = Arc::clone(&samples);
                open.spawn(async move {
                    let sent = Instant::now();
                    let answer = request.send().await;
                    let status = answer.map_or(0, |answer| answer.status().as_u16());
                    let took = sent.elapsed();
                    lock(&samples).push(Sample {
                        kind,
                        node,
                        sent,
                        took,
                        status,
                    });
                });
            }
            open.join_all().await;
        }));
    }

    pub fn mark_start(&mut self) {
        self.times.began = Instant::now();
    }

    pub fn mark_end(&mut self) {
        self.times.ended = Instant::now();
    }

    /// Disables the user as with `psql`.
    pub async fn disable_by_sql(&mut self) {
        self.sql(DISABLE).await;
        self.mark_disabled();
    }

    /// Disables the user as an admin, on the first node.
    pub async fn disable_by_admin(&mut self) {
        let path = format!("/api/auth/users/{MEMBER}");
        let change = json!({"status": "disabled"});
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let answer = self.nodes[0].put(&path, &token(ADMIN), &change).await;
            match answer.status.as_u16() {
                200 => break,
                503 if Instant::now() < deadline => sleep(TICK).await,
                _ => panic!("{}", answer.body),
            }
        }
        self.mark_disabled();
    }

    pub fn mark_disabled(&mut self) {
        self.times.disabled = Instant::now();
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.database.url()).await.unwrap()
    }

    async fn sql(&self, statements: &'static str) {
        let mut connection = self.connect().await;
        connection.execute(sqlx::raw_sql(statements)).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Returns `true` if all nodes admit the approved user while the table is locked.
    async fn is_cached(&self) -> bool {
        let token = token(APPROVED);
        let send_requests = || join_all(self.nodes.iter().map(|node| node.me(&token)));
        send_requests().await;
        let mut connection = self.connect().await;
        connection
            .execute(sqlx::raw_sql("BEGIN; LOCK TABLE users"))
            .await
            .unwrap();
        let answers = tokio::time::timeout(Duration::from_millis(1500), send_requests()).await;
        connection.close().await.unwrap();
        answers.is_ok_and(|answers| answers.iter().all(|answer| answer.status == 200))
    }

    /// Waits for the recovery, or until it is overdue, and stops everything.
    pub async fn report(mut self, expected: Expected) -> Report {
        let deadline = self.times.ended + Duration::from_secs(8);
        loop {
            sleep(Duration::from_millis(20)).await;
            let now = Instant::now();
            let is_back = |node: &Server| node.log().contains(BACK);
            if self.times.back.is_none() && self.nodes.iter().all(is_back) {
                self.times.back = Some(now);
            }
            let is_back = self.times.back.is_some() || !expected.channel_is_lost;
            if is_back && self.is_quiet(now) || now > deadline {
                break;
            }
        }
        self.stop.store(true, Ordering::Relaxed);
        for load in self.load {
            load.await.unwrap();
        }
        self.load = Vec::new();
        let is_cached = self.is_cached().await;
        drop(self.client);
        // Before the shutdown, which has lines of its own.
        let logs = self.nodes.iter().map(Server::log).collect();
        join_all(self.nodes.into_iter().map(Server::stop)).await;
        let samples = lock(&self.samples).clone();
        Report {
            name: self.name,
            expected,
            times: self.times,
            is_cached,
            samples,
            logs,
        }
    }

    /// Returns `true` if the approved user has had no other status than 200 for a second.
    fn is_quiet(&self, now: Instant) -> bool {
        let since = self.times.ended.max(now - Duration::from_secs(1));
        let samples = lock(&self.samples);
        let rejected =
            |sample: &&Sample| sample.kind == ClientKind::Approved && sample.status != 200;
        let last = samples.iter().filter(rejected).map(Sample::answered).max();
        now - self.times.ended > Duration::from_secs(2) && last.is_none_or(|last| last < since)
    }
}

/// Permitted effects of a failure.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// How long the disabled user may be admitted.
    pub delay: Duration,
    /// Whether accounts cannot be read.
    pub store_is_away: bool,
    /// Whether nodes get no invalidations.
    pub channel_is_lost: bool,
}

fn token(id: i64) -> String {
    let issuer = JwtIssuer::hs256(&HmacSecret::new(SECRET).unwrap());
    issuer.issue(&id.to_string()).unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub const BACK: &str = "the channel of invalidations is back";
pub const DOWN: &str = "the channel of invalidations is down";
pub const NODES: usize = 3;

const TICK: Duration = Duration::from_millis(50);
const ADMIN: i64 = 1;
const APPROVED: i64 = 2;
const MEMBER: i64 = 3;
const UNCACHED: std::ops::RangeInclusive<i64> = 4..=15;

const ACCOUNTS: &str = "INSERT INTO users (email, hashed_password, is_admin, status, created_at)
    SELECT 'user' || n || '@example.com', 'none', n = 1, 'approved', now()
    FROM generate_series(1, 15) AS n";
pub const DISABLE: &str = "UPDATE users SET status = 'disabled' WHERE id = 3";
