//! The layer and a guard in a tower stack without axum, for a service without users of its own.
//!
//! Run with `cargo run --example hyper`, then:
//!
//! ```text
//! curl -i localhost:3000/                                         # 401: all routes are protected
//! TOKEN=…                                                         # printed at the start
//! curl -i localhost:3000/ -H "Authorization: Bearer $TOKEN"       # 200
//! ```

use std::convert::Infallible;
use std::error::Error;

use http::{Request, Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, service_fn};
use tower_warder::{AuthLayer, Claims, HmacSecret, JwtIssuer, JwtVerifier, RequireLayer};

/// The guard puts the claims into the extensions.
async fn hello<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    match request.extensions().get::<Claims>() {
        Some(claims) => Ok(Response::new(format!("Hello, {}\n", claims.subject()))),
        None => Ok(wrong_stack()),
    }
}

/// Response if the guard is missing.
fn wrong_stack() -> Response<String> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

pub(crate) fn app<B>(
    verifier: JwtVerifier,
) -> BoxCloneSyncService<Request<B>, Response<String>, Infallible>
where
    B: Send + 'static,
{
    let stack = ServiceBuilder::new()
        .layer(AuthLayer::claims_only(verifier))
        .layer(RequireLayer::<Claims>::approved())
        .service(service_fn(hello));
    BoxCloneSyncService::new(stack)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = HmacSecret::generate();
    println!("TOKEN={}", JwtIssuer::hs256(&secret).issue("Jane")?);
    let app = app(JwtVerifier::hs256(&secret));

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
