//! Application data on the account: a user type over our table `users` and a table `profile`.
//!
//! Run with `cargo run -p tower-warder-sqlx --features sqlite --example profile`. Register and log in
//! at `/api/auth`, as in the example `login`; then, where 1 is the ID of the account:
//!
//! ```text
//! sqlite3 profile.sqlite "INSERT INTO profile (user_id, name) VALUES (1, 'Ada Lovelace')"
//! curl localhost:3000/name -H "Authorization: Bearer $TOKEN"    # Ada Lovelace
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::{Router, routing::get};
use sqlx::SqlitePool;
use tower_warder::{AuthLayer, AuthUser, BoxError, Claims, CurrentUser, UserStatus};
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{Accounts, routes};
use tower_warder_sqlx::SqliteStore;

pub(crate) const PROFILE: &str = "CREATE TABLE IF NOT EXISTS profile (name TEXT NOT NULL,
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE)";

// By text as well: `+1` and `01` are no spellings of the ID 1.
const MEMBER: &str = "SELECT name, status, token_generation, unixepoch(created_at) AS created
    FROM users LEFT JOIN profile ON user_id = id
    WHERE id = CAST($1 AS INTEGER) AND CAST(id AS TEXT) = $1";

/// What this application needs of a user on each request.
#[derive(sqlx::FromRow)]
struct Member {
    name: Option<String>,
    status: String,
    #[sqlx(try_from = "i64")]
    token_generation: u64,
    #[sqlx(try_from = "i64")]
    created: u64,
}

impl AuthUser for Member {
    fn status(&self) -> UserStatus {
        self.status.parse().unwrap_or(UserStatus::Disabled)
    }
    fn token_generation(&self) -> Option<u64> {
        Some(self.token_generation)
    }
    fn tokens_valid_since(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(self.created))
    }
}

async fn load(pool: SqlitePool, claims: Claims) -> Result<Option<Member>, BoxError> {
    let member = sqlx::query_as(MEMBER).bind(claims.subject());
    Ok(member.fetch_optional(&pool).await?)
}

async fn name(member: CurrentUser<Member>) -> String {
    member.name.clone().unwrap_or_default()
}

pub(crate) fn app(store: SqliteStore, secret: &HmacSecret) -> Router {
    let pool = store.pool().clone();
    let verifier = JwtVerifier::hs256(secret);
    let members = AuthLayer::new(verifier.clone(), move |it| load(pool.clone(), it));
    // The routes of accounts have a user type of their own, and so a layer of their own.
    let accounts = Accounts::new(store, JwtIssuer::hs256(secret));
    let auth = routes(accounts.clone()).layer(AuthLayer::new(verifier, accounts));
    let own = Router::new().route("/name", get(name)).layer(members);
    own.nest("/api/auth", auth)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = SqliteStore::connect("sqlite://profile.sqlite").await?;
    store.migrate().await?;
    sqlx::query(PROFILE).execute(store.pool()).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(store, &HmacSecret::generate())).await?)
}
