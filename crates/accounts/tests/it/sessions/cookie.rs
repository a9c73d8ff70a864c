//! Sessions of cookies: opening, use, expiry, list.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tower_warder_accounts::{InMemoryAccountStore, InMemorySessionStore, SessionStore, Sessions};

use super::super::cookie::browser::{form_to, token_in, with_cookie};
use super::super::server::{PASSWORD, bare, by, json_to};
use super::client::{
    DAY, MINUTE, SECOND, cached_over, jane, log_in_by_cookie, over, renewed, server, sessions,
    sessions_with, status_with, with,
};
use super::staged::StagedSessions;
use crate::support::{Place, Trace};

#[tokio::test]
async fn cookie_log_in_opens_a_listed_session() {
    let server = server();
    let tokens = jane(&server).await;
    server.clock.advance(MINUTE);
    let mut request = form_to("/cookie/login", "jane@example.org", PASSWORD);
    request
        .headers_mut()
        .insert("user-agent", "Desk".parse().unwrap());
    let answer = server.send(request).await;
    assert!(!answer.body.contains("token"), "{}", answer.body);
    let cookie = token_in(&answer);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("; Max-Age=2592000; "), "{set}");

    let mut listed = sessions_with(&server, &cookie).await;
    assert_ne!(listed[0]["id"].take(), listed[1]["id"].take());
    let shown = |kind: &str, device: &str, minute: &str, current: bool| {
        json!({
            "id": null,
            "kind": kind,
            "device": device,
            "created_at": format!("2026-01-01T00:{minute}:00Z"),
            "last_used_at": format!("2026-01-01T00:{minute}:00Z"),
            "expires_at": "2026-01-08T01:00:00Z",
            "is_current": current,
        })
    };
    assert_eq!(
        listed,
        [
            shown("cookie", "Desk", "01", true),
            shown("refresh_token", "", "00", false),
        ]
    );
    let listed = sessions(&server, &tokens.access).await;
    let current = listed.iter().find(|it| it["is_current"] == true).unwrap();
    assert_eq!(current["kind"], "refresh_token");
}

#[tokio::test]
async fn request_with_a_cookie_looks_its_session_up_once() {
    let store = Arc::new(StagedSessions::new());
    for server in [
        over(InMemoryAccountStore::new(), Arc::clone(&store)),
        cached_over(Arc::clone(&store)),
    ] {
        let (_, bearer) = server.jane().await;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        assert_eq!(store.calls(), ["open"]);
        let by_cookie = |request| with_cookie(&cookie, request);
        let body = json!({"email": "new@example.org", "password": PASSWORD});
        for (request, calls) in [
            (by_cookie(bare("GET", "/me")), &["find"][..]),
            (by_cookie(bare("GET", "/me")), &["find"]),
            // A guard and the claims.
            (by_cookie(bare("GET", "/sessions")), &["find", "list"]),
            (by(&cookie, bare("GET", "/me")), &["find"]),
            // Public routes, other tokens, and a token that is not valid.
            (by_cookie(json_to("POST", "/register", &body)), &[]),
            (by_cookie(bare("GET", "/nothing")), &[]),
            (by(&bearer, bare("GET", "/me")), &[]),
            (with_cookie(&bearer, bare("GET", "/me")), &[]),
            (with_cookie(&format!("{cookie}A"), bare("GET", "/me")), &[]),
            (bare("GET", "/me"), &[]),
        ] {
            let asked = format!("{request:?}");
            server.send(request).await;
            assert_eq!(store.calls(), calls, "{asked}");
        }
        let tokens = server.login("jane@example.org", PASSWORD).await.json();
        store.calls();
        server.me(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(store.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn use_is_recorded_once_in_five_minutes() {
    let store = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&store));
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    store.calls();
    for (later, calls) in [
        (5 * MINUTE - SECOND, &["find"][..]),
        (SECOND, &["find", "rotate"]),
        (Duration::ZERO, &["find"]),
        (5 * MINUTE - SECOND, &["find"]),
        (MINUTE, &["find", "rotate"]),
    ] {
        server.clock.advance(later);
        assert_eq!(status_with(&server, &cookie).await, 200);
        assert_eq!(store.calls(), calls, "{later:?}");
    }
    // An idle lifetime that is shorter than that is kept, too.
    let short = Sessions::new(Arc::clone(&store)).idle_lifetime(10 * SECOND);
    let server = with(InMemoryAccountStore::new(), short);
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    for _ in 0..5 {
        server.clock.advance(9 * SECOND);
        assert_eq!(status_with(&server, &cookie).await, 200);
    }
    server.clock.advance(10 * SECOND);
    assert_eq!(status_with(&server, &cookie).await, 401);
}

#[tokio::test]
async fn unused_session_expires_and_a_used_one_reaches_its_end() {
    let server = server();
    server.jane().await;
    let unused = log_in_by_cookie(&server, "jane@example.org").await;
    let used = log_in_by_cookie(&server, "jane@example.org").await;
    for day in 1..=30 {
        server.clock.advance(DAY - SECOND);
        assert_eq!(status_with(&server, &used).await, 200, "{day}");
        let listed = sessions_with(&server, &used).await;
        assert_eq!(listed.len(), if day > 7 { 1 } else { 2 }, "{day}");
        server.clock.advance(SECOND);
        if day >= 7 {
            assert_eq!(status_with(&server, &unused).await, 401, "{day}");
        }
    }
    assert_eq!(status_with(&server, &used).await, 401);
}

#[tokio::test]
async fn lifetime_of_cookies_does_not_change_refresh_tokens() {
    let hour = Sessions::new(InMemorySessionStore::new()).cookie_lifetime(60 * MINUTE);
    let server = with(InMemoryAccountStore::new(), hour);
    let tokens = jane(&server).await;
    let answer = form_to("/cookie/login", "jane@example.org", PASSWORD);
    let answer = server.send(answer).await;
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("; Max-Age=3600; "), "{set}");
    let cookie = token_in(&answer);
    server.clock.advance(60 * MINUTE - SECOND);
    assert_eq!(status_with(&server, &cookie).await, 200);
    server.clock.advance(SECOND);
    assert_eq!(status_with(&server, &cookie).await, 401);
    renewed(&server, &tokens.refresh).await;
}

#[tokio::test]
async fn shorter_lifetime_ends_sessions_that_are_open() {
    let store = InMemorySessionStore::new();
    let server = over(InMemoryAccountStore::new(), store.clone());
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    let shorter = Sessions::new(store).cookie_lifetime(60 * MINUTE);
    let shorter = super::client::node_with(&server, shorter);
    server.clock.advance(60 * MINUTE - SECOND);
    assert_eq!(status_with(&shorter, &cookie).await, 200);
    server.clock.advance(SECOND);
    assert_eq!(status_with(&shorter, &cookie).await, 401);
}

#[tokio::test]
async fn log_in_without_refresh_tokens_opens_no_session() {
    let sessions = Sessions::new(InMemorySessionStore::new()).refresh_tokens(false);
    let server = with(InMemoryAccountStore::new(), sessions);
    server.jane().await;
    let answer = server.login("jane@example.org", PASSWORD).await.json();
    assert_eq!(answer["expires_in"], 604_800);
    assert_eq!(answer.get("refresh_token"), None);
    let bearer = answer["access_token"].as_str().unwrap();
    assert_eq!(super::client::sessions(&server, bearer).await.len(), 0);
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    assert_eq!(sessions_with(&server, &cookie).await.len(), 1);
}

#[tokio::test]
async fn store_that_fails_is_503_and_leaves_the_cookie() {
    let store = Arc::new(StagedSessions::new());
    for server in [
        over(InMemoryAccountStore::new(), Arc::clone(&store)),
        cached_over(Arc::clone(&store)),
    ] {
        server.jane().await;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        let log_in = || form_to("/cookie/login", "jane@example.org", PASSWORD);
        for (method, request) in [
            ("find", with_cookie(&cookie, bare("GET", "/me"))),
            ("open", log_in()),
            ("find", with_cookie(&cookie, log_in())),
            ("end", with_cookie(&cookie, log_in())),
            ("find", with_cookie(&cookie, bare("POST", "/cookie/logout"))),
            ("end", with_cookie(&cookie, bare("POST", "/cookie/logout"))),
            (
                "list",
                with_cookie(&cookie, bare("POST", "/sessions/end-others")),
            ),
        ] {
            let asked = format!("{method} of {} {}", request.method(), request.uri());
            store.fails(&[method]);
            let answer = server.send(request).await;
            store.fails(&[]);
            assert_eq!(answer.status, 503, "{asked}: {}", answer.body);
            assert_eq!(answer.header("set-cookie"), None, "{asked}");
            assert!(!answer.body.contains("db.internal"), "{asked}");
        }
        assert_eq!(status_with(&server, &cookie).await, 200);
    }
}

#[tokio::test]
async fn use_that_cannot_be_recorded_is_logged_and_tried_again() {
    let store = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&store));
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    server.clock.advance(5 * MINUTE);
    store.fails(&["rotate"]);
    let log = Trace::record();
    for _ in 0..3 {
        assert_eq!(status_with(&server, &cookie).await, 200);
    }
    // Once a minute at ERROR.
    let lines = log.lines("was not recorded");
    let errors = lines.iter().filter(|line| line.contains("ERROR"));
    assert_eq!((lines.len(), errors.count()), (3, 1), "{lines:?}");
    store.fails(&[]);
    store.calls();
    assert_eq!(status_with(&server, &cookie).await, 200);
    assert_eq!(store.calls(), ["find", "rotate"]);
}

#[tokio::test]
async fn each_database_keeps_the_session_of_a_cookie() {
    let postgres = Place::postgres().await;
    for place in postgres.into_iter().chain([Place::sqlite()]) {
        let store = place.open().await;
        let server = over(Arc::clone(&store), Arc::clone(&store));
        let jane = server.jane().await.0;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        let other = log_in_by_cookie(&server, "jane@example.org").await;
        server.clock.advance(7 * DAY - SECOND);
        assert_eq!(status_with(&server, &cookie).await, 200);
        // Another task records the use.
        let used = server.clock.now();
        let recorded = async || {
            let rows = SessionStore::list(&*store, jane.id).await.unwrap();
            rows.iter().any(|row| row.last_used_at == used)
        };
        tokio::time::timeout(Duration::from_secs(10), async {
            while !recorded().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        server.clock.advance(SECOND);
        assert_eq!(status_with(&server, &cookie).await, 200);
        assert_eq!(status_with(&server, &other).await, 401);
        let listed = sessions_with(&server, &cookie).await;
        assert_eq!((listed.len(), &listed[0]["kind"]), (1, &json!("cookie")));
        let log_out = with_cookie(&cookie, bare("POST", "/cookie/logout"));
        assert_eq!(server.send(log_out).await.status, 204);
        assert_eq!(status_with(&server, &cookie).await, 401);
        assert_eq!(server.me(&server.token(&jane)).await.status, 200);
    }
}

#[tokio::test]
async fn cookie_lives_for_whole_seconds_of_its_lifetime() {
    let sessions = Sessions::new(InMemorySessionStore::new()).cookie_lifetime(60 * MINUTE);
    let server = with(InMemoryAccountStore::new(), sessions);
    let (jane, _) = server.jane().await;
    let log_in = async || {
        let answer = form_to("/cookie/login", "jane@example.org", PASSWORD);
        let answer = server.send(answer).await;
        answer.header("set-cookie").unwrap().to_owned()
    };
    assert!(log_in().await.contains("; Max-Age=3600; "));
    server.clock.advance(Duration::from_millis(300));
    assert!(log_in().await.contains("; Max-Age=3600; "));
    // What is left of it, after a change of the password.
    let cookie = log_in_by_cookie(&server, &jane.email).await;
    server
        .clock
        .advance(10 * MINUTE + Duration::from_millis(300));
    let body = json!({"current_password": PASSWORD, "new_password": "another password"});
    let change = with_cookie(&cookie, json_to("POST", "/password", &body));
    let set = server.send(change).await;
    let set = set.header("set-cookie").unwrap();
    assert!(set.contains("; Max-Age=3000; "), "{set}");
}
