//! Layer and door over a service of tonic's shape, with tonic's bodies.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, Version};
use http_body_util::Full;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service, ServiceExt};
use tower_warder::testing::{self, TestUser};
use tower_warder::{Admin, Claims, CurrentUser, Empty, Policy, RequireLayer};

use crate::support::{Answer, Mood, Store, Strict, layer, read};

#[tokio::test]
async fn call_without_a_token_is_unauthenticated() {
    let answer = call(&Store::new(), None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    assert_eq!(answer.header("grpc-status"), Some("16"));
    assert_eq!(answer.body, "");
    let status = Status::from_header_map(&answer.headers).unwrap();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "Not authenticated");
}

#[tokio::test]
async fn tonic_reads_every_refusal() {
    let (known, down) = (Store::new(), Store::is(Mood::Fails));
    for (store, subject, code) in [
        (&known, "nobody", Code::Unauthenticated),
        (&known, "paul", Code::Unauthenticated),
        (&down, "jane", Code::Unavailable),
    ] {
        let answer = call(store, Some(subject)).await;
        let status = Status::from_header_map(&answer.headers).unwrap();
        assert_eq!((answer.status.as_u16(), status.code()), (200, code));
    }
    let answer = call_through(&known, Some("jane"), Admin).await;
    let status = Status::from_header_map(&answer.headers).unwrap();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "Admin access required");
}

#[tokio::test]
async fn handler_of_a_call_knows_the_user_and_the_claims() {
    let answer = call(&Store::new(), Some("jane")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "Jane jane"));
    assert_eq!(answer.header("grpc-status"), None);
    let answer = call_through(&Store::new(), Some("root"), Admin).await;
    assert_eq!(answer.body, "Root root");
}

async fn call(store: &Arc<Store>, subject: Option<&str>) -> Answer {
    call_through(store, subject, tower_warder::Approved).await
}

async fn call_through(
    store: &Arc<Store>,
    subject: Option<&str>,
    policy: impl Policy<TestUser>,
) -> Answer {
    let door = RequireLayer::<TestUser>::new(policy).rejection(Empty);
    let service = as_tonic_asks(layer(store).layer(door.layer(Strict::new(greet))));
    let mut request = Request::post("/greeter.Greeter/Greet")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc");
    if let Some(subject) = subject {
        let token = testing::token(subject);
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    read(service.oneshot(request).await.unwrap()).await
}

/// What a tonic server asks of the services that it is given.
fn as_tonic_asks<S>(service: S) -> S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    service
}

/// What tonic hands to a handler keeps the extensions of the HTTP request.
fn greet(request: Request<Body>) -> Response<Body> {
    let request = tonic::Request::from_http(request);
    let user = request.extensions().get::<CurrentUser<TestUser>>().unwrap();
    let claims = request.extensions().get::<Claims>().unwrap();
    let text = format!("{} {}", user.name, claims.subject());
    Response::new(Body::new(Full::from(text)))
}
