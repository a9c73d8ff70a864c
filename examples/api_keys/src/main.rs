//! API keys in a table, accepted beside tokens.
//!
//! Run with `cargo run --example api_keys`, then, with what it prints:
//!
//! ```text
//! curl -i localhost:3000/orders -H "Authorization: Bearer $KEY"              # 200
//! curl -i -X POST localhost:3000/orders -H "Authorization: Bearer $KEY"      # 403: the key may only read
//! curl -i -X POST localhost:3000/orders -H "Authorization: Bearer $TOKEN"    # 201
//! ```
//!
//! Every request looks up its key: `DELETE FROM api_keys WHERE …` revokes it for the next request.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use futures_util::FutureExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::SqlitePool;
use tower_warder::clock::Clock;
use tower_warder::error::AuthErrorKind;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::policy::Scope;
use tower_warder::{
    AuthError, AuthLayer, AuthUser, BoxError, Claims, CurrentUser, HmacSecret, JwtIssuer,
    JwtVerifier, RequireLayer, UserLoader, UserStatus, async_trait,
};

/// Verifier of keys and tokens. Keys begin with `key_`, which no token does.
struct KeysOrTokens(SqlitePool, JwtVerifier);

impl Verifier for KeysOrTokens {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        match credential.starts_with("key_") {
            true => Verification::Pending(look_up(&self.0, credential).boxed()),
            false => self.1.verify(credential),
        }
    }
}

/// Turns the row of a key into claims, which are checked like those of a token.
async fn look_up(pool: &SqlitePool, key: &str) -> Result<Claims, AuthError> {
    let query = sqlx::query_as("SELECT owner, scope, expires_at FROM api_keys WHERE digest = ?");
    let row: Option<(String, String, i64)> = query
        .bind(digest(key))
        .fetch_optional(pool)
        .await
        .map_err(|error| AuthError::new(AuthErrorKind::Unavailable).with_source(error))?;
    let Some((owner, scope, expires_at)) = row else {
        return Err(AuthError::new(AuthErrorKind::InvalidToken).with_source("unknown key"));
    };
    let claims = json!({"sub": owner, "scope": scope, "exp": expires_at});
    Claims::from_json(claims.to_string())?.validate_times(&Clock::system(), Duration::ZERO)
}

/// Digest of a key, as stored in the table. A key has 256 random bits, so it needs neither a salt nor a
/// slow hash. Clients cannot choose a digest, so the time of the look-up reveals nothing.
fn digest(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// Issues a key. Show it once: the table has only its digest.
pub(crate) async fn issue(
    pool: &SqlitePool,
    (owner, scope): (&str, &str),
    lifetime: Duration,
) -> Result<String, BoxError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let key = format!("key_{}", BASE64_URL_SAFE_NO_PAD.encode(random));
    sqlx::query("INSERT INTO api_keys VALUES (?, ?, ?, unixepoch() + ?)")
        .bind(digest(&key))
        .bind(owner)
        .bind(scope)
        .bind(i64::try_from(lifetime.as_secs())?)
        .execute(pool)
        .await?;
    Ok(key)
}

#[derive(sqlx::FromRow)]
struct Member {
    id: String,
    active: bool,
}

impl AuthUser for Member {
    fn status(&self) -> UserStatus {
        match self.active {
            true => UserStatus::Approved,
            false => UserStatus::Disabled,
        }
    }
}

struct Members(SqlitePool);

#[async_trait]
impl UserLoader for Members {
    type User = Member;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Member>, BoxError> {
        let query = sqlx::query_as("SELECT id, active FROM members WHERE id = ?");
        Ok(query.bind(claims.subject()).fetch_optional(&self.0).await?)
    }
}

async fn read(CurrentUser(member): CurrentUser<Member>) -> String {
    format!("The orders of {}\n", member.id)
}

async fn order(CurrentUser(member): CurrentUser<Member>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("{} ordered\n", member.id))
}

pub(crate) fn app(verifier: JwtVerifier, pool: SqlitePool) -> Result<Router, BoxError> {
    let auth = AuthLayer::new(KeysOrTokens(pool.clone(), verifier), Members(pool))
        .timeout(Duration::from_secs(5));
    let guard = |scope| Scope::new(scope).map(RequireLayer::<Member>::new);
    Ok(Router::new()
        .route("/orders", get(read).layer(guard("orders:read")?))
        .route("/orders", post(order).layer(guard("orders:write")?))
        .layer(auth))
}

pub(crate) async fn database() -> Result<SqlitePool, sqlx::Error> {
    // One connection: each in-memory connection has a database of its own.
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE members (id TEXT PRIMARY KEY, active BOOLEAN);
         CREATE TABLE api_keys (digest BLOB PRIMARY KEY, owner TEXT, scope TEXT, expires_at INTEGER);
         INSERT INTO members VALUES ('ada', TRUE), ('bob', TRUE);",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (secret, pool) = (HmacSecret::generate(), database().await?);
    let all = json!({"scope": "orders:read orders:write"});
    let month = Duration::from_secs(30 * 24 * 3600);
    let key = issue(&pool, ("ada", "orders:read"), month).await?;
    let issuer = JwtIssuer::hs256(&secret);
    println!(
        "KEY={key}\nTOKEN={}",
        issuer.token("ada").claims(&all).issue()?
    );

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(JwtVerifier::hs256(&secret), pool)?).await?)
}
