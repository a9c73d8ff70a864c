//! Sessions that their owner ends.

use http::header::COOKIE;
use serde_json::json;

use super::super::server::{FORM, PASSWORD, bare, body, by};
use super::client::{
    GRACE, assert_refused, cached, jane, log_in, logging_out, refresh, renewed, server, sessions,
};

#[tokio::test]
async fn log_out_ends_the_session_and_says_so_twice() {
    let server = server();
    let tokens = jane(&server).await;
    let other = log_in(&server, "jane@example.org").await;
    for _ in 0..2 {
        assert_eq!(server.send(logging_out(&tokens.refresh)).await.status, 204);
        assert_refused(&refresh(&server, &tokens.refresh).await);
    }
    // For its minutes.
    assert_eq!(server.me(&tokens.access).await.status, 200);
    assert_eq!(sessions(&server, &tokens.access).await.len(), 1);
    renewed(&server, &other.refresh).await;
}

#[tokio::test]
async fn every_token_of_a_session_logs_out() {
    let server = server();
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(GRACE);
    assert_eq!(server.send(logging_out(&first.refresh)).await.status, 204);
    assert_refused(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn log_out_says_yes_to_whatever_is_no_token() {
    let server = server();
    let tokens = jane(&server).await;
    for token in ["", "nonsense", &tokens.access, &"refresh_".repeat(9)] {
        let answer = server.send(logging_out(token)).await;
        assert_eq!(answer.status, 204, "{token}: {}", answer.body);
    }
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn log_out_everywhere_ends_every_session_and_every_token() {
    for server in [server(), cached()] {
        let (_, root) = server.admin().await;
        let mine = log_in(&server, "root@example.org").await;
        let phone = jane(&server).await;
        let desk = log_in(&server, "jane@example.org").await;
        let form = format!("username=jane%40example.org&password={PASSWORD}");
        let kept = server.send(body("POST", "/cookie/login", FORM, form)).await;
        let kept = kept
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let by_cookie = async || {
            let mut request = bare("GET", "/me");
            request.headers_mut().insert(COOKIE, kept.parse().unwrap());
            server.send(request).await.status
        };
        assert_eq!(by_cookie().await, 200);
        assert_eq!(server.me(&phone.access).await.status, 200);

        let all = || by(&phone.access, bare("POST", "/logout-all"));
        assert_eq!(server.send(all()).await.status, 204);
        for tokens in [&phone, &desk] {
            assert_eq!(server.me(&tokens.access).await.status, 401);
            assert_refused(&refresh(&server, &tokens.refresh).await);
        }
        assert_eq!(by_cookie().await, 401);
        // Who has no tokens any more is no longer let in.
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
