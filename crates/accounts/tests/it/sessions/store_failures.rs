//! Responses while a store fails.

use std::sync::Arc;

use axum::Router;
use tower_warder::{AuthLayer, testing};
use tower_warder_accounts::{self as accounts, InMemoryAccountStore};

use super::super::server::{PASSWORD, Server, bare, by, login};
use super::super::staged::Staged;
use super::client::{
    GRACE, assert_invalid_grant, changing, jane, logging_out, over, refresh, refreshing, renewed,
};
use super::staged::StagedSessions;
use crate::support::{OUTAGE, Place, Trace, send};

/// A well-formed ID of no session.
const UNKNOWN_SESSION: &str = "/sessions/AAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn failing_store_is_503_and_keeps_the_refresh_token() {
    let users = Arc::new(Staged::over(Place::memory()).await);
    let sessions = Arc::new(StagedSessions::new());
    let server = over(Arc::clone(&users), Arc::clone(&sessions));
    let tokens = jane(&server).await;
    let (access, token) = (&tokens.access, &tokens.refresh);
    for (of_users, method, request) in [
        (false, "open", login("jane@example.org", PASSWORD)),
        (false, "find", refreshing(token)),
        (true, "find", refreshing(token)),
        (false, "rotate", refreshing(token)),
        (false, "find", logging_out(token)),
        (false, "end", logging_out(token)),
        (false, "list", by(access, bare("GET", "/sessions"))),
        (false, "end", by(access, bare("DELETE", UNKNOWN_SESSION))),
        (
            true,
            "revoke_tokens",
            by(access, bare("POST", "/logout-all")),
        ),
        (
            true,
            "revoke_tokens",
            changing(access, PASSWORD, "another password"),
        ),
    ] {
        let case = format!("{method} of {} {}", request.method(), request.uri());
        match of_users {
            true => users.fails(&[method]),
            false => sessions.fails(&[method]),
        }
        let log = Trace::record();
        let answer = server.send(request).await;
        assert_eq!(answer.status, 503, "{case}: {}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("1"), "{case}");
        assert!(!answer.body.contains("db.internal"), "{case}");
        // At ERROR at most once a minute for all routes, otherwise at DEBUG.
        assert_eq!(log.lines(OUTAGE).len(), 1, "{case}: {}", log.text());
        users.fails(&[]);
        sessions.fails(&[]);
    }
    renewed(&server, token).await;
}

#[tokio::test]
async fn reused_token_is_503_while_the_store_fails() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(GRACE);
    sessions.fails(&["end"]);
    assert_eq!(refresh(&server, &first.refresh).await.status, 503);
    sessions.fails(&[]);
    assert_invalid_grant(&refresh(&server, &first.refresh).await);
    assert_invalid_grant(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn tokens_are_revoked_if_sessions_cannot_be_removed() {
    for all in [true, false] {
        let sessions = Arc::new(StagedSessions::new());
        let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
        let tokens = jane(&server).await;
        sessions.fails(&["revoke_before"]);
        let log = Trace::record();
        let request = match all {
            true => by(&tokens.access, bare("POST", "/logout-all")),
            false => changing(&tokens.access, PASSWORD, "another password"),
        };
        assert_eq!(server.send(request).await.status, 204);
        assert_eq!(log.lines("were not removed").len(), 1, "{}", log.text());
        assert_eq!(server.me(&tokens.access).await.status, 401);
        assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    }
}

#[tokio::test]
async fn session_routes_without_sessions_are_misconfigured() {
    let server = Server::over(InMemoryAccountStore::new());
    let (_, token) = server.jane().await;
    let accounts =
        tower_warder_accounts::Accounts::new(Arc::clone(&server.store), testing::issuer());
    let verifier = testing::verifier().clock(server.clock.clock());
    let routes = accounts::session_routes(accounts.clone())
        .merge(accounts::refresh_routes(accounts.clone()));
    let app = Router::new()
        .nest("/api/auth", routes)
        .layer(AuthLayer::new(verifier, accounts));
    for request in [
        refreshing("x"),
        logging_out("x"),
        by(&token, bare("GET", "/sessions")),
        by(&token, bare("DELETE", UNKNOWN_SESSION)),
    ] {
        let log = Trace::record();
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 500, "{}", answer.body);
        assert_eq!(answer.json()["code"], "misconfigured");
        assert!(!answer.body.contains("sessions(") && log.text().contains("Sessions::new(store)"));
    }
    // These need no sessions.
    let changed = changing(&token, "wrong", "another password");
    assert_eq!(send(&app, changed).await.status, 403);
    let all = by(&token, bare("POST", "/logout-all"));
    assert_eq!(send(&app, all).await.status, 204);
    assert_eq!(server.me(&token).await.status, 401);
}
