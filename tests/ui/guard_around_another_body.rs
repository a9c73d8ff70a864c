//! A guard around a layer that changes the body.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::trace::TraceLayer;
use tower_warder::RequireLayer;
use tower_warder::testing::TestUser;

fn serve(_: impl Service<Request>) {}

fn main() {
    let handler = async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty()));
    serve(
        ServiceBuilder::new()
            .layer(RequireLayer::<TestUser>::approved())
            .layer(TraceLayer::new_for_http())
            .service(service_fn(handler)),
    );
}
