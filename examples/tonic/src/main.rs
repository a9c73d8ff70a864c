//! The layer and a guard in a tonic server, and a client that sends a token.
//!
//! Run with `cargo run --example tonic`; it prints a token, calls itself with it, and keeps running.
//! Then, without a gRPC client (an empty message is five zero bytes):
//!
//! ```text
//! call() { printf '\0\0\0\0\0' | curl -si --http2-prior-knowledge localhost:50051/$1 --data-binary @- -H 'content-type: application/grpc' "${@:2}"; echo; }
//! call greeter.Greeter/Greet                                          # grpc-status: 16
//! call greeter.Greeter/Greet -H "authorization: Bearer $TOKEN"        # Hello, Jane
//! call grpc.health.v1.Health/Check                                    # public
//! ```

// In a service with a build script: `tonic::include_proto!("greeter")`.
#[allow(unreachable_pub, reason = "generated")]
pub(crate) mod greeter;

use futures_util::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tonic::service::LayerExt;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tower_warder::response::EmptyBody;
use tower_warder::{
    AuthLayer, BoxError, Claims, HmacSecret, JwtIssuer, JwtVerifier, RequireLayer, async_trait,
};

use self::greeter::greeter_client::GreeterClient;
use self::greeter::greeter_server::{Greeter, GreeterServer};
use self::greeter::{GreetOftenRequest, GreetRequest, Greeting};

struct Hello;

#[async_trait]
impl Greeter for Hello {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<Greeting>, Status> {
        let text = format!("Hello, {}", claims(&request)?.subject());
        Ok(Response::new(Greeting { text }))
    }

    type GreetOftenStream = BoxStream<'static, Result<Greeting, Status>>;

    async fn greet_often(
        &self,
        request: Request<GreetOftenRequest>,
    ) -> Result<Response<Self::GreetOftenStream>, Status> {
        let claims = claims(&request)?;
        let greetings = (1..=request.get_ref().times).map(move |time| {
            let text = format!("{time}: Hello, {}", claims.subject());
            Ok(Greeting { text })
        });
        Ok(Response::new(Box::pin(stream::iter(greetings))))
    }
}

/// Claims that the guard put into the extensions. With your own users, `CurrentUser<User>` is there, too.
fn claims<T>(request: &Request<T>) -> Result<Claims, Status> {
    let claims = request.extensions().get().cloned();
    claims.ok_or_else(|| Status::internal("the guard is missing"))
}

pub(crate) async fn serve(listener: TcpListener, verifier: JwtVerifier) -> Result<(), BoxError> {
    // With gRPC-Web, add `.grpc(true)`: see the README.
    let auth = AuthLayer::claims_only(verifier);
    let guard = RequireLayer::<Claims>::approved().on_rejection(EmptyBody);
    let (_, health) = tonic_health::server::health_reporter();

    // The guard protects one service. To protect all of them: `.layer(auth).layer(guard)`.
    Server::builder()
        .layer(auth)
        .add_service(health)
        .add_service(guard.named_layer(GreeterServer::new(Hello)))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

/// Calls the service with a client that sends its token with every call.
pub(crate) async fn greet(channel: Channel, token: &str) -> Result<String, BoxError> {
    let authorization: tonic::metadata::AsciiMetadataValue = format!("Bearer {token}").parse()?;
    let mut client = GreeterClient::with_interceptor(channel, move |mut request: Request<()>| {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", authorization.clone());
        Ok(request)
    });
    let greeting = client.greet(GreetRequest {}).await?;
    Ok(greeting.into_inner().text)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let secret = HmacSecret::generate();
    let token = JwtIssuer::hs256(&secret).issue("Jane")?;
    println!("TOKEN={token}");

    let listener = TcpListener::bind("127.0.0.1:50051").await?;
    let server = tokio::spawn(serve(listener, JwtVerifier::hs256(&secret)));
    let channel = Channel::from_static("http://127.0.0.1:50051");
    println!("{}", greet(channel.connect().await?, &token).await?);
    server.await?
}
