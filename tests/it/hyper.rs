//! The example `hyper`, without a socket.

use http::StatusCode;
use tower::ServiceExt;
use tower_warder::testing;

use crate::support::{get, get_with, read};

#[allow(dead_code)]
#[path = "../../examples/hyper.rs"]
mod example;

#[tokio::test]
async fn plain_tower_handler_reads_claims_from_extensions() {
    let app = example::app(testing::verifier());

    let rejected = read(app.clone().oneshot(get("/")).await.unwrap()).await;
    assert_eq!(rejected.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rejected.json()["code"], "not_authenticated");

    let request = get_with("/", &testing::token("Jane"));
    let hello = read(app.oneshot(request).await.unwrap()).await;
    assert_eq!(hello.body, "Hello, Jane\n");
}
