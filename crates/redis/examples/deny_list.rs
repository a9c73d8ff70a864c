//! Logout: a deny list in Redis for tokens that are revoked before they expire.
//!
//! Start `redis-server`, run with `cargo run --example deny_list`; it prints a token. Then:
//!
//! ```text
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"                # 200
//! curl -i localhost:3000/logout -X POST -H "Authorization: Bearer $TOKEN"    # 204
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"                # 401; without Redis 503
//! ```

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_warder::jwt::DenyListVerifier;
use tower_warder::{
    AuthError, AuthLayer, AuthUser, BoxError, Claims, CurrentUser, HmacSecret, JwtIssuer,
    JwtVerifier, UserLoader, UserStatus, async_trait,
};
use tower_warder_redis::{RedisDenyList, redis};

/// Accepts any valid token: no user is loaded.
async fn logout(
    State(list): State<RedisDenyList>,
    claims: Claims,
) -> Result<StatusCode, AuthError> {
    list.deny(&claims).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(CurrentUser(user): CurrentUser<User>) -> String {
    format!("Hello, {}\n", user.0)
}

pub(crate) fn app(verifier: JwtVerifier, list: RedisDenyList) -> Router {
    let verifier = DenyListVerifier::new(verifier, list.clone());
    Router::new()
        .route("/", get("Anybody may read this\n"))
        .route("/me", get(me))
        .route("/logout", post(logout))
        .layer(AuthLayer::new(verifier, AnySubject))
        .with_state(list)
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

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    println!("TOKEN={}", JwtIssuer::hs256(&secret).issue("Jane")?);
    let client = redis::Client::open("redis://127.0.0.1/")?;

    let app = app(JwtVerifier::hs256(&secret), RedisDenyList::new(client));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
