//! The example `login`, without a socket.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;
use tower_warder::HmacSecret;

use crate::server::FORM;
use crate::support::{get, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/login.rs"]
mod example;

#[tokio::test]
async fn registered_user_logs_in_and_reaches_the_route() {
    let app = example::app(&HmacSecret::generate());
    assert_eq!(send(&app, get("/hello")).await.status, 401);

    let ada = json!({"email": "ada@example.com", "password": "correct horse"});
    let register = post("/api/auth/register", "application/json", ada.to_string());
    assert_eq!(send(&app, register).await.status, 201);

    let wrong = "username=ada@example.com&password=wrong".to_owned();
    let refused = send(&app, post("/api/auth/login", FORM, wrong)).await;
    assert_eq!(refused.status, 401);
    let right = "username=ada@example.com&password=correct+horse".to_owned();
    let answer = send(&app, post("/api/auth/login", FORM, right)).await;
    assert_eq!(answer.status, 200);

    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let answer = send(&app, get_with("/hello", &token)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "Hello, ada@example.com\n");
    let users = send(&app, get_with("/api/auth/users", &token)).await;
    assert_eq!(users.status, 200);
}

fn post(path: &str, media_type: &str, body: String) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", media_type)
        .body(body.into())
        .unwrap()
}
