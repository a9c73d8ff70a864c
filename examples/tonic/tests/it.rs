//! Layer and guards in a tonic server, called by a tonic client over a socket, and the example `tonic`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use axum::Router;
use axum::routing::get as on_get;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tonic::service::{LayerExt, Routes};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_web::{GrpcWebClientLayer, GrpcWebLayer};
use tower::Layer;
use tower_warder::policy::{Admin, Policy};
use tower_warder::response::EmptyBody;
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthLayer, Claims, CurrentUser, RequireLayer, UserStatus, async_trait};

use self::example::greeter::greeter_client::GreeterClient;
use self::example::greeter::greeter_server::{Greeter, GreeterServer};
use self::example::greeter::{GreetOftenRequest, GreetRequest, Greeting};
use tower_warder_test_support::{Mood, Store, get, layer, send};

#[allow(dead_code)]
#[path = "../src/main.rs"]
mod example;

#[tokio::test]
async fn example_greets_clients_with_a_token() {
    let channel = example_server().await;
    let greeting = example::greet(channel.clone(), &testing::token("Jane")).await;
    assert_eq!(greeting.unwrap(), "Hello, Jane");

    let mut client = GreeterClient::new(channel.clone());
    let request = with_token(
        GreetOftenRequest { times: 2 },
        Some(&testing::token("Jane")),
    );
    let stream = client.greet_often(request).await.unwrap().into_inner();
    let texts = stream.map(|greeting| greeting.unwrap().text);
    let texts = texts.collect::<Vec<_>>().await;
    assert_eq!(texts, ["1: Hello, Jane", "2: Hello, Jane"]);

    let rejected = example::greet(channel, "a.b.c").await.unwrap_err();
    let status = rejected.downcast::<Status>().unwrap();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn service_without_a_guard_is_public() {
    let mut health = HealthClient::new(example_server().await);
    let request = HealthCheckRequest::default();
    assert!(health.check(request.clone()).await.is_ok());
    let with_a_bad_token = with_token(request, Some("a.b.c"));
    assert!(health.check(with_a_bad_token).await.is_ok());
}

#[tokio::test]
async fn service_reads_the_user_and_the_claims() {
    let mut client = served(layer(&Store::new()), RequireLayer::approved()).await;
    let jane = testing::token("jane");
    let greeting = client.greet(with_token(GreetRequest {}, Some(&jane))).await;
    let greeting = greeting.unwrap();
    assert_eq!(greeting.get_ref().text, "Jane jane");
    assert_eq!(greeting.metadata().get("www-authenticate"), None);

    let request = with_token(GreetOftenRequest { times: 3 }, Some(&jane));
    let stream = client.greet_often(request).await.unwrap().into_inner();
    let texts = stream.map(|greeting| greeting.unwrap().text);
    assert_eq!(texts.collect::<Vec<_>>().await, ["Jane jane"; 3]);
}

#[tokio::test]
async fn each_rejection_has_a_status_and_metadata() {
    const BARE: &str = r#"Bearer realm="api""#;
    const INVALID: &str = r#"Bearer realm="api", error="invalid_token""#;
    let jane = testing::token("jane");
    let (pending, disabled) = (testing::token("paul"), testing::token("dora"));
    let nobody = testing::token("nobody");
    let not_validated = "Could not validate credentials";

    let mut up = served(layer(&Store::new()), RequireLayer::approved()).await;
    for (token, message, challenge) in [
        (None, "Not authenticated", BARE),
        (Some("a.b.c"), not_validated, INVALID),
        (Some(""), not_validated, INVALID),
        (Some(nobody.as_str()), not_validated, INVALID),
        (Some(pending.as_str()), not_validated, INVALID),
        (Some(disabled.as_str()), not_validated, INVALID),
    ] {
        for status in both_rejected(&mut up, token).await {
            assert_eq!(status.code(), Code::Unauthenticated, "{token:?}");
            assert_eq!(status.message(), message, "{token:?}");
            assert_eq!(metadata(&status, "www-authenticate"), Some(challenge));
            assert_eq!(metadata(&status, "retry-after"), None);
        }
    }
    let store = Store::is(Mood::Fails);
    let mut down = served(layer(&store), RequireLayer::approved()).await;
    for status in both_rejected(&mut down, Some(&jane)).await {
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(metadata(&status, "www-authenticate"), None);
        assert_eq!(metadata(&status, "retry-after"), Some("1"));
        let message = "Authentication is temporarily unavailable";
        assert_eq!(status.message(), message);
    }
}

#[tokio::test]
async fn disclosed_account_is_permission_denied() {
    let auth = layer(&Store::new()).disclose_account_status(true);
    let mut client = served(auth, RequireLayer::approved()).await;
    for (subject, message) in [
        ("paul", "Account pending approval"),
        ("dora", "Account disabled"),
    ] {
        for status in both_rejected(&mut client, Some(&testing::token(subject))).await {
            assert_eq!(status.code(), Code::PermissionDenied);
            assert_eq!(status.message(), message);
        }
    }
}

#[tokio::test]
async fn admin_guard_rejects_other_users() {
    let mut client = served(layer(&Store::new()), RequireLayer::new(Admin)).await;
    for status in both_rejected(&mut client, Some(&testing::token("jane"))).await {
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.message(), "Admin access required");
        let challenge = r#"Bearer realm="api", error="insufficient_scope""#;
        assert_eq!(metadata(&status, "www-authenticate"), Some(challenge));
    }
    let root = testing::token("root");
    let greeting = client.greet(with_token(GreetRequest {}, Some(&root))).await;
    assert_eq!(greeting.unwrap().into_inner().text, "Root root");
}

#[tokio::test]
async fn disabled_user_is_rejected_on_the_next_call() {
    let store = Store::new();
    let mut client = served(layer(&store), RequireLayer::approved()).await;
    let token = testing::token("jane");
    let greeting = client
        .greet(with_token(GreetRequest {}, Some(&token)))
        .await;
    assert!(greeting.is_ok());

    let status = UserStatus::Disabled;
    let jane = TestUser::approved("Jane");
    store.put("jane", TestUser { status, ..jane });
    for status in both_rejected(&mut client, Some(&token)).await {
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn two_tokens_are_rejected() {
    let mut client = served(layer(&Store::new()), RequireLayer::approved()).await;
    let token = testing::token("jane");
    let mut request = with_token(GreetRequest {}, Some(&token));
    let second = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().append("authorization", second);
    let status = client.greet(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "Exactly one credential is accepted");
}

#[tokio::test]
async fn missing_layer_is_internal() {
    let guard = RequireLayer::<TestUser>::approved().on_rejection(EmptyBody);
    let routes = Routes::new(guard.named_layer(GreeterServer::new(Seen)));
    let (listener, channel) = listening().await;
    let server = Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let mut client = GreeterClient::new(channel);
    for status in both_rejected(&mut client, Some(&testing::token("jane"))).await {
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "Authentication is misconfigured");
    }
}

#[tokio::test]
async fn guard_of_an_axum_router_serves_pages_and_grpc() {
    let app: Router = Routes::new(GreeterServer::new(Seen))
        .into_axum_router()
        .route("/page", on_get("page"))
        .layer(RequireLayer::<TestUser>::approved())
        .layer(layer(&Store::new()));
    let page = send(&app, get("/page")).await;
    assert_eq!(page.status, 401);
    assert_eq!(page.header("grpc-status"), None);
    assert_eq!(page.detail(), "Not authenticated");

    let (listener, channel) = listening().await;
    tokio::spawn(axum::serve(listener, app).into_future());
    let mut client = GreeterClient::new(channel);
    for status in both_rejected(&mut client, None).await {
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "Not authenticated");
    }
    let jane = testing::token("jane");
    let greeting = client.greet(with_token(GreetRequest {}, Some(&jane))).await;
    assert_eq!(greeting.unwrap().into_inner().text, "Jane jane");
}

#[tokio::test]
async fn grpc_web_client_reads_the_status_over_http_1() {
    let declared = || layer(&Store::new()).grpc(true);
    let guard = RequireLayer::<TestUser>::approved;
    let routes = || Routes::new(GreeterServer::new(Seen)).into_axum_router();
    // The guards see either the request of the browser or the translated one.
    let outside = routes()
        .layer(GrpcWebLayer::new())
        .layer(guard())
        .layer(declared());
    let inside = routes()
        .layer(guard())
        .layer(declared())
        .layer(GrpcWebLayer::new());
    for app in [outside, inside] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, app).into_future());
        let http_1 = Client::builder(TokioExecutor::new()).build_http();
        let web = GrpcWebClientLayer::new().layer(http_1);
        let mut client = GreeterClient::with_origin(web, origin.parse().unwrap());

        for (token, message) in [
            (None, "Not authenticated"),
            (Some("a.b.c"), "Could not validate credentials"),
        ] {
            let rejected = client.greet(with_token(GreetRequest {}, token)).await;
            let status = rejected.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{token:?}");
            assert_eq!(status.message(), message);
        }
        let jane = testing::token("jane");
        let greeting = client.greet(with_token(GreetRequest {}, Some(&jane))).await;
        assert_eq!(greeting.unwrap().into_inner().text, "Jane jane");
    }
}

async fn example_server() -> Channel {
    let (listener, channel) = listening().await;
    tokio::spawn(async { example::serve(listener, testing::verifier()).await.unwrap() });
    channel
}

/// Client of a server with one guard around everything.
async fn served<P: Policy<TestUser>>(
    auth: AuthLayer<TestUser>,
    guard: RequireLayer<TestUser, P>,
) -> GreeterClient<Channel> {
    let (listener, channel) = listening().await;
    let server = Server::builder()
        .layer(auth)
        .layer(guard.on_rejection(EmptyBody))
        .add_service(GreeterServer::new(Seen));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    GreeterClient::new(channel)
}

/// Listener at a free port, and a channel that connects to it on its first call.
async fn listening() -> (TcpListener, Channel) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, Channel::from_shared(url).unwrap().connect_lazy())
}

fn with_token<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let authorization = format!("Bearer {token}").parse().unwrap();
        request
            .metadata_mut()
            .insert("authorization", authorization);
    }
    request
}

/// Statuses of one rejected call and one rejected stream.
async fn both_rejected(client: &mut GreeterClient<Channel>, token: Option<&str>) -> [Status; 2] {
    let once = client.greet(with_token(GreetRequest {}, token)).await;
    let often = with_token(GreetOftenRequest { times: 3 }, token);
    let often = client.greet_often(often).await;
    [once.unwrap_err(), often.unwrap_err()]
}

fn metadata<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    let value = status.metadata().get(name);
    value.map(|value| value.to_str().unwrap())
}

/// Service that greets with the user and claims in the extensions.
struct Seen;

#[async_trait]
impl Greeter for Seen {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<Greeting>, Status> {
        Ok(Response::new(seen(&request)))
    }

    type GreetOftenStream = BoxStream<'static, Result<Greeting, Status>>;

    async fn greet_often(
        &self,
        request: Request<GreetOftenRequest>,
    ) -> Result<Response<Self::GreetOftenStream>, Status> {
        let greeting = seen(&request);
        let often = (0..request.get_ref().times).map(move |_| Ok(greeting.clone()));
        Ok(Response::new(Box::pin(stream::iter(often))))
    }
}

fn seen<T>(request: &Request<T>) -> Greeting {
    let user = request.extensions().get::<CurrentUser<TestUser>>().unwrap();
    let claims = request.extensions().get::<Claims>().unwrap();
    let text = format!("{} {}", user.name, claims.subject());
    Greeting { text }
}
