//! The shortest way from a bearer token to a handler that knows its user.
//!
//! Run with `cargo run --example quickstart`, then:
//!
//! ```text
//! curl -i localhost:3000/                                         # public
//! curl -i localhost:3000/me                                       # 401
//! TOKEN=$(curl -s -X POST localhost:3000/token)                   # a token for Jane
//! curl -i localhost:3000/me -H "Authorization: Bearer $TOKEN"     # 200
//! ```

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, CurrentUser, Secret, TokenIssuer, TokenVerifier,
    UserLoader, UserStatus, async_trait,
};

#[derive(Clone)]
struct User {
    name: &'static str,
    disabled: bool,
}

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        match self.disabled {
            true => UserStatus::Disabled,
            false => UserStatus::Approved,
        }
    }
}

// Your database in a real service.
struct Users(HashMap<&'static str, User>);

#[async_trait]
impl UserLoader for Users {
    type User = User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<User>, BoxError> {
        Ok(self.0.get(claims.subject()).cloned())
    }
}

async fn me(CurrentUser(user): CurrentUser<User>) -> String {
    format!("Hello, {}\n", user.name)
}

pub(crate) fn app() -> Router {
    let secret = Secret::generate();
    let issuer = TokenIssuer::hs256(&secret).lifetime(Duration::from_secs(3600));
    let token = move || async move {
        issuer
            .issue("1")
            .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    };
    let jane = User {
        name: "Jane",
        disabled: false,
    };
    let auth = AuthLayer::new(TokenVerifier::hs256(&secret), Users([("1", jane)].into()))
        .loader_timeout(Duration::from_secs(5), tokio::time::sleep);

    Router::new()
        .route("/", get(|| async { "Anybody may read this\n" }))
        .route("/me", get(me))
        .route("/token", post(token))
        .layer(auth)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app()).await?)
}
