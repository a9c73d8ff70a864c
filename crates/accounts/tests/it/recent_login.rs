//! Time of the log-in in tokens, and actions of admins that require a recent one.

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower_warder::AuthError;
use tower_warder::testing;
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, Sessions};

use super::cookie::browser::{token_in, with_cookie};
use super::server::{Approved, PASSWORD, Server, bare, by, json_to};
use super::sessions::client::{
    self, MINUTE, SECOND, accounts_of, changing, jane, log_in, log_in_by_cookie, mounted, renewed,
};
use crate::support::Answer;

#[tokio::test]
async fn tokens_have_the_time_of_the_login() {
    let server = client::server();
    let first = jane(&server).await;
    let opened = server.clock.now();
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    for token in [&first.access, &cookie] {
        assert_eq!(auth_time(&server, token), Some(opened));
    }
    server.clock.advance(10 * MINUTE);
    let next = renewed(&server, &first.refresh).await;
    // Within the grace the previous token is accepted again.
    let again = renewed(&server, &first.refresh).await;
    server.clock.advance(10 * MINUTE);
    let last = renewed(&server, &next.refresh).await;
    for renewed in [next, again, last] {
        assert_eq!(auth_time(&server, &renewed.access), Some(opened));
    }
    let second = log_in(&server, "jane@example.org").await;
    assert_eq!(auth_time(&server, &second.access), Some(server.clock.now()));
    assert!(auth_time(&server, &second.access) > Some(opened));
}

#[tokio::test]
async fn token_without_session_has_the_time_of_the_login() {
    let server = Server::new().await;
    server.jane().await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    assert_eq!(auth_time(&server, &token), Some(server.clock.now()));
}

#[tokio::test]
async fn password_change_keeps_the_time_of_the_login() {
    let server = client::server();
    let tokens = jane(&server).await;
    let opened = server.clock.now();
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    server.clock.advance(MINUTE);
    let changed = server.send(changing(&tokens.access, PASSWORD, "new password"));
    let changed = changed.await.json();
    let access = changed["access_token"].as_str().unwrap();
    assert_eq!(auth_time(&server, access), Some(opened));

    // The other session has ended: log in again, and change the password by cookie.
    assert_eq!(client::status_with(&server, &cookie).await, 401);
    let opened = server.clock.now();
    let log_in =
        super::cookie::browser::form_to("/cookie/login", "jane@example.org", "new password");
    let cookie = token_in(&server.send(log_in).await);
    server.clock.advance(MINUTE);
    let body = json!({"current_password": "new password", "new_password": PASSWORD});
    let change = with_cookie(&cookie, json_to("POST", "/password", &body));
    let cookie = token_in(&server.send(change).await);
    assert_eq!(auth_time(&server, &cookie), Some(opened));
}

#[tokio::test]
async fn actions_of_admins_require_a_recent_login() {
    let server = server();
    server.admin().await;
    let paul = server.add("paul@example.org", false, Approved).await.id;
    let tokens = log_in(&server, "root@example.org").await;
    server.clock.advance(15 * MINUTE);
    let mut tokens = renewed(&server, &tokens.refresh).await;
    for request in actions(paul) {
        let answer = server.send(by(&tokens.access, request)).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    server.clock.advance(SECOND);
    // The session is older, however new its token is.
    tokens = renewed(&server, &tokens.refresh).await;
    for request in actions(paul).into_iter().chain(invalid_actions()) {
        assert_login_required(
            &server.send(by(&tokens.access, request)).await,
            "login_too_old",
        );
    }
    // Reading does not require it.
    for path in ["/me", "/users", "/users/pending/count"] {
        let answer = server.send(by(&tokens.access, bare("GET", path))).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let tokens = log_in(&server, "root@example.org").await;
    let answer = server.put(&tokens.access, paul, json!({})).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
}

#[tokio::test]
async fn token_without_login_time_does_nothing_as_admin() {
    let server = server();
    let (admin, _) = server.admin().await;
    let issuer = testing::issuer().clock(server.clock.clock());
    let token = issuer.issue(&admin.id.to_string()).unwrap();
    assert_eq!(server.me(&token).await.status, 200);
    for request in actions(admin.id) {
        assert_login_required(&server.send(by(&token, request)).await, "no_login_time");
    }
    // Without the setting the contract's answers stay.
    let server = client::node(&server, InMemorySessionStore::new());
    assert_eq!(server.put(&token, admin.id, json!({})).await.status, 200);
}

#[tokio::test]
async fn old_login_of_no_admin_is_forbidden() {
    let server = server();
    let jane = jane(&server).await;
    server.clock.advance(16 * MINUTE);
    let jane = renewed(&server, &jane.refresh).await;
    for request in actions(1) {
        let answer = server.send(by(&jane.access, request)).await;
        assert_eq!(answer.json()["code"], "forbidden");
    }
    for request in actions(1) {
        assert_eq!(
            server.send(request).await.json()["code"],
            "not_authenticated"
        );
    }
}

#[tokio::test]
async fn cookie_of_an_old_login_is_kept() {
    let server = server();
    server.admin().await;
    let cookie = log_in_by_cookie(&server, "root@example.org").await;
    server.clock.advance(16 * MINUTE);
    for request in actions(1) {
        let answer = server.send(with_cookie(&cookie, request)).await;
        assert_login_required(&answer, "login_too_old");
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(client::status_with(&server, &cookie).await, 200);
    let cookie = log_in_by_cookie(&server, "root@example.org").await;
    let update = with_cookie(&cookie, json_to("PUT", "/users/1", &json!({})));
    assert_eq!(server.send(update).await.status, 200);
}

/// A server on which admins log in every 15 minutes.
fn server() -> Server {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    mounted(server, accounts.admin_login_age(15 * MINUTE), None)
}

/// What an admin does to an account.
fn actions(id: i64) -> [Request<Body>; 3] {
    let path = format!("/users/{id}");
    let password = json!({"password": "another password"});
    [
        json_to("PUT", &path, &json!({"status": "approved"})),
        json_to("POST", &format!("{path}/reset-password"), &password),
        bare("DELETE", &path),
    ]
}

/// Requests that are rejected for another reason, which is checked later.
fn invalid_actions() -> [Request<Body>; 3] {
    [
        json_to("PUT", "/users/99", &json!({"email": 7})),
        json_to("POST", "/users/x/reset-password", &json!({})),
        bare("DELETE", "/users/x"),
    ]
}

#[track_caller]
fn assert_login_required(answer: &Answer, reason: &str) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.json()["code"], "insufficient_user_authentication");
    let challenge =
        r#"Bearer realm="api", error="insufficient_user_authentication", max_age="900""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(error.reason(), reason);
}

fn auth_time(server: &Server, token: &str) -> Option<std::time::SystemTime> {
    let verifier = testing::verifier().clock(server.clock.clock());
    verifier.verify_token(token).unwrap().auth_time()
}
