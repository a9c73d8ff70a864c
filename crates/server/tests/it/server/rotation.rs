//! Key rotation during operation: `JWT_KEYS` and SIGHUP.

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

/// Keys that are used one after another.
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
async fn keys_rotate_under_load_without_rejections() {
    let place = Place::shared().await;
    let keys = KeyFiles::of(&place.path().join("keys"), KEYS[0]);
    let server = Arc::new(start(&place, &keys).unthrottled().server().await);
    server.register(ADA).await;
    let load = Load::new(&server);
    let mut reloads = Reloads::of(&server);
    let mut rejected = 0;

    for ((old, _), (new, content)) in KEYS.iter().zip(&KEYS[1..]) {
        keys.write(new, content);
        reloads.succeed().await;
        load.continue_for_a_while().await;

        keys.set_signing_key(new);
        reloads.succeed().await;
        let last_of_old = load.token();
        load.execute(Command::LogIn).await;
        load.continue_for_a_while().await;

        keys.write("broken.secret", "short");
        keys.remove(old);
        reloads.fail().await;
        load.continue_for_a_while().await;
        // So that it is cached when its key is removed.
        assert_eq!(server.me(&last_of_old).await.status, 200);
        keys.remove("broken.secret");

        load.execute(Command::DropOldTokens).await;
        reloads.succeed().await;
        assert_eq!(server.me(&last_of_old).await.status, 401, "{old}");
        rejected += 1;
        load.continue_for_a_while().await;
    }
    // Signals are merged.
    for _ in 0..20 {
        server.signal("HUP");
    }
    load.continue_for_a_while().await;

    let total = load.finish().await;
    println!(
        "{CLIENTS} clients: {:?} of /api/auth/me, {:?} of /api/auth/login; {} reloads, \
         {} failed; {rejected} tokens of removed keys, all rejected",
        total.requests, total.logins, reloads.read, reloads.failed
    );
    assert!(total.requests.keys().eq([&200]), "{:?}", total.requests);
    assert!(total.logins.keys().eq([&200]), "{:?}", total.logins);
    let log = Arc::into_inner(server).unwrap().stop().await;
    for (_, content) in KEYS {
        let mut lines = content.lines().filter(|line| !line.starts_with("---"));
        assert!(!lines.any(|line| log.contains(line)), "{log}");
    }
}

#[tokio::test]
async fn reload_logs_added_removed_and_signing_keys() {
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
    let log = server.stop().await;
    let lines = log.lines().filter(|line| line.contains(" keys "));
    let expected = [
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="a" added="a" removed="""#,
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="b" added="b" removed="""#,
        r#"INFO tower_warder_server::keys: keys read directory=keys signing="b" added="" removed="a""#,
        "ERROR tower_warder_server::keys: keys not read, all stay as they were directory=keys \
         error=b is another key than before; give a new key a new name",
    ];
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.ends_with(expected), "{line}\n{expected}");
    }

    let rotated = log.lines().filter(|line| line.contains("keys_rotated"));
    let rotated: Vec<_> = rotated.collect();
    let expected = [
        r#"event="keys_rotated" actor="system" signing="b" added="b" removed="""#,
        r#"event="keys_rotated" actor="system" signing="b" added="" removed="a""#,
    ];
    assert_eq!(rotated.len(), expected.len(), "{log}");
    for (line, expected) in rotated.iter().zip(expected) {
        assert!(line.contains("INFO tower_warder::audit: "), "{line}");
        assert!(line.ends_with(expected), "{line}\n{expected}");
    }
}

#[tokio::test]
async fn migration_to_a_key_directory_keeps_tokens_valid() {
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
async fn two_nodes_rotate_one_after_another() {
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
async fn sighup_without_a_key_directory_is_ignored() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register(ADA).await;
    let token = server.token(ADA).await;
    server.signal("HUP");
    server
        .wait_for_log("SIGHUP is ignored: set JWT_KEYS to reload keys", 1)
        .await;
    assert_eq!(server.me(&token).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn unusable_key_directory_is_rejected_and_unchanged() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("keys");
    fs::create_dir(&path).unwrap();
    for (keys, secret, expected) in [
        ("", None, "JWT_KEYS: it is empty"),
        ("missing", None, "JWT_KEYS: missing: "),
        ("keys", None, "JWT_KEYS: keys/signing: it is missing"),
        ("keys", Some(SECRET), "JWT_KEYS: JWT_SECRET is set as well"),
        ("keys", Some(""), "JWT_KEYS: JWT_SECRET is set as well"),
    ] {
        let mut start = Start::in_directory(directory.path()).with("JWT_KEYS", keys);
        if let Some(secret) = secret {
            start = start.with("JWT_SECRET", secret);
        }
        let error = start.startup_error().await;
        assert_one_line(&error);
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

const ADA: &str = "ada@example.com";

/// Starts with these keys instead of a secret.
fn start(place: &Place, keys: &KeyFiles) -> Start {
    let name = keys.0.file_name().unwrap();
    Start::at(place)
        .without("JWT_SECRET")
        .with("JWT_KEYS", name)
}

/// Returns the header of every HS256 token of this key.
fn header(key_id: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let header = format!(r#"{{"alg":"HS256","kid":"{key_id}","typ":"JWT"}}"#);
    URL_SAFE_NO_PAD.encode(header) + "."
}

/// Key directory, and the changes that an operator makes.
struct KeyFiles(PathBuf);

impl KeyFiles {
    /// Creates a directory with one key, which signs.
    fn of(directory: &Path, (name, content): (&str, &str)) -> Self {
        fs::create_dir(directory).unwrap();
        // Independent of the umask.
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

    /// Selects the key in this file.
    fn set_signing_key(&self, name: &str) {
        let key_id = Path::new(name).file_stem().unwrap().to_str().unwrap();
        self.write("signing", &format!("{key_id}\n"));
    }
}

/// Sends SIGHUP, and waits for the result in the log.
struct Reloads<'a> {
    server: &'a Server,
    read: usize,
    failed: usize,
}

impl<'a> Reloads<'a> {
    fn of(server: &'a Server) -> Self {
        let (read, failed) = (0, 0);
        Self {
            server,
            read,
            failed,
        }
    }

    async fn succeed(&mut self) {
        self.read += 1;
        self.server.signal("HUP");
        // The first time is at the start.
        self.server.wait_for_log(" keys read ", self.read + 1).await;
    }

    async fn fail(&mut self) {
        self.failed += 1;
        self.server.signal("HUP");
        self.server
            .wait_for_log(" keys not read", self.failed)
            .await;
    }
}

/// Clients that request `/api/auth/me` without a pause, with each of their tokens.
struct Load {
    commands: watch::Sender<(usize, Command)>,
    reports: Vec<watch::Receiver<Report>>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    LogIn,
    /// Drop all tokens but the newest.
    DropOldTokens,
    End,
}

#[derive(Clone, Default)]
struct Report {
    executed: usize,
    token: String,
    /// Number of responses by status.
    requests: BTreeMap<u16, usize>,
    logins: BTreeMap<u16, usize>,
}

impl Load {
    fn new(server: &Arc<Server>) -> Self {
        let commands = watch::Sender::new((0, Command::LogIn));
        let mut reports = Vec::new();
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let (report, reported) = watch::channel(Report::default());
            reports.push(reported);
            // One of them logs in again and again.
            let keeps_logging_in = number == 0;
            let client = run_client(
                Arc::clone(server),
                commands.subscribe(),
                report,
                keeps_logging_in,
            );
            clients.push(tokio::spawn(client));
        }
        Self {
            commands,
            reports,
            clients,
        }
    }

    /// Waits until each has sent requests with each of its tokens for a while.
    async fn continue_for_a_while(&self) {
        let requests = |report: &Report| report.requests.values().sum::<usize>();
        self.wait_for(|before, now| requests(now) >= requests(before) + 40)
            .await;
    }

    /// Waits until all clients have executed the command.
    async fn execute(&self, command: Command) {
        self.commands.send_modify(|(number, last)| {
            *number += 1;
            *last = command;
        });
        let number = self.commands.borrow().0;
        self.wait_for(|_, now| now.executed == number).await;
    }

    async fn wait_for(&self, is_enough: impl Fn(&Report, &Report) -> bool) {
        let all = join_all(self.reports.iter().map(async |report| {
            let before = report.borrow().clone();
            let mut report = report.clone();
            let enough = report.wait_for(|now| is_enough(&before, now)).await;
            enough.unwrap();
        }));
        timeout(PATIENCE * 2, all).await.expect("they continue");
    }

    /// Returns a token that is in use.
    fn token(&self) -> String {
        self.reports[1].borrow().token.clone()
    }

    /// Stops the clients, and returns the sum of their reports.
    async fn finish(self) -> Report {
        self.execute(Command::End).await;
        for client in self.clients {
            client.await.unwrap();
        }
        let mut total = Report::default();
        for report in self.reports {
            let report = report.borrow();
            for (sum, of) in [
                (&mut total.requests, &report.requests),
                (&mut total.logins, &report.logins),
            ] {
                for (status, times) in of {
                    *sum.entry(*status).or_default() += times;
                }
            }
        }
        total
    }
}

/// Runs one client.
async fn run_client(
    server: Arc<Server>,
    commands: watch::Receiver<(usize, Command)>,
    report: watch::Sender<Report>,
    keeps_logging_in: bool,
) {
    let log_in = async || {
        let answer = server.login(ADA, super::PASSWORD).await;
        report.send_modify(|report| {
            *report.logins.entry(answer.status.as_u16()).or_default() += 1;
        });
        answer.json()["access_token"].as_str().unwrap().to_owned()
    };
    let mut tokens = vec![log_in().await];
    loop {
        let (number, command) = *commands.borrow();
        if number != report.borrow().executed {
            match command {
                Command::LogIn => tokens.push(log_in().await),
                Command::DropOldTokens => {
                    tokens.drain(..tokens.len() - 1);
                }
                Command::End => {}
            }
        }
        if keeps_logging_in {
            tokens.pop();
            tokens.push(log_in().await);
        }
        report.send_modify(|report| {
            report.executed = number;
            report.token = tokens.last().unwrap().clone();
        });
        if matches!(command, Command::End) {
            return;
        }
        for token in std::iter::repeat_n(&tokens, 10).flatten() {
            let status = server.me(token).await.status.as_u16();
            report.send_modify(|report| *report.requests.entry(status).or_default() += 1);
        }
    }
}

const CLIENTS: usize = 8;
