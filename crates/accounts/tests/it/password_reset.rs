//! Password resets by a one-time token.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tower_warder::async_trait;
use tower_warder_accounts::{
    CommonPasswords, InMemoryAccountStore, InMemoryOneTimeTokenStore, InMemorySessionStore,
    OneTimeToken, OneTimeTokenStore, OneTimeTokens, Sessions, StoreError, TokenPurpose, UserAction,
    UserUpdate,
};

use super::cookie::browser::with_cookie;
use super::server::{Approved, Disabled, PASSWORD, Pending, Server, bare, body, by, hash, json_to};
use super::sessions::client::{
    self, MINUTE, SECOND, accounts_of, changing, log_in, log_in_by_cookie, mounted, refresh,
    status_with,
};
use super::staged::{Pause, Staged};
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
const NEW: &str = "battery staple";

/// Creates a token for an account.
pub async fn reset_token(server: &Server, admin: &str, id: i64) -> String {
    let answer = create(server, admin, id).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn create(server: &Server, admin: &str, id: i64) -> Answer {
    let path = format!("/users/{id}/password-reset-token");
    server.send(by(admin, bare("POST", &path))).await
}

/// Sets a new password by a token.
pub async fn reset_by_token(server: &Server, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    server.send(json_to("POST", "/reset-password", &body)).await
}

#[track_caller]
pub fn assert_invalid(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(
        answer.json(),
        json!({
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "Invalid or expired token",
            "code": "invalid_one_time_token",
        })
    );
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn token_sets_a_new_password_once() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, old) = server.jane().await;
    let session = log_in(&server, JANE).await;
    let cookie = log_in_by_cookie(&server, JANE).await;

    let created = create(&server, &admin, jane.id).await.json();
    assert_eq!(created["expires_in"], 1800);
    let token = created["token"].as_str().unwrap();
    let answer = reset_by_token(&server, token, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);

    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    for access in [&old, &session.access] {
        assert_eq!(server.me(access).await.status, 401);
    }
    assert_eq!(refresh(&server, &session.refresh).await.status, 401);
    assert_eq!(status_with(&server, &cookie).await, 401);
    assert_eq!(server.login(JANE, NEW).await.status, 200);

    assert_invalid(&reset_by_token(&server, token, "another staple").await);
    assert_eq!(server.login(JANE, NEW).await.status, 200);
}

#[tokio::test]
async fn invalid_tokens_get_the_same_answer() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    let other = if token.starts_with('A') { "B" } else { "A" };
    for invalid in [
        format!("{other}{}", &token[1..]),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}{token}"),
        token[1..].to_owned(),
        token.to_uppercase(),
        "'; DROP TABLE one_time_tokens; --\0".to_owned(),
        "x".repeat(7000),
        String::new(),
        admin.clone(),
    ] {
        assert_invalid(&reset_by_token(&server, &invalid, NEW).await);
    }
    server.clock.advance(30 * MINUTE - SECOND);
    let late = reset_token(&server, &admin, jane.id).await;
    server.clock.advance(SECOND);
    assert_invalid(&reset_by_token(&server, &token, NEW).await);
    assert_eq!(reset_by_token(&server, &late, NEW).await.status, 200);
}

#[tokio::test]
async fn token_is_valid_until_it_expires() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    server.clock.advance(30 * MINUTE - Duration::from_micros(1));
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
}

#[tokio::test]
async fn body_is_validated_before_the_token() {
    let server = client::server();
    for (sent, fields) in [
        (json!({}), &["token", "password"][..]),
        (json!({"token": 1, "password": NEW}), &["token"]),
        (json!({"token": "x", "password": "short"}), &["password"]),
        (
            json!({"token": null, "password": "x".repeat(129)}),
            &["token", "password"],
        ),
    ] {
        let answer = server.send(json_to("POST", "/reset-password", &sent)).await;
        assert_eq!(answer.status, 422, "{sent}");
        let answer = answer.json();
        let errors = answer["detail"].as_array().unwrap();
        let named: Vec<&Value> = errors.iter().map(|error| &error["loc"][1]).collect();
        assert_eq!(named, fields, "{sent}");
    }
    // A page of another origin cannot send JSON without asking first.
    let form = body("POST", "/reset-password", "text/plain", "{}");
    assert_eq!(server.send(form).await.status, 415);
}

#[tokio::test]
async fn what_revokes_tokens_makes_a_link_invalid() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let update = |status| UserUpdate {
        status: Some(status),
        ..UserUpdate::default()
    };
    for case in [
        "another link",
        "admin's reset",
        "owner's change",
        "log-out everywhere",
        "disabled",
        "disabled and approved",
        "pending",
        "deleted",
    ] {
        let email = format!("{}@example.org", case.replace([' ', '\''], "-"));
        let jane = server.add(&email, false, Approved).await;
        let token = reset_token(&server, &admin, jane.id).await;
        let own = server.token(&jane);
        match case {
            "another link" => {
                let other = reset_token(&server, &admin, jane.id).await;
                assert_eq!(reset_by_token(&server, &other, NEW).await.status, 200);
            }
            "admin's reset" => assert_eq!(server.reset(&admin, jane.id, NEW).await.status, 200),
            "owner's change" => {
                let changed = server.send(changing(&own, PASSWORD, NEW)).await;
                assert_eq!(changed.status, 204);
            }
            "log-out everywhere" => {
                let ended = server.send(by(&own, bare("POST", "/logout-all"))).await;
                assert_eq!(ended.status, 204);
            }
            "deleted" => assert_eq!(server.delete(&admin, jane.id).await.status, 204),
            "pending" => drop(server.change(jane.id, update(Pending)).await),
            _ => drop(server.change(jane.id, update(Disabled)).await),
        }
        if case.ends_with("approved") {
            server.change(jane.id, update(Approved)).await;
        }
        assert_invalid(&reset_by_token(&server, &token, "another staple").await);
        if case == "deleted" {
            // The address belongs to another account now.
            let new = server.add(&email, false, Approved).await;
            assert_invalid(&reset_by_token(&server, &token, "another staple").await);
            assert_eq!(server.stored(new.id).await.hashed_password, hash().await);
        }
    }
}

#[tokio::test]
async fn link_of_a_former_admin_is_invalid() {
    let server = client::server();
    let (_, root) = server.admin().await;
    let (jane, _) = server.jane().await;
    for (name, update) in [
        ("demoted", Some(json!({"is_admin": false}))),
        ("disabled", Some(json!({"status": "disabled"}))),
        ("deleted", None),
    ] {
        let email = format!("{name}@example.org");
        let admin = server.add(&email, true, Approved).await;
        let own = server.token(&admin);
        let token = reset_token(&server, &own, jane.id).await;
        let changed = match update {
            Some(update) => server.put(&root, admin.id, update).await,
            None => server.delete(&root, admin.id).await,
        };
        assert!(changed.status.is_success(), "{name}");
        assert_invalid(&reset_by_token(&server, &token, NEW).await);
    }
    assert_eq!(server.login(JANE, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn links_are_created_by_admins_for_approved_accounts() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, own) = server.jane().await;
    let path = format!("/users/{}/password-reset-token", jane.id);
    assert_eq!(server.send(bare("POST", &path)).await.status, 401);
    assert_eq!(create(&server, &own, jane.id).await.status, 403);
    assert_eq!(create(&server, &admin, 99).await.status, 404);
    let text = by(&admin, bare("POST", "/users/x/password-reset-token"));
    assert_eq!(server.send(text).await.status, 422);
    for status in [Pending, Disabled] {
        let email = format!("{}@example.org", status.as_str());
        let user = server.add(&email, false, status).await;
        let answer = create(&server, &admin, user.id).await;
        assert_eq!(answer.status, 409);
        assert_eq!(answer.json()["code"], "account_not_approved");
    }
}

#[tokio::test]
async fn rejected_password_does_not_use_up_the_token() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let server = mounted(server, accounts.password_policy(CommonPasswords), None);
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    for rejected in ["password123", JANE, "short"] {
        let answer = reset_by_token(&server, &token, rejected).await;
        assert_eq!(answer.status, 422, "{rejected}");
        assert_eq!(
            answer.json()["detail"][0]["loc"],
            json!(["body", "password"])
        );
    }
    // Without a valid token nothing is told about the address of an account.
    assert_invalid(&reset_by_token(&server, &"A".repeat(43), JANE).await);
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_uses_set_one_password() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    let uses = (0..8).map(|number| {
        let (server, token) = (server.clone(), token.clone());
        tokio::spawn(async move {
            let password = format!("{NEW} {number}");
            let answer = reset_by_token(&server, &token, &password).await;
            (answer, password)
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
    assert_eq!(server.stored(jane.id).await.token_generation, 1);
}

/// The account is changed after the token was used up.
#[tokio::test]
async fn change_that_is_faster_than_a_link_wins() {
    let store = Arc::new(Staged::new().await);
    let server = client::over(Arc::clone(&store), InMemorySessionStore::new());
    let (root, admin) = server.admin().await;
    let boss = server.add("boss@example.org", true, Approved).await;
    let (jane, _) = server.jane().await;
    for case in ["reset", "creator demoted"] {
        let token = reset_token(&server, &admin, jane.id).await;
        store.pause(Pause::BeforeEndTokens);
        let use_it = tokio::spawn({
            let (server, token) = (server.clone(), token.clone());
            async move { reset_by_token(&server, &token, NEW).await }
        });
        store.arrival().await;
        if case == "reset" {
            let hash = "the admin's".to_owned();
            let reset = server.act(
                jane.id,
                UserAction::ResetPassword {
                    hash,
                    must_change: false,
                },
            );
            reset.await.unwrap();
        } else {
            let update = UserUpdate {
                is_admin: Some(false),
                ..UserUpdate::default()
            };
            server.change(root.id, update).await;
        }
        store.go_on();
        assert_invalid(&use_it.await.unwrap());
        assert_eq!(server.stored(jane.id).await.hashed_password, "the admin's");
    }
    assert!(server.stored(boss.id).await.is_active_admin());
}

#[tokio::test]
async fn browser_of_another_account_changes_only_that_of_the_link() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    server.add("paul@example.org", false, Approved).await;
    let cookie = log_in_by_cookie(&server, "paul@example.org").await;
    let token = reset_token(&server, &admin, jane.id).await;
    let body = json!({"token": token, "password": NEW});
    let request = with_cookie(&cookie, json_to("POST", "/reset-password", &body));
    let answer = server.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(status_with(&server, &cookie).await, 200);
    assert_eq!(server.login("paul@example.org", PASSWORD).await.status, 200);
    assert_eq!(server.login(JANE, NEW).await.status, 200);
}

#[tokio::test]
async fn account_has_a_few_valid_links_at_most() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let mut tokens = Vec::new();
    for _ in 0..9 {
        tokens.push(reset_token(&server, &admin, jane.id).await);
        server.clock.advance(SECOND);
    }
    assert_invalid(&reset_by_token(&server, &tokens[0], NEW).await);
    assert_eq!(reset_by_token(&server, &tokens[1], NEW).await.status, 200);
}

#[tokio::test]
async fn log_has_neither_token_nor_password() {
    let log = Trace::record();
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    for status in [200, 400] {
        let answer = reset_by_token(&server, &token, "hunter2hunter2").await;
        assert_eq!(answer.status, status);
        assert!(!answer.body.contains(&token));
    }
    let text = log.text();
    assert!(!text.is_empty());
    assert!(
        !text.contains(&token) && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test]
async fn link_stays_valid_if_the_store_fails() {
    let store = Arc::new(Staged::new().await);
    let server = client::over(Arc::clone(&store), InMemorySessionStore::new());
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    store.fails(&["revoke_tokens"]);
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 503);
    store.fails(&[]);
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
    assert_invalid(&reset_by_token(&server, &token, "another staple").await);
}

/// Store that deletes no token that was used.
struct Undeleted(InMemoryOneTimeTokenStore);

#[async_trait]
impl OneTimeTokenStore for Undeleted {
    async fn add(&self, token: OneTimeToken, most: u32) -> Result<(), StoreError> {
        self.0.add(token, most).await
    }

    async fn find(
        &self,
        digest: &[u8; 32],
        purpose: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.0.find(digest, purpose).await
    }

    async fn take(
        &self,
        _: &[u8; 32],
        _: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        Err(StoreError::unavailable("db.internal is away"))
    }
}

#[tokio::test]
async fn used_link_is_invalid_even_if_its_row_stays() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let tokens = OneTimeTokens::new(Undeleted(InMemoryOneTimeTokenStore::new()));
    let server = mounted(server, accounts.one_time_tokens(tokens), None);
    let (_, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = reset_token(&server, &admin, jane.id).await;
    assert_eq!(reset_by_token(&server, &token, NEW).await.status, 200);
    assert_invalid(&reset_by_token(&server, &token, "another staple").await);
    assert_eq!(server.login(JANE, NEW).await.status, 200);
}

struct NoTokens;

#[async_trait]
impl OneTimeTokenStore for NoTokens {
    async fn add(&self, _: OneTimeToken, _: u32) -> Result<(), StoreError> {
        Err(StoreError::unavailable("db.internal is away"))
    }

    async fn find(
        &self,
        _: &[u8; 32],
        _: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        Err(StoreError::unavailable("db.internal is away"))
    }

    async fn take(
        &self,
        _: &[u8; 32],
        _: TokenPurpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        Err(StoreError::unavailable("db.internal is away"))
    }
}

#[tokio::test]
async fn failing_token_store_is_503() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let accounts = accounts.one_time_tokens(OneTimeTokens::new(NoTokens));
    let server = mounted(server, accounts, None);
    let (root, admin) = server.admin().await;
    for answer in [
        create(&server, &admin, root.id).await,
        reset_by_token(&server, &"A".repeat(43), NEW).await,
    ] {
        assert_eq!(answer.status, 503);
        assert!(!answer.body.contains("db.internal"));
    }
}

#[tokio::test]
async fn links_without_a_token_store_are_an_error_of_the_server() {
    let server = Server::over(InMemoryAccountStore::new());
    let (root, _) = server.admin().await;
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let error = accounts.create_password_reset_token(root.id, &root).await;
    assert!(error.unwrap_err().to_string().contains("one_time_tokens"));
    // A store that is used by several nodes.
    let store = InMemoryOneTimeTokenStore::new();
    let [one, other] = [(); 2].map(|()| {
        let tokens =
            OneTimeTokens::new(store.clone()).lifetime(TokenPurpose::RESET_PASSWORD, MINUTE);
        mounted(
            server.clone(),
            accounts.clone().one_time_tokens(tokens),
            None,
        )
    });
    let admin = server.token(&root);
    let created = create(&one, &admin, root.id).await.json();
    assert_eq!(created["expires_in"], 60);
    let token = created["token"].as_str().unwrap();
    assert_eq!(reset_by_token(&other, token, NEW).await.status, 200);
    assert_invalid(&reset_by_token(&one, token, NEW).await);
}
