//! The example `roles`, without a port.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use axum::body::Body;
use http::{Method, Request, StatusCode};
use tower_warder::testing;

use tower_warder_test_support::{get_with, send};

#[allow(dead_code)]
#[path = "../src/main.rs"]
mod example;

fn post(subject: &str) -> Request<Body> {
    let mut request = get_with("/articles", &testing::token(subject));
    *request.method_mut() = Method::POST;
    request
}

#[tokio::test]
async fn removed_role_takes_effect_on_the_next_request() {
    let pool = example::members().await.unwrap();
    let app = example::app(testing::verifier(), pool.clone());

    let read = send(&app, get_with("/articles", &testing::token("r1"))).await;
    assert_eq!(read.status, StatusCode::OK);

    let rejected = send(&app, post("r1")).await;
    assert_eq!(rejected.status, StatusCode::FORBIDDEN);
    assert_eq!(rejected.json()["detail"], "Only for editors");

    assert_eq!(send(&app, post("e1")).await.status, StatusCode::CREATED);
    let demote = "UPDATE members SET role = 'reader' WHERE id = 'e1'";
    sqlx::raw_sql(demote).execute(&pool).await.unwrap();
    assert_eq!(send(&app, post("e1")).await.status, StatusCode::FORBIDDEN);

    let disable = "UPDATE members SET active = FALSE WHERE id = 'r1'";
    sqlx::raw_sql(disable).execute(&pool).await.unwrap();
    let disabled = send(&app, get_with("/articles", &testing::token("r1"))).await;
    assert_eq!(disabled.status, StatusCode::UNAUTHORIZED);
}
