//! The list of sessions, and ending one of them.

use std::sync::Arc;

use serde_json::json;
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, Sessions};

use super::super::server::{PASSWORD, bare, by};
use super::client::{
    MINUTE, Tokens, assert_invalid_grant, jane, log_in, login_from, over, refresh, renewed, server,
    sessions, with,
};
use crate::support::Place;

#[tokio::test]
async fn list_has_device_times_and_current_session() {
    let server = server();
    server.jane().await;
    let phone = server
        .send(login_from("Phone 1.0", "jane@example.org"))
        .await;
    let phone = Tokens::of(&phone);
    server.clock.advance(MINUTE);
    let desk = server
        .send(login_from("Desk (X11)", "jane@example.org"))
        .await;
    let desk = Tokens::of(&desk);
    server.clock.advance(61 * MINUTE);
    let phone = renewed(&server, &phone.refresh).await;
    let desk = renewed(&server, &desk.refresh).await;
    server.clock.advance(65 * MINUTE);
    let phone = renewed(&server, &phone.refresh).await;

    let mut listed = sessions(&server, &phone.access).await;
    let ids: Vec<_> = listed.iter_mut().map(|it| it["id"].take()).collect();
    assert!(
        ids.iter().all(|id| id.as_str().unwrap().len() == 22),
        "{ids:?}"
    );
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        listed,
        [
            json!({
                "id": null,
                "kind": "refresh_token",
                "device": "Phone 1.0",
                "created_at": "2026-01-01T00:00:00Z",
                "last_used_at": "2026-01-01T02:00:00Z",
                "expires_at": "2026-01-08T03:00:00Z",
                "is_current": true,
            }),
            json!({
                "id": null,
                "kind": "refresh_token",
                "device": "Desk (X11)",
                "created_at": "2026-01-01T00:01:00Z",
                "last_used_at": "2026-01-01T01:00:00Z",
                "expires_at": "2026-01-08T02:00:00Z",
                "is_current": false,
            }),
        ]
    );
    let desk = renewed(&server, &desk.refresh).await;
    let listed = sessions(&server, &desk.access).await;
    let current = listed.iter().find(|it| it["is_current"] == true).unwrap();
    assert_eq!(current["device"], "Desk (X11)");
    // An access token without session lists them as well.
    let without = server.token(&server.stored(1).await);
    let listed = sessions(&server, &without).await;
    assert!(listed.iter().all(|it| it["is_current"] == false));
    assert_eq!(listed.len(), 2);
}

/// Otherwise a thief of a token could see when to use it again.
#[tokio::test]
async fn list_does_not_reveal_recent_refreshes() {
    let server = server();
    let mut desk = jane(&server).await;
    server.clock.advance(5 * MINUTE);
    let mut phone = log_in(&server, "jane@example.org").await;
    let without = server.token(&server.stored(1).await);
    let before = sessions(&server, &without).await;
    for _ in 0..3 {
        server.clock.advance(10 * MINUTE);
        // In turn: neither times nor order change.
        for tokens in [&mut desk, &mut phone] {
            *tokens = renewed(&server, &tokens.refresh).await;
            assert_eq!(sessions(&server, &without).await, before);
        }
    }
}

#[tokio::test]
async fn device_names_are_sanitized() {
    let server = server();
    server.jane().await;
    let odd = "x\u{202e}y\u{200b}z <b>".as_bytes();
    for (sent, shown) in [
        (odd, "xyz <b>".to_owned()),
        (b"a\tb\xff\xfe", "ab".to_owned()),
        (b"", String::new()),
        (&[b'u'; 5000], "u".repeat(200)),
    ] {
        let mut request = login_from("", "jane@example.org");
        let value = http::HeaderValue::from_bytes(sent).unwrap();
        request.headers_mut().insert("user-agent", value);
        let tokens = Tokens::of(&server.send(request).await);
        let listed = sessions(&server, &tokens.access).await;
        let current = listed.iter().find(|it| it["is_current"] == true).unwrap();
        assert_eq!(current["device"], shown);
    }
}

#[tokio::test]
async fn owner_ends_a_session_by_id() {
    let server = server();
    let phone = jane(&server).await;
    let desk = log_in(&server, "jane@example.org").await;
    let listed = sessions(&server, &desk.access).await;
    let id = listed.iter().find(|it| it["is_current"] == false).unwrap()["id"].clone();
    let path = format!("/sessions/{}", id.as_str().unwrap());
    let end = async || server.send(by(&desk.access, bare("DELETE", &path))).await;
    assert_eq!(end().await.status, 204);
    let again = end().await;
    assert_eq!(
        (again.status.as_u16(), again.detail().as_str()),
        (404, "Session not found")
    );
    assert_invalid_grant(&refresh(&server, &phone.refresh).await);
    renewed(&server, &desk.refresh).await;
    assert_eq!(sessions(&server, &desk.access).await.len(), 1);
}

#[tokio::test]
async fn session_of_another_user_is_not_found() {
    let server = server();
    let (_, root) = server.admin().await;
    let tokens = jane(&server).await;
    let id = sessions(&server, &tokens.access).await[0]["id"].clone();
    let path = format!("/sessions/{}", id.as_str().unwrap());
    let answer = server.send(by(&root, bare("DELETE", &path))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (404, "Session not found")
    );
    assert_eq!(sessions(&server, &root).await.len(), 0);
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn malformed_session_id_is_404() {
    let mut servers = vec![server()];
    let database = Place::postgres().await;
    if let Some(database) = &database {
        let store = database.open().await;
        servers.push(over(Arc::clone(&store), store));
    }
    for server in servers {
        let tokens = jane(&server).await;
        for id in [
            "x",
            "%00",
            "%FF",
            "1",
            "%2F",
            "'%20OR%201=1",
            &"A".repeat(9000),
            &"A".repeat(22),
            &format!("{}%00", "A".repeat(21)),
            &format!("%00{}", "A".repeat(22)),
            &format!("{}%C3%A9", "A".repeat(20)),
        ] {
            let path = format!("/sessions/{id}");
            let answer = server.send(by(&tokens.access, bare("DELETE", &path))).await;
            assert_eq!(
                (answer.status.as_u16(), answer.detail().as_str()),
                (404, "Session not found"),
                "{id}"
            );
        }
        assert_eq!(sessions(&server, &tokens.access).await.len(), 1);
    }
}

#[tokio::test]
async fn session_limit_ends_the_least_recently_used() {
    let few = Sessions::new(InMemorySessionStore::new()).max_per_user(2);
    let server = with(InMemoryAccountStore::new(), few);
    let first = jane(&server).await;
    server.clock.advance(MINUTE);
    let second = log_in(&server, "jane@example.org").await;
    server.clock.advance(MINUTE);
    let first = renewed(&server, &first.refresh).await;
    let third = log_in(&server, "jane@example.org").await;
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
    for tokens in [first, third] {
        renewed(&server, &tokens.refresh).await;
    }
}

#[tokio::test]
async fn sessions_are_limited_to_100_by_default() {
    let server = server();
    let first = jane(&server).await;
    let accounts = super::client::accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let user = server.stored(1).await;
    for _ in 0..130 {
        accounts.open_session(&user, "many").await.unwrap();
    }
    assert_eq!(accounts.list_sessions(&user).await.unwrap().len(), 100);
    // The first session is in another store.
    renewed(&server, &first.refresh).await;
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
}
