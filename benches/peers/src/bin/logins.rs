//! Concurrent log-ins: `cargo run --release --bin logins -- HOW`, with `--features
//! parallel-lanes` to run the lanes of each hash in separate threads.
//!
//! HOW is `hasher` (tower-warder), `semaphore` (as many as cores, each with its own allocation),
//! `uncapped`, or `one`: a single hash, repeatedly. While the log-ins run, a client sends other requests
//! to an axum server on the same runtime.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::Router;
use axum::routing::get;
use nix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tower_warder::password::PasswordHasher;

fn main() {
    let how = env::args().nth(1).unwrap();
    let runtime = Runtime::new().unwrap();
    match &*how {
        "one" => one(&runtime),
        how => storm(&runtime, how),
    }
}

/// Medians of one hash in milliseconds, interleaved.
fn one(runtime: &Runtime) {
    let hasher = PasswordHasher::new();
    let mut memory = vec![Block::default(); argon2().params().block_count()];
    let (mut allocating, mut reused, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..21 {
        allocating.push(timed(hash_allocating));
        reused.push(timed(|| hash_in(&mut memory)));
        ours.push(timed(|| {
            runtime.block_on(hasher.hash(PASSWORD)).unwrap();
        }));
    }
    println!("| one hash | ms |\n|---|--:|");
    println!(
        "| argon2, allocating | {:.1} |",
        quantile(&mut allocating, 0.5)
    );
    println!(
        "| argon2, reused memory | {:.1} |",
        quantile(&mut reused, 0.5)
    );
    println!("| PasswordHasher | {:.1} |", quantile(&mut ours, 0.5));
}

fn storm(runtime: &Runtime, how: &str) {
    let stored = runtime
        .block_on(PasswordHasher::new().hash(PASSWORD))
        .unwrap();
    let others = Others::start(runtime);
    thread::sleep(Duration::from_secs(1));
    let mut quiet = others.latencies();

    reset_peak();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let logins = Logins::new(how, stored);
    runtime.block_on(async {
        let mut running = JoinSet::new();
        (0..LOGINS).for_each(|_| drop(running.spawn(logins.clone().one())));
        running.join_all().await
    });
    let took = start.elapsed().as_secs_f64();
    let cpu = (cpu_seconds() - cpu) * 1e3 / LOGINS as f64;
    let peak = peak_mib();
    let mut busy = others.latencies();

    println!(
        "| log-ins | s | per s | CPU ms each | peak MiB | p99 ms of others, quiet | and meanwhile |\n\
         |---|--:|--:|--:|--:|--:|--:|"
    );
    println!(
        "| {how} | {took:.2} | {:.1} | {cpu:.0} | {peak} | {:.2} | {:.2} |",
        LOGINS as f64 / took,
        quantile(&mut quiet, 0.99),
        quantile(&mut busy, 0.99),
    );
}

/// Implementation of a log-in.
#[derive(Clone)]
enum Logins {
    Hasher(PasswordHasher, Arc<str>),
    Semaphore(Arc<Semaphore>),
}

impl Logins {
    fn new(how: &str, stored: String) -> Self {
        let cores = thread::available_parallelism().unwrap().get();
        match how {
            "hasher" => Self::Hasher(PasswordHasher::new(), stored.into()),
            "semaphore" => Self::Semaphore(Arc::new(Semaphore::new(cores))),
            "uncapped" => Self::Semaphore(Arc::new(Semaphore::new(LOGINS))),
            other => panic!("unknown kind of log-in: {other}"),
        }
    }

    async fn one(self) {
        match self {
            Self::Hasher(hasher, stored) => {
                assert!(hasher.verify(PASSWORD, &stored).await.unwrap().matches);
            }
            Self::Semaphore(permits) => {
                let _permit = permits.acquire().await.unwrap();
                spawn_blocking(hash_allocating).await.unwrap();
            }
        }
    }
}

/// Client with other requests, one each millisecond.
struct Others {
    latencies: std::sync::mpsc::Receiver<f64>,
    stop: Arc<AtomicBool>,
}

impl Others {
    fn start(runtime: &Runtime) -> Self {
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(async || "ok"));
        runtime.spawn(async move { axum::serve(listener, app).await });

        let (sender, latencies) = std::sync::mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            let mut connection = connect(address);
            while !stopped.load(Ordering::Relaxed) {
                let _ = sender.send(timed(|| ask(&mut connection)));
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { latencies, stop }
    }

    /// Latencies in milliseconds since the last call.
    fn latencies(&self) -> Vec<f64> {
        self.latencies.try_iter().collect()
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(address).unwrap();
    connection.set_nodelay(true).unwrap();
    connection
}

fn ask(connection: &mut TcpStream) {
    let mut answer = [0; 1024];
    connection
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let length = connection.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
}

fn hash_allocating() {
    let mut tag = [0; 32];
    let hashed = argon2().hash_password_into(PASSWORD.as_bytes(), SALT, &mut tag);
    hashed.unwrap();
}

fn hash_in(memory: &mut [Block]) {
    let mut tag = [0; 32];
    let hashed =
        argon2().hash_password_into_with_memory(PASSWORD.as_bytes(), SALT, &mut tag, memory);
    hashed.unwrap();
}

/// Argon2 with the default parameters of `PasswordHasher`.
fn argon2() -> Argon2<'static> {
    let params = Params::new(65_536, 3, 4, Some(32)).unwrap();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Milliseconds of `work`.
fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

/// CPU time of this process on all cores.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

fn quantile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[((samples.len() - 1) as f64 * share) as usize]
}

/// Peak of the resident memory since [`reset_peak`].
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() / 1024
}

fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

const LOGINS: usize = 64;
const PASSWORD: &str = "correct horse battery staple";
const SALT: &[u8] = b"0123456789abcdef";
