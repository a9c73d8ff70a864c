//! Display name, deletion and export of an account by its owner.

use std::sync::Arc;

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use serde_json::{Value, json};
use tower_warder_accounts::{
    InMemoryAccountStore, InMemoryAuditStore, InMemorySessionStore, UserAction, UserUpdate,
};

use super::audit_store::stored_in;
use super::cookie::browser::{from, with_cookie};
use super::password_reset::{reset_by_token, reset_token};
use super::server::{Approved, Disabled, PASSWORD, Server, bare, body, by, json_to};
use super::sessions::client::{self, log_in, log_in_by_cookie, refresh, sessions, status_with};
use super::staged::{Pause, Staged};
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";

fn confirmed(path: &str, password: &str) -> Request<Body> {
    json_to("POST", path, &json!({"password": password}))
}

async fn delete(server: &Server, token: &str, password: &str) -> Answer {
    server
        .send(by(token, confirmed("/me/delete", password)))
        .await
}

async fn export(server: &Server, token: &str, password: &str) -> Answer {
    server
        .send(by(token, confirmed("/me/export", password)))
        .await
}

fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn owner_deletes_the_account() {
    let server = client::server();
    let (_, admin) = server.admin().await;
    let (jane, other_token) = server.jane().await;
    let link = reset_token(&server, &admin, jane.id).await;
    let tokens = log_in(&server, JANE).await;
    let cookie = log_in_by_cookie(&server, JANE).await;

    let answer = delete(&server, &tokens.access, PASSWORD).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(server.store.find(jane.id).await.unwrap(), None);
    for token in [&tokens.access, &other_token] {
        assert_eq!(server.me(token).await.status, 401);
    }
    assert_eq!(refresh(&server, &tokens.refresh).await.status, 401);
    assert_eq!(status_with(&server, &cookie).await, 401);
    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    let used = reset_by_token(&server, &link, "battery staple").await;
    assert_eq!(used.status, 400);
    assert_eq!(delete(&server, &tokens.access, PASSWORD).await.status, 401);
    // The address is free; nothing of the old account belongs to the new one.
    let new = server.add(JANE, false, Approved).await;
    assert_ne!(new.id, jane.id);
    assert_eq!(server.me(&tokens.access).await.status, 401);
    assert_eq!(status_with(&server, &cookie).await, 401);
}

#[tokio::test]
async fn deletion_by_cookie_clears_it() {
    let server = client::server();
    server.admin().await;
    let (jane, _) = server.jane().await;
    let cookie = log_in_by_cookie(&server, JANE).await;
    // Neither a page of another site nor the cookie alone.
    let request = from("cross-site", confirmed("/me/delete", PASSWORD));
    let answer = server.send(with_cookie(&cookie, request)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["code"], "cross_origin");
    let form = body(
        "POST",
        "/me/delete",
        "text/plain",
        r#"{"password": "correct horse"}"#,
    );
    assert_eq!(server.send(with_cookie(&cookie, form)).await.status, 415);
    for sent in [json!({}), json!({"password": null}), json!({"password": 1})] {
        let request = json_to("POST", "/me/delete", &sent);
        assert_eq!(server.send(with_cookie(&cookie, request)).await.status, 422);
    }
    assert_eq!(server.stored(jane.id).await, jane);

    let request = with_cookie(&cookie, confirmed("/me/delete", PASSWORD));
    let answer = server.send(request).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let cleared = answer.header("set-cookie").unwrap();
    assert!(
        cleared.starts_with("__Host-id=;") && cleared.contains("Max-Age=0"),
        "{cleared}"
    );
    assert_eq!(status_with(&server, &cookie).await, 401);
}

#[tokio::test]
async fn wrong_password_neither_deletes_nor_exports() {
    let server = client::server();
    server.admin().await;
    let (jane, token) = server.jane().await;
    for password in ["wrong horse", "", &"x".repeat(5000), "CORRECT HORSE"] {
        for path in ["/me/delete", "/me/export"] {
            let answer = server.send(by(&token, confirmed(path, password))).await;
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(answer.json()["code"], "wrong_password");
            assert!(!answer.body.contains(JANE));
        }
    }
    for path in ["/me/delete", "/me/export"] {
        assert_eq!(server.send(confirmed(path, PASSWORD)).await.status, 401);
        assert_eq!(server.send(by(&token, bare("GET", path))).await.status, 405);
    }
    assert_eq!(server.stored(jane.id).await, jane);
}

#[tokio::test]
async fn guesses_are_limited_with_those_of_a_password_change() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = client::accounts_of(
        &server,
        tower_warder_accounts::Sessions::new(InMemorySessionStore::new()),
    );
    let throttle = tower_warder_accounts::throttle::Throttle::new();
    let server = client::mounted(server, accounts.throttle(throttle), None);
    server.admin().await;
    let (jane, token) = server.jane().await;
    let mut refused = 0;
    for number in 0..17 {
        let request = match number % 3 {
            0 => confirmed("/me/delete", "wrong horse"),
            1 => confirmed("/me/export", "wrong horse"),
            _ => {
                let change =
                    json!({"current_password": "wrong horse", "new_password": "staple 12"});
                json_to("POST", "/password", &change)
            }
        };
        let answer = server.send(by(&token, request)).await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 2);
    // Also with the right one.
    assert_eq!(delete(&server, &token, PASSWORD).await.status, 429);
    assert_eq!(server.stored(jane.id).await, jane);
}

#[tokio::test]
async fn last_admin_cannot_delete_the_own_account() {
    let server = client::server();
    let (root, token) = server.admin().await;
    server.add("disabled@example.org", true, Disabled).await;
    let answer = delete(&server, &token, PASSWORD).await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["code"], "last_admin");
    assert_eq!(server.stored(root.id).await, root);
    assert_eq!(server.me(&token).await.status, 200);
    server.add("boss@example.org", true, Approved).await;
    assert_eq!(delete(&server, &token, PASSWORD).await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_deletions_leave_one_admin() {
    let server = client::server();
    let mut tokens = Vec::new();
    for number in 0..6 {
        let email = format!("admin{number}@example.org");
        let admin = server.add(&email, true, Approved).await;
        tokens.push(server.token(&admin));
    }
    let deletions = tokens.into_iter().map(|token| {
        let server = server.clone();
        tokio::spawn(async move { delete(&server, &token, PASSWORD).await.status.as_u16() })
    });
    let mut statuses: Vec<_> = join_all(deletions)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 204, 204, 204, 204, 409]);
}

/// The password was verified, and then the account or its role changes.
#[tokio::test]
async fn change_that_is_faster_than_a_deletion_wins() {
    let store = Arc::new(Staged::new().await);
    let server = client::over(Arc::clone(&store), InMemorySessionStore::new());
    let boss = server.add("boss@example.org", true, Approved).await;
    for (case, status) in [("reset", 401), ("disabled", 401), ("last admin", 409)] {
        let email = format!("{}@example.org", case.replace(' ', "-"));
        let owner = server.add(&email, false, Approved).await;
        let token = server.token(&owner);
        store.pause(Pause::BeforeDelete);
        let deletion = tokio::spawn({
            let (server, token) = (server.clone(), token.clone());
            async move { delete(&server, &token, PASSWORD).await }
        });
        store.arrival().await;
        let update = |is_admin, status| UserUpdate {
            is_admin: Some(is_admin),
            status: Some(status),
            ..UserUpdate::default()
        };
        match case {
            "reset" => {
                let reset = UserAction::ResetPassword {
                    hash: "another".to_owned(),
                    must_change: false,
                };
                server.act(owner.id, reset).await.unwrap();
            }
            "disabled" => drop(server.change(owner.id, update(false, Disabled)).await),
            _ => {
                // Promoted, and the other admin steps down.
                server.change(owner.id, update(true, Approved)).await;
                server.change(boss.id, update(false, Approved)).await;
            }
        }
        store.go_on();
        assert_eq!(deletion.await.unwrap().status, status, "{case}");
        assert_eq!(server.stored(owner.id).await.id, owner.id, "{case}");
    }
}

#[tokio::test]
async fn export_has_what_is_stored_and_no_secret() {
    let (server, writer) = stored_in(InMemoryAuditStore::new());
    let (root, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    let paul = server.add("paul@example.org", false, Approved).await;
    let tokens = log_in(&server, JANE).await;
    log_in(&server, "paul@example.org").await;
    server.login(JANE, "wrong horse").await;
    let update = json!({"is_admin": false});
    assert_eq!(server.put(&admin, jane.id, update).await.status, 200);
    writer.flush().await;

    let answer = export(&server, &tokens.access, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"account.json\"")
    );
    let exported = answer.json();
    assert_eq!(members(&exported), ["account", "events", "sessions"]);
    assert_eq!(exported["account"], server.me(&token).await.json());
    let listed = sessions(&server, &tokens.access).await;
    assert_eq!(exported["sessions"], json!(listed));
    assert_eq!(exported["sessions"][0]["is_current"], true);
    let events = exported["events"].as_array().unwrap();
    let mut kinds: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "account_demoted",
            "login_failed",
            "login_succeeded",
            "session_opened"
        ]
    );
    assert!(events.iter().all(|event| event["account"] == jane.id));
    let by_admin = events
        .iter()
        .find(|event| event["actor"].as_str() == Some(&*root.id.to_string()));
    assert_eq!(by_admin.unwrap()["address"], Value::Null);
    for secret in [
        "argon2",
        &jane.hashed_password,
        &tokens.refresh,
        &tokens.access,
        "paul",
    ] {
        assert!(!answer.body.contains(secret), "{secret}");
    }
    assert_eq!(server.stored(paul.id).await, paul);
    // The export itself is an event.
    writer.flush().await;
    let again = export(&server, &tokens.access, PASSWORD).await.json();
    assert_eq!(again["events"][0]["event"], "data_exported");
    assert_eq!(again["events"][0]["actor"], jane.id.to_string());
}

#[tokio::test]
async fn export_without_sessions_and_events_has_the_account() {
    let server = client::server();
    let (_, token) = server.jane().await;
    let exported = export(&server, &token, PASSWORD).await.json();
    assert_eq!(members(&exported), ["account", "sessions"]);
    assert_eq!(exported["sessions"], json!([]));
}

#[tokio::test]
async fn log_has_no_password_of_an_owner() {
    let log = Trace::record();
    let server = client::server();
    server.admin().await;
    let (_, token) = server.jane().await;
    assert_eq!(export(&server, &token, "hunter2hunter2").await.status, 403);
    assert_eq!(delete(&server, &token, "hunter2hunter2").await.status, 403);
    assert_eq!(export(&server, &token, PASSWORD).await.status, 200);
    assert_eq!(delete(&server, &token, PASSWORD).await.status, 204);
    let text = log.text();
    assert!(text.contains("account_deleted") && text.contains("data_exported"));
    assert!(
        !text.contains("hunter2") && !text.contains(PASSWORD),
        "{text}"
    );
}

async fn name(server: &Server, token: &str, name: Value) -> Answer {
    let request = json_to("PUT", "/me/display-name", &json!({"display_name": name}));
    server.send(by(token, request)).await
}

#[tokio::test]
async fn owner_sets_and_removes_the_display_name() {
    let server = client::cached();
    let (_, admin) = server.admin().await;
    let (jane, token) = server.jane().await;
    assert_eq!(server.me(&token).await.json().get("display_name"), None);
    for (sent, kept) in [
        (json!(" Zoe\u{308} "), Some("Zo\u{eb}")),
        (
            json!("<img src=x onerror=alert(1)>"),
            Some("<img src=x onerror=alert(1)>"),
        ),
        (Value::Null, None),
        (json!("Jane"), Some("Jane")),
    ] {
        let answer = name(&server, &token, sent).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let me = server.me(&token).await.json();
        assert_eq!(answer.json(), me);
        assert_eq!(me.get("display_name").and_then(Value::as_str), kept);
        let listed = server.send(by(&admin, bare("GET", "/users"))).await.json();
        assert!(listed.as_array().unwrap().contains(&me));
    }
    // Only the name changes, and only that of the caller.
    let stored = server.stored(jane.id).await;
    let renamed = tower_warder_accounts::User {
        display_name: Some("Jane".to_owned()),
        ..jane
    };
    assert_eq!(stored, renamed);
    let request = json_to("PUT", "/me/display-name", &json!({"display_name": "Eve"}));
    assert_eq!(server.send(request).await.status, 401);
    server
        .change(
            stored.id,
            UserUpdate {
                status: Some(Disabled),
                ..UserUpdate::default()
            },
        )
        .await;
    assert_eq!(name(&server, &token, json!("Eve")).await.status, 401);
    assert_eq!(
        server.stored(stored.id).await.display_name.as_deref(),
        Some("Jane")
    );
}

#[tokio::test]
async fn invalid_display_name_is_rejected() {
    let server = client::server();
    let (jane, token) = server.jane().await;
    for (sent, kind) in [
        (json!({}), "missing"),
        (json!({"display_name": 7}), "string_type"),
        (json!({"display_name": ["Jane"]}), "string_type"),
        (json!({"display_name": ""}), "string_too_short"),
        (json!({"display_name": "\u{200b} "}), "string_too_short"),
        (json!({"display_name": "x".repeat(65)}), "string_too_long"),
        (json!({"display_name": "Jane\0"}), "value_error"),
        (
            json!({"display_name": "Jane\r\nSet-Cookie: a=b"}),
            "value_error",
        ),
        (json!({"display_name": "\u{202e}nimda"}), "value_error"),
    ] {
        let answer = server
            .send(by(&token, json_to("PUT", "/me/display-name", &sent)))
            .await;
        assert_eq!(answer.status, 422, "{sent}");
        assert_eq!(answer.json()["detail"][0]["type"], kind, "{sent}");
    }
    let long = json!({"display_name": "x".repeat(10_000_000)});
    let answer = server
        .send(by(&token, json_to("PUT", "/me/display-name", &long)))
        .await;
    assert_eq!(answer.status, 413);
    assert_eq!(server.stored(jane.id).await, jane);
}

#[tokio::test]
async fn unchanged_display_name_is_no_event() {
    let log = Trace::record();
    let server = client::server();
    let (_, token) = server.jane().await;
    for (sent, count) in [
        (Value::Null, 0),
        (json!("Jane"), 1),
        (json!(" Jane "), 1),
        (Value::Null, 2),
        (Value::Null, 2),
    ] {
        let answer = name(&server, &token, sent).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), server.me(&token).await.json());
        assert_eq!(log.lines("display_name_changed").len(), count);
    }
}

#[tokio::test]
async fn changes_of_the_display_name_are_limited() {
    let server = Server::over(InMemoryAccountStore::new());
    let accounts = client::accounts_of(
        &server,
        tower_warder_accounts::Sessions::new(InMemorySessionStore::new()),
    );
    let throttle = tower_warder_accounts::throttle::Throttle::new();
    let server = client::mounted(server, accounts.throttle(throttle), None);
    let (_, token) = server.jane().await;
    let paul = server.add("paul@example.org", false, Approved).await;
    for number in 0..15 {
        let answer = name(&server, &token, json!(format!("Jane {number}"))).await;
        assert_eq!(answer.status, 200);
    }
    let answer = name(&server, &token, json!("Jane")).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("12"));
    // What changes nothing is not counted, and others are not affected.
    let unchanged = name(&server, &token, json!("Jane 14")).await;
    assert_eq!(unchanged.status, 200);
    let other = name(&server, &server.token(&paul), json!("Paul")).await;
    assert_eq!(other.status, 200);
    assert_eq!(export(&server, &token, PASSWORD).await.status, 200);
    server.clock.advance(std::time::Duration::from_secs(12));
    let answer = name(&server, &token, json!("Jane")).await;
    assert_eq!(answer.status, 200);
}
