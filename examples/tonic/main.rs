//! The layer and a door in a tonic server, and a client that brings a token.
//!
//! Run with `cargo run --example tonic`; it prints a token, calls itself with it, and stays. Then,
//! without a gRPC client (an empty message is five zero bytes):
//!
//! ```text
//! call() { printf '\0\0\0\0\0' | curl -si --http2-prior-knowledge localhost:50051/$1 --data-binary @- -H 'content-type: application/grpc' "${@:2}"; echo; }
//! call greeter.Greeter/Greet                                          # grpc-status: 16
//! call greeter.Greeter/Greet -H "authorization: Bearer $TOKEN"        # Hello, Jane
//! call grpc.health.v1.Health/Check                                    # public
//! ```

// What `tonic::include_proto!("greeter")` brings in a service with a build script.
#[allow(unreachable_pub, reason = "generated")]
pub(crate) mod greeter;

use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tonic::service::LayerExt;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tower_warder::{
    AuthLayer, AuthUser, BoxError, Claims, CurrentUser, Empty, RequireLayer, Secret, TokenIssuer,
    TokenVerifier, UserLoader, UserStatus, async_trait,
};

use self::greeter::greeter_client::GreeterClient;
use self::greeter::greeter_server::{Greeter, GreeterServer};
use self::greeter::{GreetOftenRequest, GreetRequest, Greeting};

pub(crate) struct User {
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

struct Hello;

#[async_trait]
impl Greeter for Hello {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<Greeting>, Status> {
        let text = format!("Hello, {}", user(&request)?.name);
        Ok(Response::new(Greeting { text }))
    }

    type GreetOftenStream = BoxStream<'static, Result<Greeting, Status>>;

    async fn greet_often(
        &self,
        request: Request<GreetOftenRequest>,
    ) -> Result<Response<Self::GreetOftenStream>, Status> {
        let user = user(&request)?;
        let greetings = (1..=request.get_ref().times).map(move |time| {
            let text = format!("{time}: Hello, {}", user.name);
            Ok(Greeting { text })
        });
        Ok(Response::new(Box::pin(stream::iter(greetings))))
    }
}

/// Whom the door let in: nothing to wait for. The [`Claims`] lie beside it.
fn user<T>(request: &Request<T>) -> Result<CurrentUser<User>, Status> {
    let user = request.extensions().get().cloned();
    user.ok_or_else(|| Status::internal("somebody took the door out"))
}

pub(crate) async fn serve(listener: TcpListener, verifier: TokenVerifier) -> Result<(), BoxError> {
    let auth = AuthLayer::new(verifier, Everybody)
        .loader_timeout(Duration::from_secs(5), tokio::time::sleep);
    let door = RequireLayer::<User>::approved().rejection(Empty);
    let (_, health) = tonic_health::server::health_reporter();

    // One door, one service. For a room with everything in it: `.layer(auth).layer(door)`.
    Server::builder()
        .layer(auth)
        .add_service(health)
        .add_service(door.named_layer(GreeterServer::new(Hello)))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

/// A client that sends its token with every call.
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
    let secret = Secret::generate();
    let token = TokenIssuer::hs256(&secret).issue("Jane")?;
    println!("TOKEN={token}");

    let listener = TcpListener::bind("127.0.0.1:50051").await?;
    let server = tokio::spawn(serve(listener, TokenVerifier::hs256(&secret)));
    let channel = Channel::from_static("http://127.0.0.1:50051");
    println!("{}", greet(channel.connect().await?, &token).await?);
    server.await?
}
