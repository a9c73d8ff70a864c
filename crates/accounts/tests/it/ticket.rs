//! The route that issues tickets.

use serde_json::json;

use super::server::{Disabled, Pending, Server, bare, by, json_to};

#[tokio::test]
async fn approved_user_gets_a_ticket_for_thirty_seconds() {
    let server = Server::new().await;
    let (_, token) = server.jane().await;
    let ticket = server
        .send(by(&token, bare("POST", "/stream-ticket")))
        .await;
    assert_eq!(
        (ticket.status.as_u16(), &ticket.json()["expires_in"]),
        (200, &json!(30))
    );
    let text = ticket.json()["ticket"].as_str().unwrap().to_owned();
    assert!(text.starts_with("ticket_") && !text.contains('.'), "{text}");
    let other = server
        .send(by(&token, bare("POST", "/stream-ticket")))
        .await;
    assert_ne!(other.json()["ticket"], ticket.json()["ticket"]);

    // Not accepted in a header, nor by these routes.
    assert_eq!(server.me(&text).await.status, 401);
    let query = bare("GET", &format!("/me?token={text}"));
    assert_eq!(server.send(query).await.detail(), "Not authenticated");
}

#[tokio::test]
async fn unapproved_user_gets_no_ticket() {
    let server = Server::new().await;
    let anonymous = bare("POST", "/stream-ticket");
    assert_eq!(server.send(anonymous).await.detail(), "Not authenticated");
    for (email, status) in [
        ("paul@example.org", Pending),
        ("dora@example.org", Disabled),
    ] {
        let user = server.add(email, true, status).await;
        let request = by(&server.token(&user), bare("POST", "/stream-ticket"));
        assert_eq!(server.send(request).await.status, 401, "{email}");
    }
}

#[tokio::test]
async fn ticket_request_body_is_ignored() {
    let server = Server::new().await;
    let (_, token) = server.jane().await;
    let with_body = json_to("POST", "/stream-ticket", &json!({"user": 1}));
    assert_eq!(server.send(by(&token, with_body)).await.status, 200);
}
