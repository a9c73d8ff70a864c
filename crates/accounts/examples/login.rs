//! Log-in routes for an axum application, with in-memory accounts.
//!
//! Run with `cargo run --example login`. The first account is the admin:
//!
//! ```text
//! api=localhost:3000/api/auth
//! json='content-type: application/json'
//! curl -i $api/register -H "$json" -d '{"email": "ada@example.com", "password": "correct horse"}'
//! curl -i $api/login -d username=ada@example.com -d 'password=correct horse'
//! TOKEN=…    # the `access_token` of that response
//! curl -i localhost:3000/hello -H "Authorization: Bearer $TOKEN"    # 200
//! curl -i localhost:3000/hello                                      # 401
//! curl -i $api/users -H "Authorization: Bearer $TOKEN"              # 200, for admins only
//! ```

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_warder::{AuthLayer, CurrentUser, HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{Accounts, InMemoryAccountStore, User, routes};

async fn hello(user: CurrentUser<User>) -> String {
    format!("Hello, {}\n", user.email)
}

pub(crate) fn app(secret: &HmacSecret) -> Router {
    // For your own database, implement `AccountStore`.
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(secret));
    Router::new()
        .route("/hello", get(hello))
        .nest("/api/auth", routes(accounts.clone()))
        .layer(AuthLayer::new(JwtVerifier::hs256(secret), accounts))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // In production, read the secret from a file: `HmacSecret::from_file_or_generate`.
    let app = app(&HmacSecret::generate());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    // With the addresses of clients, by which attempts to log in are limited.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await
}
