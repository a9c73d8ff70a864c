//! The layer and a door in a tower stack without axum.
//!
//! Run with `cargo run --example hyper`, then:
//!
//! ```text
//! curl -i localhost:3000/                                         # 401: the whole room has a door
//! TOKEN=…                                                         # printed at the start
//! curl -i localhost:3000/ -H "Authorization: Bearer $TOKEN"       # 200
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, service_fn};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, CurrentUser, RequireLayer, Secret, TokenIssuer,
    TokenVerifier, UserLoader, UserStatus, async_trait,
};

struct User {
    name: String,
}

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        UserStatus::Approved
    }
}

/// Whoever has a token is a user. Yours asks a database.
struct Everybody;

#[async_trait]
impl UserLoader for Everybody {
    type User = User;

    async fn load_user(&self, claims: &Claims) -> Result<Option<User>, BoxError> {
        Ok(Some(User {
            name: claims.subject().to_owned(),
        }))
    }
}

/// Behind the door the user lies in the extensions: nothing to wait for.
async fn hello<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    match request.extensions().get::<CurrentUser<User>>() {
        Some(user) => Ok(Response::new(format!("Hello, {}\n", user.name))),
        None => Ok(wrong_stack()),
    }
}

/// Somebody took the door out.
fn wrong_stack() -> Response<String> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

pub(crate) fn app<B>(
    verifier: TokenVerifier,
) -> BoxCloneSyncService<Request<B>, Response<String>, Infallible>
where
    B: Send + 'static,
{
    let auth = AuthLayer::new(verifier, Everybody)
        .loader_timeout(Duration::from_secs(5), tokio::time::sleep);
    let stack = ServiceBuilder::new()
        .layer(auth)
        .layer(RequireLayer::<User>::approved())
        .service(service_fn(hello));
    BoxCloneSyncService::new(stack)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = Secret::generate();
    println!("TOKEN={}", TokenIssuer::hs256(&secret).issue("Jane")?);
    let app = app(TokenVerifier::hs256(&secret));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                eprintln!("connection: {error}");
            }
        });
    }
}
