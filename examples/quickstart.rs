//! Bearer authentication with a user from your own table, in its shortest form.
//!
//! Run with `cargo run --example quickstart`; it prints a token. Then:
//!
//! ```text
//! curl -i localhost:3000/                                         # public
//! curl -i localhost:3000/me                                       # 401
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"     # 200
//! ```

use std::time::Duration;

use axum::{Router, routing::get};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, CurrentUser, HmacSecret, JwtIssuer, JwtVerifier,
    UserStatus,
};

struct User {
    name: &'static str,
}

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// Query your database here. An error becomes 503, `None` becomes 401.
async fn find_user(claims: Claims) -> Result<Option<User>, BoxError> {
    Ok((claims.subject() == "1").then_some(User { name: "Jane" }))
}

async fn me(CurrentUser(user): CurrentUser<User>) -> String {
    format!("Hello, {}\n", user.name)
}

pub(crate) fn app(verifier: JwtVerifier) -> Router {
    let auth = AuthLayer::new(verifier, find_user).timeout(Duration::from_secs(5));
    Router::new()
        .route("/", get("Anybody may read this\n"))
        .route("/me", get(me))
        .layer(auth)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    println!("TOKEN={}", JwtIssuer::hs256(&secret).issue("1")?);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app(JwtVerifier::hs256(&secret))).await?)
}
