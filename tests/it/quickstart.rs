//! The example `quickstart`, without a port.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::support::{get, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/quickstart.rs"]
mod example;

#[tokio::test]
async fn a_token_opens_the_door_and_nothing_else_does() {
    let app = example::app();

    let public = send(&app, get("/")).await;
    assert_eq!(public.status, StatusCode::OK);

    let refused = send(&app, get("/me")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"Bearer realm="api""#)
    );

    let token = send(&app, Request::post("/token").body(Body::empty()).unwrap()).await;
    let me = send(&app, get_with("/me", &token.body)).await;
    assert_eq!(
        (me.status, me.body.as_str()),
        (StatusCode::OK, "Hello, Jane\n")
    );
}
