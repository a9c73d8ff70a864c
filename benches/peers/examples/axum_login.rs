//! What `examples/quickstart.rs` does, with `axum-login`: a small application that `benches/builds` builds.

use std::convert::Infallible;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, login_required};
use tower_sessions::{MemoryStore, SessionManagerLayer};

#[derive(Clone, Debug)]
struct User {
    name: &'static str,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        1
    }

    fn session_auth_hash(&self) -> &[u8] {
        &[7; 32]
    }
}

#[derive(Clone)]
struct Backend;

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = i64;
    type Error = Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, Infallible> {
        self.get_user(&id).await
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok((*id == 1).then_some(User { name: "Jane" }))
    }
}

async fn log_in(mut session: AuthSession<Backend>) -> StatusCode {
    let Ok(Some(user)) = session.authenticate(1).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match session.login(&user).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn me(session: AuthSession<Backend>) -> String {
    let name = session.user.map_or("nobody", |user| user.name);
    format!("Hello, {name}\n")
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let app = Router::new()
        .route("/me", get(me))
        .route_layer(login_required!(Backend))
        .route("/", get("Anybody may read this\n"))
        .route("/login", post(log_in))
        .layer(AuthManagerLayerBuilder::new(Backend, sessions).build());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await
}
