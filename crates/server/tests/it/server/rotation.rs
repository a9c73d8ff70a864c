//! Keys that change while people work: `JWT_KEYS` and SIGHUP.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use tempfile::tempdir;
use tokio::sync::watch;
use tokio::time::timeout;

use super::configuration::assert_one_line;
use super::process::PATIENCE;
use super::{SECRET, Server, Start};
use crate::support::Place;

/// One after the other.
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
const KEYS: [(&str, &str); 4] = [
    ("2026-09.secret", SECRET),
    (
        "2026-10.pem",
        include_str!("../../../../../tests/keys/ed25519.pem"),
    ),
    (
        "2026-11.pem",
        include_str!("../../../../../tests/keys/p256.pem"),
    ),
    ("2026-12.secret", OTHER),
];
#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
const KEYS: [(&str, &str); 3] = [
    ("2026-09.secret", SECRET),
    ("2026-10.secret", "Zt5Gq0uXk8Lr2Wm9Yc4Vb7Nf1Hs6Jd3P"),
    ("2026-12.secret", OTHER),
];

const OTHER: &str = "q7Lk2vXw9ZtB4nYs6HdPfM1cRj8gUeA3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_load_and_no_session_is_refused() {
    let place = Place::shared().await;
    let keys = KeyFiles::of(&place.path().join("keys"), KEYS[0]);
    let server = Arc::new(start(&place, &keys).server().await);
    server.register(ADA).await;
    let crowd = Crowd::new(&server);
    let mut reloads = Reloads::of(&server);
    let mut refused = 0;

    for ((old, _), (new, content)) in KEYS.iter().zip(&KEYS[1..]) {
        keys.write(new, content);
        reloads.succeed().await;
        crowd.asks_on().await;

        keys.set_signing_key(new);
        reloads.succeed().await;
        let last_of_old = crowd.token();
        crowd.obeys(Order::LogIn).await;
        crowd.asks_on().await;

        keys.write("broken.secret", "short");
        keys.remove(old);
        reloads.fail().await;
        crowd.asks_on().await;
        // So that it is in memory when its key goes.
        assert_eq!(server.me(&last_of_old).await.status, 200);
        keys.remove("broken.secret");

        crowd.obeys(Order::Forget).await;
        reloads.succeed().await;
        assert_eq!(server.me(&last_of_old).await.status, 401, "{old}");
        refused += 1;
        crowd.asks_on().await;
    }
    // Many at once are one or a few.
    for _ in 0..20 {
        server.signal("HUP");
    }
    crowd.asks_on().await;

    let told = crowd.ends().await;
    println!(
        "{CLIENTS} clients: {:?} of /api/auth/me, {:?} of /api/auth/login; {} reloads, \
         {} refused; {refused} tokens of removed keys, all refused",
        told.asked, told.logged_in, reloads.read, reloads.refused
    );
    assert!(told.asked.keys().eq([&200]), "{:?}", told.asked);
    assert!(told.logged_in.keys().eq([&200]), "{:?}", told.logged_in);
    let said = Arc::into_inner(server).unwrap().stop().await;
    for (_, content) in KEYS {
        let mut lines = content.lines().filter(|line| !line.starts_with("---"));
        assert!(!lines.any(|line| said.contains(line)), "{said}");
    }
}

#[tokio::test]
async fn each_reading_says_what_came_and_went_and_what_signs() {
    let place = Place::shared().await;
    let keys = KeyFiles::of(&place.path().join("keys"), ("a.secret", SECRET));
    let server = start(&place, &keys).server().await;
    let mut reloads = Reloads::of(&server);
    keys.write("b.secret", OTHER);
    keys.set_signing_key("b.secret");
    reloads.succeed().await;
    keys.remove("a.secret");
    reloads.succeed().await;
    keys.write("b.secret", SECRET);
    reloads.fail().await;
    let said = server.stop().await;
    let lines = said.lines().filter(|line| line.contains(" keys "));
    let expected = [
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="a" added="a" removed="""#,
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="b" added="b" removed="""#,
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="b" added="" removed="a""#,
        "ERROR tower_warder_server::keys: keys not read, all stay as they were directory=keys \
         error=b is another key than before; give a new key a new name",
    ];
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.ends_with(expected), "{line}\n{expected}");
    }
}

#[tokio::test]
async fn from_one_secret_to_a_directory_nobody_is_logged_out() {
    let place = Place::shared().await;
    let with_secret = || Start::at(&place).with("JWT_SECRET", SECRET);
    let server = with_secret().server().await;
    server.register(ADA).await;
    let old = server.token(ADA).await;
    server.stop().await;

    let keys = KeyFiles::of(&place.path().join("keys"), ("2026-11.secret", OTHER));
    keys.write("default.secret", SECRET);
    let server = start(&place, &keys).server().await;
    assert_eq!(server.me(&old).await.status, 200);
    let new = server.token(ADA).await;
    keys.remove("default.secret");
    Reloads::of(&server).succeed().await;
    assert_eq!(server.me(&old).await.status, 401);
    assert_eq!(server.me(&new).await.status, 200);
}

#[tokio::test]
async fn two_nodes_rotate_one_after_the_other() {
    let place = Place::shared().await;
    let directories = ["one", "two"].map(|name| {
        let directory = place.path().join(name);
        KeyFiles::of(&directory, ("a.secret", SECRET))
    });
    let nodes = [
        start(&place, &directories[0]).server().await,
        start(&place, &directories[1]).server().await,
    ];
    let mut reloads = nodes.each_ref().map(Reloads::of);
    nodes[0].register(ADA).await;
    let mut tokens = vec![nodes[0].token(ADA).await];
    let steps: [fn(&KeyFiles); 3] = [
        |keys| keys.write("b.secret", OTHER),
        |keys| keys.set_signing_key("b.secret"),
        |keys| keys.remove("a.secret"),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        if number == 2 {
            tokens.retain(|token| !token.starts_with(&header("a")));
        }
        for (keys, reloads) in directories.iter().zip(&mut reloads) {
            step(keys);
            reloads.succeed().await;
            for node in &nodes {
                tokens.push(node.token(ADA).await);
                for (node, token) in nodes
                    .iter()
                    .flat_map(|node| tokens.iter().map(move |t| (node, t)))
                {
                    assert_eq!(node.me(token).await.status, 200, "step {number}");
                }
            }
        }
    }
    assert!(tokens.iter().all(|token| token.starts_with(&header("b"))));
}

#[tokio::test]
async fn without_a_directory_the_signal_does_nothing() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register(ADA).await;
    let token = server.token(ADA).await;
    server.signal("HUP");
    server
        .has_said("SIGHUP is ignored: set JWT_KEYS to reload keys", 1)
        .await;
    assert_eq!(server.me(&token).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_stops_the_start_and_leaves_nothing() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("keys");
    fs::create_dir(&path).unwrap();
    for (keys, secret, expected) in [
        ("", None, "JWT_KEYS: it is empty"),
        ("nowhere", None, "JWT_KEYS: nowhere: "),
        ("keys", None, "JWT_KEYS: keys/signing: it is missing"),
        ("keys", Some(SECRET), "JWT_KEYS: JWT_SECRET is set as well"),
        ("keys", Some(""), "JWT_KEYS: JWT_SECRET is set as well"),
    ] {
        let mut start = Start::in_directory(directory.path()).with("JWT_KEYS", keys);
        if let Some(secret) = secret {
            start = start.with("JWT_SECRET", secret);
        }
        let said = start.refusal().await;
        assert_one_line(&said);
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

const ADA: &str = "ada@example.com";

/// With these keys in the place of a secret.
fn start(place: &Place, keys: &KeyFiles) -> Start {
    let name = keys.0.file_name().unwrap();
    Start::at(place)
        .without("JWT_SECRET")
        .with("JWT_KEYS", name)
}

/// What begins every token of this key, for HS256.
fn header(key_id: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let header = format!(r#"{{"alg":"HS256","kid":"{key_id}","typ":"JWT"}}"#);
    URL_SAFE_NO_PAD.encode(header) + "."
}

/// A directory of keys, and what an operator does there.
struct KeyFiles(PathBuf);

impl KeyFiles {
    /// With one key, which signs.
    fn of(directory: &Path, (name, content): (&str, &str)) -> Self {
        fs::create_dir(directory).unwrap();
        // Whatever the umask is.
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
        let keys = Self(directory.to_owned());
        keys.write(name, content);
        keys.set_signing_key(name);
        keys
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).unwrap();
    }

    /// The key in this file.
    fn set_signing_key(&self, name: &str) {
        let key_id = Path::new(name).file_stem().unwrap().to_str().unwrap();
        self.write("signing", &format!("{key_id}\n"));
    }
}

/// Sends SIGHUP, and waits for what comes of it.
struct Reloads<'a> {
    server: &'a Server,
    read: usize,
    refused: usize,
}

impl<'a> Reloads<'a> {
    fn of(server: &'a Server) -> Self {
        let (read, refused) = (0, 0);
        Self {
            server,
            read,
            refused,
        }
    }

    async fn succeed(&mut self) {
        self.read += 1;
        self.server.signal("HUP");
        // The first time is at the start.
        self.server.has_said(" keys read ", self.read + 1).await;
    }

    async fn fail(&mut self) {
        self.refused += 1;
        self.server.signal("HUP");
        self.server.has_said(" keys not read", self.refused).await;
    }
}

/// Clients that ask who they are without a pause, with each of their tokens.
struct Crowd {
    orders: watch::Sender<(usize, Order)>,
    reports: Vec<watch::Receiver<Report>>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    LogIn,
    /// All tokens but the newest.
    Forget,
    End,
}

#[derive(Clone, Default)]
struct Report {
    obeyed: usize,
    token: String,
    /// How often there was which status.
    asked: BTreeMap<u16, usize>,
    logged_in: BTreeMap<u16, usize>,
}

impl Crowd {
    fn new(server: &Arc<Server>) -> Self {
        let orders = watch::Sender::new((0, Order::LogIn));
        let mut reports = Vec::new();
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let (report, reported) = watch::channel(Report::default());
            reports.push(reported);
            // One of them logs in anew again and again.
            let is_restless = number == 0;
            let client = work(Arc::clone(server), orders.subscribe(), report, is_restless);
            clients.push(tokio::spawn(client));
        }
        Self {
            orders,
            reports,
            clients,
        }
    }

    /// Waits until each has asked with each of its tokens for a while.
    async fn asks_on(&self) {
        let asked = |report: &Report| report.asked.values().sum::<usize>();
        self.wait_for(|before, now| asked(now) >= asked(before) + 40)
            .await;
    }

    /// Waits until all have done so.
    async fn obeys(&self, order: Order) {
        self.orders.send_modify(|(number, last)| {
            *number += 1;
            *last = order;
        });
        let number = self.orders.borrow().0;
        self.wait_for(|_, now| now.obeyed == number).await;
    }

    async fn wait_for(&self, is_enough: impl Fn(&Report, &Report) -> bool) {
        let all = join_all(self.reports.iter().map(async |report| {
            let before = report.borrow().clone();
            let mut report = report.clone();
            let enough = report.wait_for(|now| is_enough(&before, now)).await;
            enough.unwrap();
        }));
        timeout(PATIENCE * 2, all).await.expect("they go on");
    }

    /// One that is in use.
    fn token(&self) -> String {
        self.reports[1].borrow().token.clone()
    }

    /// What all of them saw.
    async fn ends(self) -> Report {
        self.obeys(Order::End).await;
        for client in self.clients {
            client.await.unwrap();
        }
        let mut told = Report::default();
        for report in self.reports {
            let report = report.borrow();
            for (sum, of) in [
                (&mut told.asked, &report.asked),
                (&mut told.logged_in, &report.logged_in),
            ] {
                for (status, times) in of {
                    *sum.entry(*status).or_default() += times;
                }
            }
        }
        told
    }
}

/// One client.
async fn work(
    server: Arc<Server>,
    orders: watch::Receiver<(usize, Order)>,
    report: watch::Sender<Report>,
    is_restless: bool,
) {
    let log_in = async || {
        let answer = server.login(ADA, super::PASSWORD).await;
        report.send_modify(|report| {
            *report.logged_in.entry(answer.status.as_u16()).or_default() += 1;
        });
        answer.json()["access_token"].as_str().unwrap().to_owned()
    };
    let mut tokens = vec![log_in().await];
    loop {
        let (number, order) = *orders.borrow();
        if number != report.borrow().obeyed {
            match order {
                Order::LogIn => tokens.push(log_in().await),
                Order::Forget => {
                    tokens.drain(..tokens.len() - 1);
                }
                Order::End => {}
            }
        }
        if is_restless {
            tokens.pop();
            tokens.push(log_in().await);
        }
        report.send_modify(|report| {
            report.obeyed = number;
            report.token = tokens.last().unwrap().clone();
        });
        if matches!(order, Order::End) {
            return;
        }
        for token in std::iter::repeat_n(&tokens, 10).flatten() {
            let status = server.me(token).await.status.as_u16();
            report.send_modify(|report| *report.asked.entry(status).or_default() += 1);
        }
    }
}

const CLIENTS: usize = 8;
