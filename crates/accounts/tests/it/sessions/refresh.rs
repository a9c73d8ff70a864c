//! Refreshing of tokens.

use serde_json::json;
use tower_warder::UserStatus::Approved;

use super::super::server::{PASSWORD, Server, body, json_to};
use super::client::{
    GRACE, MINUTE, Tokens, assert_invalid_grant, jane, log_in, over, refresh, refreshing, renewed,
    server,
};
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore};

#[tokio::test]
async fn login_returns_access_and_refresh_tokens() {
    let server = server();
    server.jane().await;
    let answer = server.login("jane@example.org", PASSWORD).await;
    let mut shown = answer.json();
    let refresh = shown["refresh_token"].take();
    let refresh = refresh.as_str().unwrap();
    assert!(
        refresh.starts_with("refresh_") && refresh.len() == 72,
        "{refresh}"
    );
    assert!(shown["access_token"].take().is_string());
    assert_eq!(
        shown,
        json!({
            "access_token": null,
            "token_type": "bearer",
            "expires_in": 900,
            "refresh_token": null,
            "refresh_expires_in": 604_800,
        })
    );
    let access = Tokens::of(&answer).access;
    assert_eq!(server.me(&access).await.status, 200);
    server.clock.advance(15 * MINUTE);
    assert_eq!(server.me(&access).await.status, 401);
}

#[tokio::test]
async fn login_without_sessions_returns_one_token() {
    let server = Server::over(InMemoryAccountStore::new());
    server.jane().await;
    let answer = server.login("jane@example.org", PASSWORD).await.json();
    let members: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    assert_eq!(answer["expires_in"], 604_800);
}

#[tokio::test]
async fn refresh_returns_new_tokens() {
    let server = server();
    let mut tokens = jane(&server).await;
    for _ in 0..5 {
        server.clock.advance(14 * MINUTE);
        let answer = refresh(&server, &tokens.refresh).await;
        let next = Tokens::of(&answer);
        assert_ne!(next.refresh, tokens.refresh);
        let mut shown = answer.json();
        shown["access_token"].take();
        shown["refresh_token"].take();
        assert_eq!(
            shown,
            json!({
                "access_token": null,
                "token_type": "bearer",
                "expires_in": 900,
                "refresh_token": null,
                "refresh_expires_in": 604_800,
            })
        );
        // The previous access token stays valid until it expires.
        assert_eq!(server.me(&tokens.access).await.status, 200);
        assert_eq!(server.me(&next.access).await.status, 200);
        tokens = next;
    }
}

#[tokio::test]
async fn invalid_refresh_tokens_get_the_same_response() {
    let sessions = InMemorySessionStore::new();
    let server = over(InMemoryAccountStore::new(), sessions.clone());
    let tokens = jane(&server).await;
    let encoded = tokens.refresh.strip_prefix("refresh_").unwrap();
    let other = over(InMemoryAccountStore::new(), InMemorySessionStore::new());
    let foreign = jane(&other).await.refresh;
    for token in [
        "",
        " ",
        "refresh_",
        "null",
        encoded,
        &tokens.access,
        &foreign,
        // Other spellings of base64url.
        &format!("{}=", tokens.refresh),
        &format!(" {}", tokens.refresh),
        &format!("{}\n", tokens.refresh),
        &format!("{}AAAA", tokens.refresh),
        &format!("Refresh_{encoded}"),
        &format!("refresh_+{}", &encoded[1..]),
        &format!("refresh_/{}", &encoded[1..]),
        &format!("ticket_{encoded}"),
        &"refresh_".repeat(9),
        &format!("refresh_{}", "ä".repeat(32)),
        &format!("refresh_{}", "A".repeat(8_000)),
    ] {
        assert_invalid_grant(&refresh(&server, token).await);
    }
    // The session is unaffected.
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn refresh_body_is_validated() {
    let server = server();
    let tokens = jane(&server).await;
    for (request, status) in [
        (body("POST", "/refresh", "text/plain", "{}"), 415),
        (body("POST", "/refresh", "application/json", "{"), 422),
        (json_to("POST", "/refresh", &json!({})), 422),
        (json_to("POST", "/refresh", &json!([&tokens.refresh])), 422),
        (
            json_to("POST", "/refresh", &json!({"refresh_token": null})),
            422,
        ),
        (
            json_to("POST", "/refresh", &json!({"refresh_token": 1})),
            422,
        ),
        (refreshing(&"r".repeat(70_000)), 413),
        (
            body(
                "POST",
                "/refresh",
                "application/x-www-form-urlencoded",
                format!("grant_type=refresh_token&refresh_token={}", tokens.refresh),
            ),
            415,
        ),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(!answer.body.contains(&tokens.refresh), "{}", answer.body);
    }
    let missing = server.send(json_to("POST", "/logout", &json!({}))).await;
    assert_eq!(
        missing.json()["detail"],
        json!([{"type": "missing", "loc": ["body", "refresh_token"], "msg": "Field required"}])
    );
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn forged_refresh_secret_ends_the_session() {
    let server = server();
    let tokens = jane(&server).await;
    let id = super::client::sessions(&server, &tokens.access).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // The public ID is not the selector of the token.
    let padded = format!("refresh_{id}{}", "A".repeat(42));
    assert_invalid_grant(&refresh(&server, &padded).await);
    let tokens = renewed(&server, &tokens.refresh).await;

    let (selector, _) = tokens.refresh.split_at("refresh_".len() + 22);
    let forged = format!("{selector}{}", "A".repeat(42));
    assert_invalid_grant(&refresh(&server, &forged).await);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn sessions_of_one_account_are_independent() {
    let server = server();
    let phone = jane(&server).await;
    let desk = log_in(&server, "jane@example.org").await;
    let root = server.add("root@example.org", true, Approved).await;
    let other = log_in(&server, &root.email).await;
    let next = renewed(&server, &phone.refresh).await;
    server.clock.advance(GRACE);
    assert_invalid_grant(&refresh(&server, &phone.refresh).await);
    assert_invalid_grant(&refresh(&server, &next.refresh).await);
    renewed(&server, &desk.refresh).await;
    renewed(&server, &other.refresh).await;
}
