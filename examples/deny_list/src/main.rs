//! Logout: a deny list in Redis for tokens that are revoked before they expire.
//!
//! Start `redis-server`, run with `cargo run --example deny_list`; it prints a token. Then:
//!
//! ```text
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"                # 200
//! curl -i localhost:3000/logout -X POST -H "Authorization: Bearer $TOKEN"    # 204
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"                # 401; without Redis 503
//! ```
//!
//! A token that Redis loses is valid again: set `appendonly yes` and `maxmemory-policy noeviction`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, RedisResult, cmd};
use tokio::sync::Mutex;
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{DenyList, DenyListVerifier};
use tower_warder::{
    AuthError, AuthLayer, AuthUser, BoxError, Claims, CurrentUser, HmacSecret, JwtIssuer,
    JwtVerifier, UserLoader, UserStatus, async_trait,
};

/// IDs of revoked tokens, each in Redis until its token expires.
pub(crate) struct LoggedOut {
    client: Client,
    last_attempt: Mutex<Option<Attempt>>,
}

/// Attempt to connect: its result, and when it ended.
type Attempt = (RedisResult<MultiplexedConnection>, Instant);

impl LoggedOut {
    pub(crate) fn at(url: &str) -> RedisResult<Arc<Self>> {
        Ok(Arc::new(Self {
            client: Client::open(url)?,
            last_attempt: Mutex::default(),
        }))
    }

    async fn add(&self, claims: &Claims) -> Result<(), BoxError> {
        // The key that the layer looks up: the ID, prefixed by the issuer if the token names one.
        let id = DenyList::token_key(self, claims).ok_or("the token has no ID")?;
        let left = claims.expires_at().duration_since(SystemTime::now());
        // Rounded up. If the verifier has a leeway, add it.
        let seconds = left.unwrap_or_default().as_secs() + 1;
        let mut command = cmd("SET");
        command.arg(key(&id)).arg(1).arg("EX").arg(seconds);
        Ok(self.ask(&command).await?)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let answer = command.query_async(&mut self.connect().await?).await;
        if answer.is_err() {
            // The connection may be dead long before TCP notices: the next request opens another one.
            let mut last = self.last_attempt.lock().await;
            last.take_if(|(made, _)| made.is_ok());
        }
        answer
    }

    /// Requests share one connection and one attempt to open it: if it fails, it fails for all that
    /// waited. An attempt takes at most a second, a response half a second.
    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let started = Instant::now();
        let mut last = self.last_attempt.lock().await;
        match &*last {
            Some((made, ended)) if made.is_ok() || *ended > started => made.clone(),
            _ => {
                let made = self.client.get_multiplexed_async_connection().await;
                last.insert((made, Instant::now())).0.clone()
            }
        }
    }
}

#[async_trait]
impl DenyList for LoggedOut {
    /// The length of the ID was already checked.
    async fn is_denied(&self, id: &str, _: &Claims) -> Result<bool, BoxError> {
        Ok(self.ask(cmd("EXISTS").arg(key(id))).await?)
    }
}

fn key(id: &str) -> String {
    format!("deny:{id}")
}

/// Accepts any valid token: no user is loaded.
async fn logout(
    State(list): State<Arc<LoggedOut>>,
    claims: Claims,
) -> Result<StatusCode, AuthError> {
    match list.add(&claims).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(AuthError::new(AuthErrorKind::Unavailable).with_source(error)),
    }
}

struct User(String);

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// Loader that accepts every subject. A real one queries a database.
struct AnySubject;

#[async_trait]
impl UserLoader for AnySubject {
    type User = User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<User>, BoxError> {
        Ok(Some(User(claims.subject().to_owned())))
    }
}

async fn me(CurrentUser(user): CurrentUser<User>) -> String {
    format!("Hello, {}\n", user.0)
}

pub(crate) fn app(verifier: JwtVerifier, list: Arc<LoggedOut>) -> Router {
    let verifier = DenyListVerifier::new(verifier, Arc::clone(&list));
    let auth = AuthLayer::new(verifier, AnySubject).timeout(Duration::from_secs(5));
    Router::new()
        .route("/", get("Anybody may read this\n"))
        .route("/me", get(me))
        .route("/logout", post(logout))
        .layer(auth)
        .with_state(list)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    println!("TOKEN={}", JwtIssuer::hs256(&secret).issue("Jane")?);
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1/".to_owned());

    let app = app(JwtVerifier::hs256(&secret), LoggedOut::at(&url)?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
