//! The example `quickstart`, without a port.

use http::StatusCode;
use tower_warder::testing;

use crate::support::{get, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/quickstart.rs"]
mod example;

#[tokio::test]
async fn a_token_opens_the_door_and_nothing_else_does() {
    let app = example::app(testing::verifier());

    let public = send(&app, get("/")).await;
    assert_eq!(public.status, StatusCode::OK);

    let refused = send(&app, get("/me")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"Bearer realm="api""#)
    );

    let me = send(&app, get_with("/me", &testing::token("1"))).await;
    assert_eq!(
        (me.status, me.body.as_str()),
        (StatusCode::OK, "Hello, Jane\n")
    );

    let nobody = send(&app, get_with("/me", &testing::token("2"))).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}
