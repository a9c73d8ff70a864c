//! Changes of one's own password.

use serde_json::json;
use tower_warder::testing;
use tower_warder_accounts::UserAction;

use super::super::server::{PASSWORD, bare, by, hash, json_to};
use super::client::{
    Tokens, assert_invalid_grant, cached, changing, jane, log_in, refresh, renewed, server,
    sessions,
};

const NEW: &str = "another password";

#[tokio::test]
async fn password_change_ends_the_other_sessions() {
    for server in [server(), cached()] {
        let phone = jane(&server).await;
        let desk = log_in(&server, "jane@example.org").await;
        assert_eq!(server.me(&desk.access).await.status, 200);

        let answer = server.send(changing(&desk.access, PASSWORD, NEW)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut shown = answer.json();
        let access = shown["access_token"].take().as_str().unwrap().to_owned();
        let rest = json!({"access_token": null, "token_type": "bearer", "expires_in": 900});
        assert_eq!(shown, rest);

        for revoked in [&phone.access, &desk.access] {
            assert_eq!(server.me(revoked).await.status, 401);
        }
        assert_invalid_grant(&refresh(&server, &phone.refresh).await);
        assert_eq!(server.me(&access).await.status, 200);
        let listed = sessions(&server, &access).await;
        assert_eq!((listed.len(), &listed[0]["is_current"]), (1, &json!(true)));
        let desk = renewed(&server, &desk.refresh).await;
        assert_eq!(server.me(&desk.access).await.status, 200);

        assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 401);
        assert_eq!(server.login("jane@example.org", NEW).await.status, 200);
    }
}

#[tokio::test]
async fn wrong_current_password_changes_nothing() {
    let server = server();
    let tokens = jane(&server).await;
    let before = server.stored(1).await;
    for wrong in ["", "wrong", NEW, "Correct horse", &"x".repeat(5000)] {
        let answer = server.send(changing(&tokens.access, wrong, NEW)).await;
        assert_eq!(answer.status, 403, "{wrong}");
        assert_eq!(answer.detail(), "Current password is incorrect");
        assert_eq!(answer.json()["code"], "wrong_password");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_eq!(server.stored(1).await, before);
    assert_eq!(server.me(&tokens.access).await.status, 200);
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn new_password_is_validated_as_at_registration() {
    let server = server();
    let tokens = jane(&server).await;
    for (body, errors) in [
        (
            json!({}),
            json!([["missing", "current_password"], ["missing", "new_password"]]),
        ),
        (
            json!({"current_password": 1, "new_password": "short"}),
            json!([
                ["string_type", "current_password"],
                ["string_too_short", "new_password"]
            ]),
        ),
        (
            json!({"current_password": "x", "new_password": "x".repeat(129)}),
            json!([["string_too_long", "new_password"]]),
        ),
    ] {
        let request = by(&tokens.access, json_to("POST", "/password", &body));
        let answer = server.send(request).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        let reported = answer.json()["detail"].as_array().unwrap().clone();
        let reported: Vec<_> = reported
            .iter()
            .map(|it| json!([it["type"], it["loc"][1]]))
            .collect();
        assert_eq!(json!(reported), errors);
    }
    let anonymous = json_to("POST", "/password", &json!({}));
    assert_eq!(server.send(anonymous).await.detail(), "Not authenticated");
}

#[tokio::test]
async fn password_change_revokes_a_token_without_session() {
    let server = server();
    let (_, token) = server.jane().await;
    let other = log_in(&server, "jane@example.org").await;
    let answer = server.send(changing(&token, PASSWORD, NEW)).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (204, ""));
    assert_eq!(server.me(&token).await.status, 401);
    assert_invalid_grant(&refresh(&server, &other.refresh).await);
    assert_eq!(server.login("jane@example.org", NEW).await.status, 200);
}

#[tokio::test]
async fn password_change_does_not_revive_an_ended_session() {
    let server = server();
    let tokens = jane(&server).await;
    let id = sessions(&server, &tokens.access).await[0]["id"].clone();
    let path = format!("/sessions/{}", id.as_str().unwrap());
    let end = by(&tokens.access, bare("DELETE", &path));
    assert_eq!(server.send(end).await.status, 204);
    let answer = server.send(changing(&tokens.access, PASSWORD, NEW)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn same_password_is_a_valid_change() {
    let server = server();
    let tokens = jane(&server).await;
    let answer = server
        .send(changing(&tokens.access, PASSWORD, PASSWORD))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(server.me(&tokens.access).await.status, 401);
    Tokens::of(&server.login("jane@example.org", PASSWORD).await);
}

#[tokio::test]
async fn unreadable_hash_is_a_wrong_password() {
    let server = server();
    let jane = server
        .add_with_hash(
            "jane@example.org",
            false,
            super::super::server::Approved,
            "nonsense",
        )
        .await;
    let token = server.token(&jane);
    let answer = server.send(changing(&token, PASSWORD, NEW)).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
}

#[tokio::test]
async fn session_id_of_another_user_keeps_no_session() {
    // Also if the session has the generation that the password change sets.
    for generation in [0, 1] {
        let server = server();
        let (_, admin) = server.admin().await;
        if generation == 1 {
            let all = by(&admin, bare("POST", "/logout-all"));
            assert_eq!(server.send(all).await.status, 204);
        }
        let root = log_in(&server, "root@example.org").await;
        let named = sessions(&server, &root.access).await[0]["id"].clone();
        let (jane, _) = server.jane().await;
        let issuer = testing::issuer().clock(server.clock.clock());
        let subject = jane.id.to_string();
        let token = issuer.token(&subject).claims(&json!({"sid": named}));
        let request = changing(&token.issue().unwrap(), PASSWORD, NEW);
        let answer = server.send(request).await;
        assert_eq!(answer.status, 204, "{generation}: {}", answer.body);
        renewed(&server, &root.refresh).await;
    }
}

#[tokio::test]
async fn cached_user_is_checked_against_the_store() {
    let server = cached();
    let tokens = jane(&server).await;
    assert_eq!(server.me(&tokens.access).await.status, 200);
    // As if another node did it: the cache is not invalidated.
    let hash = hash().await.to_owned();
    let reset = server.act(
        1,
        UserAction::ResetPassword {
            hash,
            must_change: false,
        },
    );
    reset.await.unwrap();
    for current in ["wrong", PASSWORD] {
        let answer = server.send(changing(&tokens.access, current, NEW)).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
}
