//! Role-based access control with your own roles and user type, in a SQL table.
//!
//! Run with `cargo run --example roles`, then, with one of the tokens it prints:
//!
//! ```text
//! curl -i localhost:3000/articles -H "Authorization: Bearer $READER"            # 200
//! curl -i -X POST localhost:3000/articles -H "Authorization: Bearer $READER"    # 403
//! curl -i -X POST localhost:3000/articles -H "Authorization: Bearer $EDITOR"    # 201
//! ```

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sqlx::SqlitePool;
use tower_warder::policy::{Denied, Policy};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, CurrentUser, HmacSecret, JwtIssuer, JwtVerifier,
    Require, UserLoader, UserStatus, async_trait,
};

#[derive(sqlx::FromRow)]
struct Member {
    name: String,
    role: String,
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

/// The role is read from the table, not from the token: removing it takes effect on the next request.
#[derive(Default)]
struct Editor;

impl Policy<Member> for Editor {
    fn check(&self, member: &Member, _: &Claims) -> Result<(), Denied> {
        match member.role.as_str() {
            "editor" | "owner" => Ok(()),
            _ => Err(Denied::new("Only for editors")),
        }
    }
}

struct Members(SqlitePool);

#[async_trait]
impl UserLoader for Members {
    type User = Member;

    async fn load_user(&self, claims: &Claims) -> Result<Option<Member>, BoxError> {
        let query = sqlx::query_as("SELECT name, role, active FROM members WHERE id = ?");
        Ok(query.bind(claims.subject()).fetch_optional(&self.0).await?)
    }
}

async fn read(CurrentUser(member): CurrentUser<Member>) -> String {
    format!("{} may read\n", member.name)
}

async fn write(member: Require<Editor, Member>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("{} wrote\n", member.name))
}

pub(crate) fn app(verifier: JwtVerifier, pool: SqlitePool) -> Router {
    let auth = AuthLayer::new(verifier, Members(pool)).timeout(Duration::from_secs(5));
    Router::new()
        .route("/articles", get(read).post(write))
        .layer(auth)
}

pub(crate) async fn members() -> Result<SqlitePool, sqlx::Error> {
    // One connection: each in-memory connection has a database of its own.
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE members (id TEXT PRIMARY KEY, name TEXT, role TEXT, active BOOLEAN);
         INSERT INTO members VALUES ('r1', 'Rita', 'reader', TRUE), ('e1', 'Emil', 'editor', TRUE);",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    let issuer = JwtIssuer::hs256(&secret);
    println!(
        "READER={}\nEDITOR={}",
        issuer.issue("r1")?,
        issuer.issue("e1")?
    );

    let app = app(JwtVerifier::hs256(&secret), members().await?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
