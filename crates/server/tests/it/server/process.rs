//! A server process, and a client for it.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PASSWORD, SECRET};
use crate::support::{Answer, Place, read};

/// Configuration of a process: on a free port, with only the given variables.
pub struct Start(Command);

impl Start {
    /// Runs in this directory, where the server creates its database by default.
    pub fn in_directory(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tower-warder-server"));
        command
            .current_dir(directory)
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .env("BIND_ADDR", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(profile) = env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        Self(command)
    }

    /// Uses the accounts in this location.
    pub fn at(place: &Place) -> Self {
        let start = Self::in_directory(place.path());
        match place.postgres_url() {
            Some(url) => start
                .with("DATABASE_URL", url)
                .with("DATABASE_CONNECTIONS", "4")
                .with("JWT_SECRET", SECRET),
            None => start,
        }
    }

    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Does not limit attempts, for more log-ins to one account at the same time than people make.
    pub fn unthrottled(self) -> Self {
        self.with("AUTH_THROTTLE", "off")
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Waits until it listens.
    pub async fn server(mut self) -> Server {
        let mut child = self.0.spawn().unwrap();
        let output = Arc::new(watch::Sender::new(String::new()));
        let (announce, mut announced) = mpsc::unbounded_channel();
        let readers = [
            copy(child.stdout.take().unwrap(), &output, Some(announce)),
            copy(child.stderr.take().unwrap(), &output, None),
        ];
        let line = timeout(PATIENCE, announced.recv())
            .await
            .expect("it starts");
        let Some(line) = line else {
            panic!("it ended at once: {}", *output.borrow());
        };
        Server {
            url: line.strip_prefix("listening on ").unwrap().to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            child,
            output,
            readers,
        }
    }

    /// Waits until the start has failed, and returns the output on stderr.
    pub async fn startup_error(self) -> String {
        let Finished {
            code,
            stdout,
            stderr,
        } = self.run(&[]).await;
        assert!(stdout.is_empty(), "it listens: {stderr}");
        assert_eq!(code, Some(1), "{stderr}");
        stderr
    }

    /// Runs a command to its end, without a terminal.
    pub async fn run(self, arguments: &[&str]) -> Finished {
        self.run_with_input(arguments, "").await
    }

    /// Runs a command to its end, with this text on standard input.
    pub async fn run_with_input(mut self, arguments: &[&str], input: &str) -> Finished {
        let mut child = self
            .0
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // An error: it did not read its input.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("it ends").unwrap();
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Command that has ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Returns the output of a command that succeeded without a warning.
    pub fn output(self) -> String {
        assert_eq!((self.code, &*self.stderr), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Returns the line of error of a command that failed.
    pub fn error(self) -> String {
        assert_eq!((self.code, &*self.stdout), (Some(1), ""), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        self.stderr
    }

    /// Asserts that the arguments were rejected.
    pub fn assert_is_usage_error(&self) {
        assert_eq!((self.code, &*self.stdout), (Some(2), ""), "{}", self.stderr);
    }
}

/// Server that listens, killed when dropped.
pub struct Server {
    pub url: String,
    client: reqwest::Client,
    child: Child,
    output: Arc<watch::Sender<String>>,
    readers: [JoinHandle<()>; 2],
}

impl Server {
    /// Returns its output up to now.
    pub fn log(&self) -> String {
        self.output.borrow().clone()
    }

    /// Waits until its output contains this text so many times, and returns the output.
    pub async fn wait_for_log(&self, text: &str, times: usize) -> String {
        let mut output = self.output.subscribe();
        let log = output.wait_for(|log| log.matches(text).count() >= times);
        match timeout(PATIENCE, log).await {
            Ok(log) => log.unwrap().clone(),
            Err(_) => panic!("not {times} times {text:?}: {}", *self.output.borrow()),
        }
    }

    pub async fn register(&self, email: &str) -> Answer {
        let body = json!({"email": email, "password": PASSWORD});
        self.post("/api/auth/register", "", &body).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        let request = self
            .client
            .post(format!("{}/api/auth/login", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("username={email}&password={password}"));
        send(request).await
    }

    /// A log-in through a proxy that tells this address of the client.
    pub async fn login_via(&self, forwarded_for: &str, email: &str, password: &str) -> Answer {
        self.login_with("x-forwarded-for", forwarded_for, email, password)
            .await
    }

    pub async fn login_with_cookie(&self, cookie: &str, email: &str, password: &str) -> Answer {
        self.login_with("cookie", cookie, email, password).await
    }

    async fn login_with(&self, name: &str, value: &str, email: &str, password: &str) -> Answer {
        let request = self
            .client
            .post(format!("{}/api/auth/login", self.url))
            .header(name, value);
        send(request.form(&[("username", email), ("password", password)])).await
    }

    pub async fn cookie_login(&self, email: &str) -> Answer {
        let request = self
            .client
            .post(format!("{}/api/auth/cookie/login", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("username={email}&password={PASSWORD}"));
        send(request).await
    }

    /// Sends a request without a body, with this cookie.
    pub async fn by_cookie(&self, method: Method, path: &str, cookie: &str) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.url));
        send(request.header("cookie", cookie)).await
    }

    /// Requests the account of this cookie.
    pub async fn me_by_cookie(&self, cookie: &str) -> Answer {
        let request = self.client.get(format!("{}/api/auth/me", self.url));
        send(request.header("cookie", cookie)).await
    }

    /// Sends this host from now on, as behind a proxy.
    pub fn at_host(mut self, host: &'static str) -> Self {
        let host = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        let client = reqwest::Client::builder().no_proxy();
        self.client = client.default_headers(host).build().unwrap();
        self
    }

    /// Logs in with the usual password, and returns the token.
    pub async fn token(&self, email: &str) -> String {
        let answer = self.login(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        send(request.bearer_auth(token)).await
    }

    pub async fn me(&self, token: &str) -> Answer {
        self.get("/api/auth/me", token).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        send(match token {
            "" => request,
            token => request.bearer_auth(token),
        })
        .await
    }

    pub async fn put(&self, path: &str, token: &str, body: &Value) -> Answer {
        let request = self.client.put(format!("{}{path}", self.url)).json(body);
        send(request.bearer_auth(token)).await
    }

    /// Sends a request with these headers and this body.
    pub async fn request(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let url = format!("{}{path}", self.url);
        let request = self.client.request(method.clone(), url);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        send(request.body(body.to_owned())).await
    }

    /// `127.0.0.1:…`
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends `TERM`, `INT` or `HUP`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.pid());
        let status = std::process::Command::new("sh")
            .arg("-c")
            .arg(kill)
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end, and returns the exit code and the output.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let code = status.expect("it ends").unwrap().code();
        for reader in self.readers {
            reader.await.unwrap();
        }
        (code, self.output.borrow().clone())
    }

    /// Stops it as a service manager would, and returns the output.
    pub async fn stop(self) -> String {
        self.signal("TERM");
        let (code, output) = self.ended().await;
        assert_eq!(code, Some(0), "{output}");
        output
    }
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    read(Response::from(request.send().await.unwrap())).await
}

/// Collects lines until the process closes its end; announces the first.
fn copy(
    from: impl AsyncRead + Send + Unpin + 'static,
    to: &Arc<watch::Sender<String>>,
    announce: Option<mpsc::UnboundedSender<String>>,
) -> JoinHandle<()> {
    let to = Arc::clone(to);
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            to.send_modify(|text| text.push_str(&format!("{line}\n")));
            if let Some(announce) = &announce {
                let _ = announce.send(line);
            }
        }
    })
}

/// Timeout of every step, for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
