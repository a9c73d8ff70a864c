//! The nodes, who asks them all the time, and what they answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
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

/// Three nodes on a PostgreSQL of their own.
pub struct Scene {
    name: &'static str,
    nodes: Vec<Server>,
    database: Arc<OwnServer>,
    _directory: TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
    client: Client,
    stop: Arc<AtomicBool>,
    load: Vec<JoinHandle<()>>,
    times: Times,
}

/// One request and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub who: Who,
    pub node: usize,
    pub sent: Instant,
    pub took: Duration,
    /// Zero if there was no answer.
    pub status: u16,
}

impl Asked {
    pub fn answered(&self) -> Instant {
        self.sent + self.took
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Healthy,
    /// The one who is disabled in the middle of it.
    Disabled,
    Anybody,
}

/// When it happened.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub began: Instant,
    pub ended: Instant,
    /// Whoever disabled the account was told then that it is done.
    pub disabled: Instant,
    /// When all nodes had said that the channel is back.
    pub back: Option<Instant>,
}

impl Scene {
    pub fn database() -> Arc<OwnServer> {
        Arc::new(block_in_place(|| OwnServer::of("postgres")))
    }

    /// Nodes that hear of changes there, or from the database.
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
                // Long: what is seen earlier, the channel has said.
                .with("USER_CACHE_TTL", "60s");
            match channel {
                Some(channel) => start.with("INVALIDATION_URL", channel),
                None => start,
            }
            .server()
        };
        let nodes = join_all((0..NODES).map(|_| start())).await;
        let now = Instant::now();
        let scene = Self {
            name,
            nodes,
            database: Arc::clone(database),
            _directory: directory,
            asked: Arc::default(),
            client: Client::builder().no_proxy().build().unwrap(),
            stop: Arc::default(),
            load: Vec::new(),
            times: Times {
                began: now,
                ended: now,
                disabled: now,
                back: None,
            },
        };
        scene.sql(ACCOUNTS).await;
        scene
    }

    /// Everybody asks all the time, and all accounts are in memory.
    pub async fn plays(&mut self) {
        let patience = Instant::now() + Duration::from_secs(10);
        while !self.is_in_memory().await {
            assert!(Instant::now() < patience, "the channel does not connect");
            sleep(Duration::from_millis(50)).await;
        }
        self.everybody_asks().await;
    }

    /// Everybody asks all the time.
    pub async fn everybody_asks(&mut self) {
        for node in 0..NODES {
            let me = "/api/auth/me";
            self.asks(node, Who::Healthy, vec![(me, token(HEALTHY))]);
            self.asks(node, Who::Disabled, vec![(me, token(MEMBER))]);
            let somebody = token(HEALTHY);
            let public = ["", &somebody].map(|token| ("/login", token.to_owned()));
            let health = ("/healthz", String::new());
            self.asks(
                node,
                Who::Anybody,
                public.into_iter().chain([health]).collect(),
            );
        }
        sleep(Duration::from_secs(1)).await;
    }

    /// Many whom no node has in memory.
    pub fn strangers_ask(&mut self) {
        for node in 0..NODES {
            let requests = STRANGERS.map(|id| ("/api/auth/me", token(id)));
            self.asks(node, Who::Healthy, requests.collect());
        }
    }

    /// One of these requests after the other, whether those before are answered or not.
    fn asks(&mut self, node: usize, who: Who, requests: Vec<(&'static str, String)>) {
        let url = self.nodes[node].url.clone();
        let (client, stop) = (self.client.clone(), Arc::clone(&self.stop));
        let asked = Arc::clone(&self.asked);
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
                let asked = Arc::clone(&asked);
                open.spawn(async move {
                    let sent = Instant::now();
                    let answer = request.send().await;
                    let status = answer.map_or(0, |answer| answer.status().as_u16());
                    let took = sent.elapsed();
                    lock(&asked).push(Asked {
                        who,
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

    pub fn begins(&mut self) {
        self.times.began = Instant::now();
    }

    pub fn ends(&mut self) {
        self.times.ended = Instant::now();
    }

    /// As somebody with `psql`.
    pub async fn disable_by_sql(&mut self) {
        self.sql(DISABLE).await;
        self.is_disabled();
    }

    /// As an admin, on the first node.
    pub async fn disable_by_admin(&mut self) {
        let path = format!("/api/auth/users/{MEMBER}");
        let change = json!({"status": "disabled"});
        let patience = Instant::now() + Duration::from_secs(5);
        loop {
            let answer = self.nodes[0].put(&path, &token(ADMIN), &change).await;
            match answer.status.as_u16() {
                200 => break,
                503 if Instant::now() < patience => sleep(TICK).await,
                _ => panic!("{}", answer.body),
            }
        }
        self.is_disabled();
    }

    pub fn is_disabled(&mut self) {
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

    /// Nobody can read the table meanwhile: who is let in is known.
    async fn is_in_memory(&self) -> bool {
        let token = token(HEALTHY);
        let asks = || join_all(self.nodes.iter().map(|node| node.me(&token)));
        asks().await;
        let mut connection = self.connect().await;
        connection
            .execute(sqlx::raw_sql("BEGIN; LOCK TABLE users"))
            .await
            .unwrap();
        let answers = tokio::time::timeout(Duration::from_millis(1500), asks()).await;
        connection.close().await.unwrap();
        answers.is_ok_and(|answers| answers.iter().all(|answer| answer.status == 200))
    }

    /// Waits until everything is as before, or should be, and ends.
    pub async fn report(mut self, expected: Expected) -> Report {
        let patience = self.times.ended + Duration::from_secs(8);
        loop {
            sleep(Duration::from_millis(20)).await;
            let now = Instant::now();
            let is_back = |node: &Server| node.said().contains(BACK);
            if self.times.back.is_none() && self.nodes.iter().all(is_back) {
                self.times.back = Some(now);
            }
            let is_back = self.times.back.is_some() || !expected.channel_is_lost;
            if is_back && self.is_quiet(now) || now > patience {
                break;
            }
        }
        self.stop.store(true, Ordering::Relaxed);
        for load in self.load {
            load.await.unwrap();
        }
        self.load = Vec::new();
        let is_in_memory = self.is_in_memory().await;
        drop(self.client);
        // The end is another matter.
        let logs = self.nodes.iter().map(Server::said).collect();
        join_all(self.nodes.into_iter().map(Server::stop)).await;
        let asked = lock(&self.asked).clone();
        Report {
            name: self.name,
            expected,
            times: self.times,
            is_in_memory,
            asked,
            logs,
        }
    }

    /// Whether nobody has been turned away for a second.
    fn is_quiet(&self, now: Instant) -> bool {
        let since = self.times.ended.max(now - Duration::from_secs(1));
        let asked = lock(&self.asked);
        let turned_away = |asked: &&Asked| asked.who == Who::Healthy && asked.status != 200;
        let last = asked.iter().filter(turned_away).map(Asked::answered).max();
        now - self.times.ended > Duration::from_secs(2) && last.is_none_or(|last| last < since)
    }
}

/// What a fault may do.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// How long whoever is disabled may be let in.
    pub delay: Duration,
    /// Whether accounts cannot be read.
    pub store_is_away: bool,
    /// Whether nodes do not hear of each other's changes.
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
const HEALTHY: i64 = 2;
const MEMBER: i64 = 3;
const STRANGERS: std::ops::RangeInclusive<i64> = 4..=15;

const ACCOUNTS: &str = "INSERT INTO users (email, hashed_password, is_admin, status, created_at)
    SELECT 'user' || n || '@example.com', 'none', n = 1, 'approved', now()
    FROM generate_series(1, 15) AS n";
pub const DISABLE: &str = "UPDATE users SET status = 'disabled' WHERE id = 3";
