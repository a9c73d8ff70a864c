//! Small server for load tests over loopback: `GET /me` returns a user as JSON.
//!
//! `server STACK PORT` with one of the stacks below, on one thread. Prints a token on the first
//! line, once it listens. `benches/loopback` starts it.

use std::env;
use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tower_warder::{AuthLayer, CurrentUser};

use peers::support::tokens::{self, SUBJECT};
use peers::support::users::{User, Users};
use peers::{ours, tutorial};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    peers::backend().install();
    let [_, stack, port] = env::args().collect::<Vec<_>>().try_into().unwrap();
    let app = match &*stack {
        "no-auth" => no_auth(),
        "tower-warder" => ours(AuthLayer::new(tokens::verifier(), Users::ten_thousand())),
        "tower-warder-cached" => ours(ours::caching(tokens::verifier())),
        "tutorial" => tutorial(),
        other => panic!("no stack {other}"),
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"));
    let listener = listener.await.unwrap();
    println!("{}", tokens::hs256(SUBJECT));
    axum::serve(listener, app).await.unwrap();
}

/// The same response without authentication.
fn no_auth() -> Router {
    let user = Arc::new(Users::ten_thousand().get(SUBJECT).unwrap().clone());
    Router::new().route("/me", get(async move || Json(Profile::from(&*user))))
}

fn ours(layer: AuthLayer<User>) -> Router {
    let me = async |user: CurrentUser<User>| Json(Profile::from(&*user));
    Router::new().route("/me", get(me)).layer(layer)
}

fn tutorial() -> Router {
    let me = async |user: axum::Extension<User>| Json(Profile::from(&*user));
    tutorial::around(Router::new().route("/me", get(me)))
}

#[derive(Serialize)]
struct Profile {
    id: i64,
    email: String,
    name: String,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            name: user.name.clone(),
        }
    }
}
