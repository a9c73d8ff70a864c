//! Passwords that an admin sets, and that the owner has to change at the next log-in.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tower_warder_accounts::throttle::{Limit, Throttle};
use tower_warder_accounts::{
    AccountError, CommonPasswords, InMemoryAccountStore, InMemoryOneTimeTokenStore,
    InMemorySessionStore, LoginChallengeKind, OneTimeTokens, Password, PasswordReset, Sessions,
    UserAction, UserLogin, UserUpdate,
};

use super::cookie::browser::{form_to, with_cookie};
use super::password_reset::{reset_by_token, reset_token};
use super::server::{
    Approved, Disabled, PASSWORD, Pending, Server, bare, by, hash, json_to, login,
};
use super::sessions::client::{
    self, MINUTE, SECOND, accounts_of, log_in, log_in_by_cookie, mounted, sessions, status_with,
};
use super::staged::{Pause, Staged};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
const TEMPORARY: &str = "temporary staple";
const NEW: &str = "battery staple";

/// Sets a password that has to be changed.
async fn reset_temporarily(server: &Server, admin: &str, id: i64) -> Answer {
    let path = format!("/users/{id}/reset-password");
    let body = json!({"password": TEMPORARY, "must_change": true});
    server.send(by(admin, json_to("POST", &path, &body))).await
}

/// Logs in with a temporary password, and returns the token of the challenge.
async fn challenge(server: &Server, password: &str) -> String {
    let answer = server.login(JANE, password).await;
    challenge_of(&answer)
}

#[track_caller]
fn challenge_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    let mut answer = answer.json();
    let token = answer["token"].take().as_str().unwrap().to_owned();
    assert_eq!(token.len(), 43);
    assert_eq!(
        answer,
        json!({
            "type": "about:blank",
            "title": "Forbidden",
            "status": 403,
            "detail": "Password change required",
            "code": "password_change_required",
            "token": null,
            "expires_in": 600,
        })
    );
    token
}

#[track_caller]
fn assert_invalid(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.json()["code"], "invalid_one_time_token");
}

/// A server whose account of Jane has a temporary password, with the token of an admin.
async fn with_temporary_password(server: &Server) -> (i64, String) {
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let answer = reset_temporarily(server, &admin, jane.id).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.json(),
        json!({"message": "Password reset successfully"})
    );
    (jane.id, admin)
}

#[tokio::test]
async fn login_with_a_temporary_password_gets_a_challenge() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, old) = server.jane().await;
    let cookie = log_in_by_cookie(&server, JANE).await;
    assert_eq!(
        reset_temporarily(&server, &admin, jane.id).await.status,
        200
    );
    assert!(server.stored(jane.id).await.must_change_password);
    assert_eq!(server.me(&old).await.status, 401);
    assert_eq!(status_with(&server, &cookie).await, 401);

    // Nothing is told without the password.
    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    challenge(&server, TEMPORARY).await;
    let by_cookie = server.send(form_to("/cookie/login", JANE, TEMPORARY)).await;
    let token = challenge_of(&by_cookie);

    let answer = reset_by_token(&server, &token, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    assert!(!server.stored(jane.id).await.must_change_password);
    assert_eq!(server.login(JANE, TEMPORARY).await.status, 401);
    let tokens = server.token_of(JANE, NEW).await;
    // No log-in with the temporary password has opened a session.
    assert_eq!(sessions(&server, &tokens).await.len(), 1);
    log_in_again_by_cookie(&server).await;
}

async fn log_in_again_by_cookie(server: &Server) {
    let answer = server.send(form_to("/cookie/login", JANE, NEW)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn login_by_method_returns_the_challenge() {
    let server = Server::over(InMemoryAccountStore::new());
    let tokens = OneTimeTokens::new(InMemoryOneTimeTokenStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let accounts = accounts.one_time_tokens(tokens);
    let (jane, _) = server.jane().await;
    let password = Password::new(TEMPORARY).unwrap();
    let reset = PasswordReset::new(password).must_change(true);
    let system = tower_warder_accounts::Actor::System;
    accounts
        .reset_password(jane.id, reset, system)
        .await
        .unwrap();
    let error = accounts.login(UserLogin::new(JANE, TEMPORARY)).await;
    let Err(AccountError::ChallengeRequired(challenge)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(challenge.kind, LoginChallengeKind::PasswordChange);
    assert_eq!(challenge.expires_in, 10 * MINUTE);
    assert!(!format!("{challenge:?} {challenge:#?}").contains(challenge.token.as_str()));
}

#[tokio::test]
async fn challenge_token_is_no_credential() {
    let server = client::server();
    let (id, _) = with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    for (method, path) in [
        ("GET", "/me"),
        ("GET", "/sessions"),
        ("POST", "/logout-all"),
        ("POST", "/stream-ticket"),
    ] {
        let answer = server.send(by(&token, bare(method, path))).await;
        assert_eq!(answer.status, 401, "{path}");
        let answer = server.send(with_cookie(&token, bare(method, path))).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    let body = json!({"refresh_token": token});
    let refreshed = server.send(json_to("POST", "/refresh", &body)).await;
    assert_eq!(refreshed.status, 401);
    assert_eq!(server.login(JANE, &token).await.status, 401);
    assert!(server.stored(id).await.must_change_password);
}

#[tokio::test]
async fn challenge_token_is_used_once_and_for_its_account() {
    let server = client::server();
    with_temporary_password(&server).await;
    let paul = server.add("paul@example.org", false, Approved).await;
    let [token, other] = [
        challenge(&server, TEMPORARY).await,
        challenge(&server, TEMPORARY).await,
    ];
    assert_ne!(token, other);
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
    for used in [&token, &other] {
        assert_invalid(&reset_by_token(&server, used, "another staple").await);
    }
    assert_eq!(server.stored(paul.id).await, paul);
    assert_eq!(server.login(JANE, NEW).await.status, 200);
}

#[tokio::test]
async fn challenge_token_expires_after_ten_minutes() {
    let server = client::server();
    with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    server.clock.advance(10 * MINUTE - SECOND);
    let late = challenge(&server, TEMPORARY).await;
    server.clock.advance(SECOND);
    assert_invalid(&reset_by_token(&server, &token, NEW).await);
    assert_eq!(reset_by_token(&server, &late, NEW).await.status, 200);
}

#[tokio::test]
async fn temporary_password_cannot_stay() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let server = mounted(server, accounts.password_policy(CommonPasswords), None);
    let (id, admin) = with_temporary_password(&server).await;
    // Neither by the token of a log-in nor by a link, which both stay valid.
    let tokens = [
        challenge(&server, TEMPORARY).await,
        reset_token(&server, &admin, id).await,
    ];
    for rejected in [TEMPORARY, "password123", "short"] {
        for token in &tokens {
            let answer = reset_by_token(&server, token, rejected).await;
            assert_eq!(answer.status, 422, "{rejected}");
            let location = &answer.json()["detail"][0]["loc"];
            assert_eq!(*location, json!(["body", "password"]));
        }
    }
    assert!(server.stored(id).await.must_change_password);
    assert_eq!(reset_by_token(&server, &tokens[0], NEW).await.status, 200);
    // Any password may follow one that is not temporary.
    let token = reset_token(&server, &admin, id).await;
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
}

#[tokio::test]
async fn each_new_password_replaces_the_temporary_one() {
    let server = client::server();
    let (id, admin) = with_temporary_password(&server).await;
    // By a link.
    let link = reset_token(&server, &admin, id).await;
    let unused = challenge(&server, TEMPORARY).await;
    assert_eq!(reset_by_token(&server, &link, NEW).await.status, 200);
    assert!(!server.stored(id).await.must_change_password);
    assert_invalid(&reset_by_token(&server, &unused, "another staple").await);
    // By another reset.
    reset_temporarily(&server, &admin, id).await;
    let unused = challenge(&server, TEMPORARY).await;
    assert_eq!(server.reset(&admin, id, TEMPORARY).await.status, 200);
    assert!(!server.stored(id).await.must_change_password);
    assert_eq!(server.login(JANE, TEMPORARY).await.status, 200);
    assert_invalid(&reset_by_token(&server, &unused, "another staple").await);
    // Another temporary one ends the tokens of the one before.
    reset_temporarily(&server, &admin, id).await;
    let unused = challenge(&server, TEMPORARY).await;
    reset_temporarily(&server, &admin, id).await;
    assert_invalid(&reset_by_token(&server, &unused, NEW).await);
    challenge(&server, TEMPORARY).await;
    // What sets no password leaves it temporary.
    let generation = server.stored(id).await.token_generation;
    let revoke = |hash| UserAction::RevokeTokens { generation, hash };
    server.act(id, revoke(None)).await.unwrap();
    assert!(server.stored(id).await.must_change_password);
    let update = |status| UserUpdate {
        status: Some(status),
        ..UserUpdate::default()
    };
    for status in [Disabled, Pending, Approved] {
        server.change(id, update(status)).await;
        assert!(server.stored(id).await.must_change_password, "{status:?}");
    }
}

#[tokio::test]
async fn status_comes_before_the_challenge() {
    let server = client::server();
    let (id, _) = with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    let update = |status| UserUpdate {
        status: Some(status),
        ..UserUpdate::default()
    };
    for (status, code) in [(Pending, "account_pending"), (Disabled, "account_disabled")] {
        server.change(id, update(status)).await;
        let answer = server.login(JANE, TEMPORARY).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["code"], code);
        assert_invalid(&reset_by_token(&server, &token, NEW).await);
    }
    server.change(id, update(Approved)).await;
    assert_invalid(&reset_by_token(&server, &token, NEW).await);
    challenge(&server, TEMPORARY).await;
}

#[tokio::test]
async fn reset_needs_one_time_tokens_for_a_temporary_password() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let answer = reset_temporarily(&server, &admin, jane.id).await;
    assert_eq!(answer.status, 422);
    let location = &answer.json()["detail"][0]["loc"];
    assert_eq!(*location, json!(["body", "must_change"]));
    assert_eq!(server.stored(jane.id).await, jane);
    // The setting was removed after a reset: an error of the server, which admits nobody.
    let reset = UserAction::ResetPassword {
        hash: hash().await.to_owned(),
        must_change: true,
    };
    server.act(jane.id, reset).await.unwrap();
    let sessions = Sessions::new(InMemorySessionStore::new());
    let login = UserLogin::new(JANE, PASSWORD);
    let error = accounts_of(&server, sessions).login(login).await;
    assert!(matches!(error, Err(AccountError::NoOneTimeTokens)));
}

#[tokio::test]
async fn member_of_the_reset_is_validated() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, own) = server.jane().await;
    let path = format!("/users/{}/reset-password", jane.id);
    for (must_change, status) in [
        (json!("true"), 422),
        (json!(1), 422),
        (json!([true]), 422),
        (Value::Null, 200),
        (json!(false), 200),
    ] {
        let body = json!({"password": TEMPORARY, "must_change": must_change});
        let answer = server.send(by(&admin, json_to("POST", &path, &body))).await;
        assert_eq!(answer.status, status, "{must_change}");
        assert!(!server.stored(jane.id).await.must_change_password);
    }
    assert_eq!(server.me(&own).await.status, 401);
    let by_jane = server.token_of(JANE, TEMPORARY).await;
    assert_eq!(
        reset_temporarily(&server, &by_jane, jane.id).await.status,
        403
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_uses_of_a_challenge_set_one_password() {
    let server = client::server();
    let (id, _) = with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    let uses = (0..8).map(|number| {
        let (server, token) = (server.clone(), token.clone());
        tokio::spawn(async move {
            let password = format!("{NEW} {number}");
            (reset_by_token(&server, &token, &password).await, password)
        })
    });
    let mut set = Vec::new();
    for used in join_all(uses).await {
        let (answer, password) = used.unwrap();
        match answer.status.as_u16() {
            200 => set.push(password),
            _ => assert_invalid(&answer),
        }
    }
    assert_eq!(set.len(), 1, "{set:?}");
    assert_eq!(server.login(JANE, &set[0]).await.status, 200);
    assert!(!server.stored(id).await.must_change_password);
}

/// The owner's change was authorized before the admin's reset, and arrives after it.
#[tokio::test]
async fn reset_wins_over_a_concurrent_change() {
    let store = Arc::new(Staged::new().await);
    let server = client::over(Arc::clone(&store), InMemorySessionStore::new());
    let (_, admin) = server.admin().await;
    let (jane, own) = server.jane().await;
    for path in ["change", "challenge"] {
        let request = if path == "change" {
            let body = json!({"current_password": PASSWORD, "new_password": NEW});
            by(&own, json_to("POST", "/password", &body))
        } else {
            let token = challenge(&server, TEMPORARY).await;
            let body = json!({"token": token, "password": NEW});
            json_to("POST", "/reset-password", &body)
        };
        store.pause(Pause::BeforeEndTokens);
        let change = tokio::spawn({
            let server = server.clone();
            async move { server.send(request).await }
        });
        store.arrival().await;
        let reset = reset_temporarily(&server, &admin, jane.id).await;
        assert_eq!(reset.status, 200);
        store.go_on();
        let status = change.await.unwrap().status.as_u16();
        assert!(matches!(status, 400 | 401), "{path} {status}");
        assert!(server.stored(jane.id).await.must_change_password);
        assert_eq!(server.login(JANE, NEW).await.status, 401);
        challenge(&server, TEMPORARY).await;
    }
}

/// The password is verified, and then the admin sets another one.
#[tokio::test]
async fn challenge_of_an_overlapping_login_is_invalid() {
    let store = Arc::new(Staged::new().await);
    let server = client::over(Arc::clone(&store), InMemorySessionStore::new());
    let (id, admin) = with_temporary_password(&server).await;
    store.pause(Pause::AfterFindByEmail);
    let login = tokio::spawn({
        let server = server.clone();
        async move { server.send(login(JANE, TEMPORARY)).await }
    });
    store.arrival().await;
    assert_eq!(server.reset(&admin, id, PASSWORD).await.status, 200);
    store.go_on();
    let token = challenge_of(&login.await.unwrap());
    assert_invalid(&reset_by_token(&server, &token, NEW).await);
    log_in(&server, JANE).await;
}

#[tokio::test]
async fn log_and_answers_show_no_temporary_password() {
    let log = Trace::record();
    let server = client::server();
    with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    for rejected in [TEMPORARY, "short"] {
        let answer = reset_by_token(&server, &token, rejected).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.body.contains(&token) && !answer.body.contains("staple"));
    }
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
    let text = log.text();
    assert!(text.contains("password_change_required"));
    assert!(!text.contains(&token) && !text.contains("staple"), "{text}");
}

/// Each costs a hash.
#[tokio::test]
async fn repeated_temporary_passwords_are_throttled() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let throttle = Throttle::new().per_address(Limit::per_minute(3));
    let server = mounted(server, accounts.throttle(throttle), None);
    with_temporary_password(&server).await;
    let token = challenge(&server, TEMPORARY).await;
    let reset = async |password: &str| {
        let body = json!({"token": token, "password": password});
        let request = from("192.0.2.1", json_to("POST", "/reset-password", &body));
        server.send(request).await.status.as_u16()
    };
    for status in [422, 422, 422, 429] {
        assert_eq!(reset(TEMPORARY).await, status);
    }
    server.clock.advance(20 * SECOND);
    assert_eq!(reset(NEW).await, 200);
}
