//! Log-out of a session, and of all.

use http::header::COOKIE;
use serde_json::json;

use super::super::server::{FORM, PASSWORD, bare, body, by};
use super::client::{
    GRACE, assert_invalid_grant, cached, jane, log_in, logging_out, refresh, renewed, server,
    sessions,
};

#[tokio::test]
async fn logout_ends_the_session_and_is_idempotent() {
    let server = server();
    let tokens = jane(&server).await;
    let other = log_in(&server, "jane@example.org").await;
    for _ in 0..2 {
        assert_eq!(server.send(logging_out(&tokens.refresh)).await.status, 204);
        assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    }
    // Until it expires.
    assert_eq!(server.me(&tokens.access).await.status, 200);
    assert_eq!(sessions(&server, &tokens.access).await.len(), 1);
    renewed(&server, &other.refresh).await;
}

#[tokio::test]
async fn any_token_of_the_session_can_log_out() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(GRACE);
    assert_eq!(server.send(logging_out(&first.refresh)).await.status, 204);
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn logout_with_an_invalid_token_succeeds() {
    let server = server();
    let tokens = jane(&server).await;
    for token in ["", "nonsense", &tokens.access, &"refresh_".repeat(9)] {
        let answer = server.send(logging_out(token)).await;
        assert_eq!(answer.status, 204, "{token}: {}", answer.body);
    }
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn logout_all_ends_every_session_and_token() {
    for server in [server(), cached()] {
        let (_, root) = server.admin().await;
        let mine = log_in(&server, "root@example.org").await;
        let phone = jane(&server).await;
        let desk = log_in(&server, "jane@example.org").await;
        let form = format!("username=jane%40example.org&password={PASSWORD}");
        let answer = server.send(body("POST", "/cookie/login", FORM, form)).await;
        let cookie = answer
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let by_cookie = async || {
            let mut request = bare("GET", "/me");
            request
                .headers_mut()
                .insert(COOKIE, cookie.parse().unwrap());
            server.send(request).await.status
        };
        assert_eq!(by_cookie().await, 200);
        assert_eq!(server.me(&phone.access).await.status, 200);

        let all = || by(&phone.access, bare("POST", "/logout-all"));
        assert_eq!(server.send(all()).await.status, 204);
        for tokens in [&phone, &desk] {
            assert_eq!(server.me(&tokens.access).await.status, 401);
            assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
        }
        assert_eq!(by_cookie().await, 401);
        // The token that sent the request is revoked as well.
        assert_eq!(server.send(all()).await.status, 401);
        assert_eq!(server.me(&root).await.status, 200);
        renewed(&server, &mine.refresh).await;

        let new = log_in(&server, "jane@example.org").await;
        assert_eq!(sessions(&server, &new.access).await.len(), 1);
        assert_eq!(
            server.me(&new.access).await.json()["email"],
            json!("jane@example.org")
        );
    }
}
