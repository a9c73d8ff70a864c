//! The server, and its clients.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower_warder::cache::UserCache;
use tower_warder::credentials::CredentialSource;
use tower_warder::password::{PasswordHasher, PasswordParams};
use tower_warder::stream_ticket::StreamTickets;
use tower_warder::testing::{self, FixedClock};
use tower_warder::{AuthLayer, UserStatus};
use tower_warder_accounts::{
    self as accounts, Accounts, Actor, Email, Password, User, UserCreate, UserUpdate,
};
use tower_warder_server::{origin, serve, streams};

use crate::support::Place;
use crate::support::accounts::staged::Staged;

pub const EVENTS: &str = "/api/events";
pub const SOCKET: &str = "/api/ws";
pub const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// A server with two approved accounts: Ada is an admin.
pub struct Server {
    pub accounts: Accounts<Arc<Staged>>,
    pub store: Arc<Staged>,
    pub clock: FixedClock,
    users: [User; 2],
    address: String,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Server {
    pub async fn new(cache: Option<UserCache<User>>) -> Self {
        Self::over(Staged::new().await, cache).await
    }

    /// For tests with a paused clock, which advances while a database is busy.
    pub async fn in_memory() -> Self {
        Self::over(Staged::over(Place::memory()).await, None).await
    }

    async fn over(store: Staged, cache: Option<UserCache<User>>) -> Self {
        let clock = FixedClock::new();
        let store = Arc::new(store);
        let issuer = testing::issuer().clock(clock.clock()).lifetime(WEEK);
        let hasher = PasswordHasher::new().params(PasswordParams::new(7168, 5, 1).unwrap());
        let mut accounts = Accounts::new(Arc::clone(&store), issuer)
            .clock(clock.clock())
            .hasher(hasher);
        let cookie = origin::cookie(None).unwrap();
        if let Some(cache) = &cache {
            accounts = accounts.user_cache(cache.clone());
        }
        let mut auth = AuthLayer::new(testing::verifier().clock(clock.clock()), accounts.clone())
            .credentials(streams::source(
                CredentialSource::header().with_cookie(cookie),
            ))
            .stream_tickets(StreamTickets::new(64).clock(clock.clock()));
        if let Some(cache) = cache {
            auth = auth.user_cache(cache);
        }
        let (stop, stopped) = oneshot::channel();
        let stopped: serve::Stop = stopped.map(drop).boxed().shared();
        let routes = accounts::routes(accounts.clone()).merge(accounts::ticket_routes());
        let app = Router::new()
            .nest("/api/auth", routes)
            .merge(streams::routes(accounts.clone()))
            .layer(auth)
            .layer(Extension(stopped.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serve = serve::serve(listener, app, 1, stopped);
        let ada = register(&accounts, "ada").await;
        let bob = register(&accounts, "bob").await;
        let server = Self {
            accounts,
            store,
            clock,
            users: [ada, bob],
            address,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            stop: Some(stop),
            served: tokio::spawn(serve),
        };
        server.set("bob", UserStatus::Approved).await;
        server
    }

    fn user(&self, name: &str) -> &User {
        let mut users = self.users.iter();
        users.find(|user| user.email.starts_with(name)).unwrap()
    }

    pub fn id(&self, name: &str) -> i64 {
        self.user(name).id
    }

    pub async fn set(&self, name: &str, status: UserStatus) {
        let update = UserUpdate {
            email: None,
            is_admin: None,
            status: Some(status),
        };
        let id = self.id(name);
        drop(
            self.accounts
                .update(id, update, Actor::System)
                .await
                .unwrap(),
        );
    }

    pub async fn token(&self, name: &str) -> String {
        let token = self.accounts.token(self.user(name)).await;
        token.unwrap().access_token
    }

    pub async fn ticket(&self, token: &str) -> String {
        let request = self.client.post(self.url("/api/auth/stream-ticket"));
        let answer = request.bearer_auth(token).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["ticket"].as_str().unwrap().to_owned()
    }

    /// The status of an ordinary request.
    pub async fn get(&self, path: &str, header: Option<(&str, &str)>) -> StatusCode {
        self.request(path, header).send().await.unwrap().status()
    }

    /// Opens a WebSocket as a browser does for a page of another origin.
    pub async fn cross_origin_upgrade(&self, cookie: &str) -> StatusCode {
        let header = ("cookie", cookie);
        let mut request = websocket(self, SOCKET, Some(header));
        let headers = request.headers_mut();
        headers.insert("origin", HeaderValue::from_static("https://evil.example"));
        opened(request).await.unwrap_err()
    }

    /// Requests a WebSocket, and disconnects before the upgrade.
    pub async fn abort_upgrade(&self, path: &str) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Stops the server, and waits for its end.
    pub async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        let served = tokio::time::timeout(Duration::from_secs(4), &mut self.served).await;
        served.expect("it stops in time").unwrap();
    }

    fn request(&self, path: &str, header: Option<(&str, &str)>) -> reqwest::RequestBuilder {
        let request = self.client.get(self.url(path));
        match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn register(accounts: &Accounts<Arc<Staged>>, name: &str) -> User {
    let email = Email::new(&format!("{name}@example.com")).unwrap();
    let new = UserCreate::new(email, Password::new("correct horse").unwrap());
    accounts.register(new).await.unwrap()
}

/// An `EventSource`.
#[derive(Debug)]
pub struct Events {
    response: reqwest::Response,
    read: String,
}

pub async fn events(
    server: &Server,
    path: &str,
    header: Option<(&str, &str)>,
) -> Result<Events, StatusCode> {
    let response = server.request(path, header).send().await.unwrap();
    match response.status() {
        StatusCode::OK => Ok(Events {
            response,
            read: String::new(),
        }),
        status => Err(status),
    }
}

impl Events {
    /// The next event and its data; `None` at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let event = event.to_owned();
                self.read = rest.to_owned();
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                if let Some(name) = field("event: ") {
                    let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
                    return Some((name.to_owned(), data));
                }
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.response.headers()[name].to_str().unwrap()
    }
}

/// A `WebSocket`.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    protocol: Option<String>,
}

/// Code and reason of a close frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed(pub u16, pub String);

pub async fn socket(
    server: &Server,
    path: &str,
    header: Option<(&str, &str)>,
) -> Result<Socket, StatusCode> {
    opened(websocket(server, path, header)).await
}

fn websocket(server: &Server, path: &str, header: Option<(&str, &str)>) -> http::Request<()> {
    let url = format!("ws://{}{path}", server.address);
    let mut request = url.into_client_request().unwrap();
    if let Some((name, value)) = header {
        let name = HeaderName::try_from(name).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

async fn opened(request: http::Request<()>) -> Result<Socket, StatusCode> {
    match connect_async(request).await {
        Ok((stream, response)) => {
            let protocol = response.headers().get("sec-websocket-protocol");
            let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
            Ok(Socket { stream, protocol })
        }
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

impl Socket {
    /// Returns the next message, and sends a text that the server ignores.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match self.stream.next().await.unwrap().unwrap() {
                Message::Text(text) => {
                    let _ = self.stream.send(Message::text("thank you")).await;
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                Message::Close(Some(frame)) => {
                    return Err(Closed(frame.code.into(), frame.reason.to_string()));
                }
                _ => {}
            }
        }
    }

    /// Sends raw bytes and reads until the server closes, without answering pings.
    pub async fn send_and_read_to_end(&mut self, bytes: &[u8]) {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).await.unwrap();
        // Also if the connection is reset.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }
}
