//! Hooks: a row of the application for each account, a rule for registrations, a claim in tokens.
//!
//! Run with `cargo run -p tower-warder-sqlx --features sqlite --example hooks`. Register and log in at
//! `/api/auth`, as in the example `login`, with an address at example.com; then:
//!
//! ```text
//! curl localhost:3000/plan -H "Authorization: Bearer $TOKEN"    # free
//! ```

use axum::{Router, routing::get};
use serde_json::{Map, Value};
use sqlx::SqlitePool;
use tower_warder::{AuthError, AuthLayer, BoxError, CurrentUser, Identity, async_trait};
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{AccountHooks, Accounts, Email, HookContext, HookError, User, routes};
use tower_warder_sqlx::SqliteStore;

pub(crate) const PLANS: &str = "CREATE TABLE IF NOT EXISTS plans (plan TEXT NOT NULL,
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE)";

struct Company {
    pool: SqlitePool,
}

#[async_trait]
impl AccountHooks for Company {
    async fn before_register(&self, email: &Email, _: &HookContext) -> Result<(), HookError> {
        match email.as_str().ends_with("@example.com") {
            true => Ok(()),
            false => Err(HookError::veto("Register with your address at example.com")),
        }
    }

    async fn token_claims(&self, user: &User) -> Result<Map<String, Value>, BoxError> {
        let plan = sqlx::query_scalar("SELECT plan FROM plans WHERE user_id = $1").bind(user.id);
        let plan: String = plan.fetch_one(&self.pool).await?;
        Ok(Map::from_iter([("plan".to_owned(), plan.into())]))
    }
}

#[derive(serde::Deserialize)]
struct Plan {
    plan: String,
}

async fn plan(_: CurrentUser<User>, identity: Identity<User>) -> Result<String, AuthError> {
    let plan = identity.claims().await?.deserialize::<Plan>();
    Ok(plan.map_or_else(|_| "none".to_owned(), |it| it.plan))
}

pub(crate) fn app(store: SqliteStore, secret: &HmacSecret) -> Router {
    let pool = store.pool().clone();
    // In the transaction that adds the account: there is none without its plan.
    let store = store.on_insert(|connection, user| {
        Box::pin(async move {
            let insert = sqlx::query("INSERT INTO plans (user_id, plan) VALUES ($1, 'free')");
            insert.bind(user.id).execute(connection).await?;
            Ok(())
        })
    });
    let accounts = Accounts::new(store, JwtIssuer::hs256(secret)).hooks(Company { pool });
    let auth = AuthLayer::new(JwtVerifier::hs256(secret), accounts.clone());
    let app = Router::new().route("/plan", get(plan));
    app.nest("/api/auth", routes(accounts)).layer(auth)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = SqliteStore::connect("sqlite://plans.sqlite").await?;
    store.migrate().await?;
    sqlx::query(PLANS).execute(store.pool()).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(store, &HmacSecret::generate())).await?)
}
