//! What a store that cannot answer does to a client.

use std::sync::Arc;

use axum::Router;
use tower_warder::{AuthLayer, testing};
use tower_warder_accounts::{self as accounts, InMemoryAccountStore};

use super::super::server::{PASSWORD, Server, bare, by, login};
use super::super::staged::Staged;
use super::client::{
    GRACE, assert_refused, changing, jane, logging_out, over, refresh, refreshing, renewed,
};
use super::staged::StagedSessions;
use crate::support::{OUTAGE, Place, Trace, send};

/// In the form that ids have.
const NOBODYS: &str = "/sessions/AAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn store_that_fails_is_503_logged_once_and_spends_nothing() {
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
        (false, "end", by(access, bare("DELETE", NOBODYS))),
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
        let asked = format!("{method} of {} {}", request.method(), request.uri());
        match of_users {
            true => users.fails(&[method]),
            false => sessions.fails(&[method]),
        }
        let log = Trace::record();
        let answer = server.send(request).await;
        assert_eq!(answer.status, 503, "{asked}: {}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("1"), "{asked}");
        assert!(!answer.body.contains("db.internal"), "{asked}");
        // At ERROR once a minute for all routes, else at DEBUG.
        assert_eq!(log.lines(OUTAGE).len(), 1, "{asked}: {}", log.text());
        users.fails(&[]);
        sessions.fails(&[]);
    }
    renewed(&server, token).await;
}

#[tokio::test]
async fn spent_token_is_not_good_while_its_session_cannot_be_ended() {
    let sessions = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
    let first = jane(&server).await;
    let second = renewed(&server, &first.refresh).await;
    server.clock.advance(GRACE);
    sessions.fails(&["end"]);
    assert_eq!(refresh(&server, &first.refresh).await.status, 503);
    sessions.fails(&[]);
    assert_refused(&refresh(&server, &first.refresh).await);
    assert_refused(&refresh(&server, &second.refresh).await);
}

#[tokio::test]
async fn tokens_end_although_the_sessions_cannot_be_removed() {
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
        assert_refused(&refresh(&server, &tokens.refresh).await);
    }
}

#[tokio::test]
async fn routes_of_accounts_without_sessions_say_what_is_missing() {
    let server = Server::over(InMemoryAccountStore::new());
    let (_, token) = server.jane().await;
    let accounts =
        tower_warder_accounts::Accounts::new(Arc::clone(&server.store), testing::issuer());
    let verifier = testing::verifier().clock(server.clock.clock());
    let app = Router::new()
        .nest("/api/auth", accounts::session_routes(accounts.clone()))
        .layer(AuthLayer::new(verifier, accounts));
    for request in [
        refreshing("x"),
        logging_out("x"),
        by(&token, bare("GET", "/sessions")),
        by(&token, bare("DELETE", NOBODYS)),
    ] {
        let log = Trace::record();
        let answer = send(&app, request).await;
        assert_eq!(answer.status, 500, "{}", answer.body);
        assert_eq!(answer.json()["code"], "misconfigured");
        assert!(!answer.body.contains("sessions(") && log.text().contains("Sessions::new(store)"));
    }
    // These do without.
    let changed = changing(&token, "wrong", "another password");
    assert_eq!(send(&app, changed).await.status, 403);
    let all = by(&token, bare("POST", "/logout-all"));
    assert_eq!(send(&app, all).await.status, 204);
    assert_eq!(server.me(&token).await.status, 401);
}
