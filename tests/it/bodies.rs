//! Request and response bodies of any type.

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::pin::Pin;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_warder::response::EmptyBody;
use tower_warder::testing::{self, TestUser};
use tower_warder::{AuthError, RequireLayer};

use crate::support::{Store, Strict, get, layer, read};

#[tokio::test]
async fn any_request_body_type_passes() {
    let token = testing::token("jane");
    let frames = stream::iter(
        ["in", "side"]
            .map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from_static(text.as_bytes())))),
    );
    assert_eq!(echo(Body::from("inside"), &token).await, "inside");
    assert_eq!(
        echo(Full::new(Bytes::from("inside")), &token).await,
        "inside"
    );
    assert_eq!(echo(StreamBody::new(frames), &token).await, "inside");

    let unit = tower::service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("unit")))
    });
    let stack = ServiceBuilder::new()
        .layer(layer(&Store::new()))
        .layer(RequireLayer::<TestUser>::approved())
        .service(unit);
    let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
    let response = stack.oneshot(request.body(()).unwrap()).await.unwrap();
    assert_eq!(read(response).await.body, "unit");
}

#[tokio::test]
async fn any_response_body_type_carries_a_rejection() {
    let text = layer(&Store::new()).layer(
        RequireLayer::<TestUser>::approved()
            .layer(Strict::new(|_| Response::new(Full::<Bytes>::default()))),
    );
    let answer = read(text.oneshot(get("/")).await.unwrap()).await;
    assert_eq!(answer.json()["code"], "not_authenticated");

    type Boxed = BoxBody<Bytes, Infallible>;
    let boxed = layer(&Store::new()).layer(
        RequireLayer::<TestUser>::approved()
            .on_rejection(EmptyBody)
            .layer(Strict::new(|_| Response::new(Boxed::default()))),
    );
    let answer = read(boxed.oneshot(get("/")).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, ""));

    let numbers = layer(&Store::new()).layer(
        RequireLayer::<TestUser>::approved()
            .on_rejection(|error: &AuthError, _: &HeaderMap| Response::new(error.status().as_u16()))
            .layer(Strict::new(|_: Request<Body>| Response::new(200))),
    );
    assert_eq!(*numbers.oneshot(get("/")).await.unwrap().body(), 401);
}

async fn echo<B>(body: B, token: &str) -> String
where
    B: http_body::Body<Data = Bytes, Error: fmt::Debug> + Send + 'static,
{
    let reflect = tower::service_fn(|request: Request<B>| {
        ready(Ok::<_, Infallible>(Response::new(Reflected::new(
            request.into_body(),
        ))))
    });
    let stack = ServiceBuilder::new()
        .layer(layer(&Store::new()))
        .layer(RequireLayer::<TestUser>::approved().on_rejection(
            |_: &AuthError, _: &HeaderMap| -> Response<Reflected<B>> {
                unreachable!("a good token")
            },
        ))
        .service(reflect);
    let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
    let response = stack.oneshot(request.body(body).unwrap()).await.unwrap();
    let bytes = response.into_body().0.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Response body that implements no trait of `http_body`.
struct Reflected<B>(Pin<Box<B>>);

impl<B> Reflected<B> {
    fn new(body: B) -> Self {
        Self(Box::pin(body))
    }
}
