//! The example `quickstart`, without a socket.

use http::StatusCode;
use tower_warder::testing;

use crate::support::{get, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/quickstart.rs"]
mod example;

#[tokio::test]
async fn only_a_valid_token_is_accepted() {
    let app = example::app(testing::verifier());

    let public = send(&app, get("/")).await;
    assert_eq!(public.status, StatusCode::OK);

    let rejected = send(&app, get("/me")).await;
    assert_eq!(rejected.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        rejected.header("www-authenticate"),
        Some(r#"Bearer realm="api""#)
    );

    let me = send(&app, get_with("/me", &testing::token("1"))).await;
    assert_eq!(
        (me.status, me.body.as_str()),
        (StatusCode::OK, "Hello, Jane\n")
    );

    let unknown_user = send(&app, get_with("/me", &testing::token("2"))).await;
    assert_eq!(unknown_user.status, StatusCode::UNAUTHORIZED);
}
