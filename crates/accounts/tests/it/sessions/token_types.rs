//! Refresh tokens in place of access tokens, and vice versa.

use http::header::COOKIE;
use serde_json::json;

use super::super::server::{bare, by, json_to};
use super::client::{assert_invalid_grant, changing, jane, refresh, renewed, server};

#[tokio::test]
async fn refresh_token_authenticates_no_request() {
    let server = server();
    let tokens = jane(&server).await;
    let token = &tokens.refresh;
    for request in [
        by(token, bare("GET", "/me")),
        by(token, bare("GET", "/sessions")),
        by(token, bare("POST", "/logout-all")),
        by(token, bare("POST", "/stream-ticket")),
        by(token, bare("DELETE", "/sessions/x")),
        changing(token, "correct horse", "another password"),
        bare("GET", &format!("/me?token={token}")),
    ] {
        let case = request.uri().path().to_owned();
        let answer = server.send(request).await;
        assert_eq!(answer.status, 401, "{case}: {}", answer.body);
    }
    let mut by_cookie = bare("GET", "/me");
    let cookie = format!("__Host-id={token}").parse().unwrap();
    by_cookie.headers_mut().insert(COOKIE, cookie);
    assert_eq!(server.send(by_cookie).await.status, 401);
    // The sources are enabled, and the refresh token is still valid.
    let query = bare("GET", &format!("/me?token={}", tokens.access));
    assert_eq!(server.send(query).await.status, 200);
    renewed(&server, token).await;
}

#[tokio::test]
async fn access_token_is_no_refresh_token() {
    let server = server();
    let tokens = jane(&server).await;
    assert_invalid_grant(&refresh(&server, &tokens.access).await);
    // Not in a header, and no ticket or query either.
    let empty = by(&tokens.access, json_to("POST", "/refresh", &json!({})));
    assert_eq!(server.send(empty).await.status, 422);
    let ticket = server
        .send(by(&tokens.access, bare("POST", "/stream-ticket")))
        .await;
    let ticket = ticket.json()["ticket"].as_str().unwrap().to_owned();
    assert_invalid_grant(&refresh(&server, &ticket).await);
    let query = format!("/refresh?refresh_token={}", tokens.refresh);
    assert_eq!(
        server
            .send(json_to("POST", &query, &json!({})))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn refresh_ignores_other_credentials() {
    let server = server();
    let (_, root) = server.admin().await;
    let tokens = jane(&server).await;
    let request = by(&root, super::client::refreshing(&tokens.refresh));
    let answer = server.send(request).await;
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.me(&access).await.json()["email"], "jane@example.org");
    let junk = by("junk", super::client::refreshing(&tokens.refresh));
    assert_eq!(server.send(junk).await.status, 200);
}
