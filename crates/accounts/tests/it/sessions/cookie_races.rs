//! What comes between two steps of a request with a cookie.

use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt;
use futures_util::future::join_all;
use http::Request;
use serde_json::json;
use tokio::task::JoinHandle;
use tower_warder::jwt::{Verification, Verifier};
use tower_warder::{UserLoader, testing};
use tower_warder_accounts::{InMemoryAccountStore, Sessions};

use super::super::cookie::browser::{form_to, token_in, with_cookie};
use super::super::server::{PASSWORD, Server, bare, json_to};
use super::client::{
    MINUTE, accounts_of, background_tasks, log_in_by_cookie, over, sessions_with, status_with,
};
use super::staged::{Pause, StagedSessions};
use crate::support::Answer;

struct Stage {
    server: Server,
    sessions: Arc<StagedSessions>,
    cookie: String,
}

impl Stage {
    async fn new() -> Self {
        let sessions = Arc::new(StagedSessions::new());
        let server = over(InMemoryAccountStore::new(), Arc::clone(&sessions));
        server.jane().await;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        sessions.calls();
        Self {
            server,
            sessions,
            cookie,
        }
    }

    fn by_cookie(&self, request: Request<Body>) -> Request<Body> {
        with_cookie(&self.cookie, request)
    }

    /// Sends a request with the cookie as far as this point.
    async fn until(&self, pause: Pause, request: Request<Body>) -> JoinHandle<Answer> {
        self.sessions.pause(pause);
        let (server, request) = (self.server.clone(), self.by_cookie(request));
        let answer = tokio::spawn(async move { server.send(request).await });
        self.sessions.arrival().await;
        answer
    }

    async fn ended(&self, answer: JoinHandle<Answer>) -> Answer {
        self.sessions.go_on();
        let answer = answer.await.unwrap();
        background_tasks().await;
        answer
    }

    async fn log_out(&self) {
        let log_out = self.by_cookie(bare("POST", "/cookie/logout"));
        assert_eq!(self.server.send(log_out).await.status, 204);
    }
}

#[tokio::test]
async fn use_during_a_log_out_does_not_bring_the_session_back() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate, Pause::AfterRotate] {
        let stage = Stage::new().await;
        stage.server.clock.advance(5 * MINUTE);
        let request = stage.until(pause, bare("GET", "/me")).await;
        stage.log_out().await;
        // It was authorized before the log-out.
        assert_eq!(stage.ended(request).await.status, 200, "{pause:?}");
        let status = status_with(&stage.server, &stage.cookie).await;
        assert_eq!(status, 401, "{pause:?}");
        let other = log_in_by_cookie(&stage.server, "jane@example.org").await;
        assert_eq!(sessions_with(&stage.server, &other).await.len(), 1);
    }
}

#[tokio::test]
async fn concurrent_requests_record_one_use() {
    let stage = Stage::new().await;
    stage.server.clock.advance(6 * MINUTE);
    // It has read the row before the others.
    let request = stage.until(Pause::AfterFind, bare("GET", "/me")).await;
    let all = (0..20).map(|_| status_with(&stage.server, &stage.cookie));
    assert_eq!(join_all(all).await, [200; 20]);
    let calls = stage.sessions.calls();
    assert_eq!(calls.iter().filter(|call| *call == "rotate").count(), 1);
    // Its write finds that the use was recorded, which is no reason to reject it.
    assert_eq!(stage.ended(request).await.status, 200);
    assert_eq!(stage.sessions.calls(), ["rotate"]);
    assert_eq!(status_with(&stage.server, &stage.cookie).await, 200);
    assert_eq!(stage.sessions.calls(), ["find"]);
}

#[tokio::test]
async fn use_during_a_password_change_keeps_the_session() {
    for (pause, status) in [
        // Its token belongs to the generation before.
        (Pause::AfterFind, 401),
        // It was answered before the change, and its use is recorded after it.
        (Pause::BeforeRotate, 200),
    ] {
        let stage = Stage::new().await;
        stage.server.clock.advance(5 * MINUTE);
        let body = json!({"current_password": PASSWORD, "new_password": "another password"});
        let request = stage.until(pause, bare("GET", "/me")).await;
        let change = stage.by_cookie(json_to("POST", "/password", &body));
        let answer = stage.server.send(change).await;
        let renewed = token_in(&answer);
        assert_eq!(stage.ended(request).await.status, status, "{pause:?}");
        assert_eq!(status_with(&stage.server, &renewed).await, 200);
        assert_eq!(status_with(&stage.server, &stage.cookie).await, 401);
    }
}

#[tokio::test]
async fn blocked_write_of_a_use_delays_no_request() {
    let stage = Stage::new().await;
    let other = log_in_by_cookie(&stage.server, "jane@example.org").await;
    stage.server.clock.advance(5 * MINUTE);
    stage.sessions.calls();
    let request = stage.until(Pause::BeforeRotate, bare("GET", "/me")).await;
    assert_eq!(request.await.unwrap().status, 200);
    assert_eq!(stage.sessions.calls(), ["find", "rotate"]);
    // No second write waits beside it, also not for another session.
    for cookie in [&stage.cookie, &other] {
        assert_eq!(status_with(&stage.server, cookie).await, 200);
        assert_eq!(stage.sessions.calls(), ["find"]);
    }
    stage.sessions.go_on();
    background_tasks().await;
    for (cookie, calls) in [
        (&stage.cookie, &["find"][..]),
        (&other, &["find", "rotate"]),
    ] {
        assert_eq!(status_with(&stage.server, cookie).await, 200);
        assert_eq!(stage.sessions.calls(), calls);
    }
}

/// A verifier may be awaited on another executor.
#[test]
fn use_without_a_runtime_is_not_recorded() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(Stage::new());
    stage.server.clock.advance(5 * MINUTE);
    let sessions = Sessions::new(Arc::clone(&stage.sessions));
    let accounts = accounts_of(&stage.server, sessions);
    let verifier = testing::verifier().clock(stage.server.clock.clock());
    let verifier = accounts.wrap_verifier(Arc::new(verifier));
    let verified = async || match verifier.verify(&stage.cookie) {
        Verification::Pending(claims) => claims.await,
        _ => panic!("the session of a cookie is looked up"),
    };
    assert!(verified().now_or_never().unwrap().is_ok());
    assert_eq!(stage.sessions.calls(), ["find"]);
    // The next one on a runtime is.
    stage.sessions.pause(Pause::AfterRotate);
    runtime.block_on(async {
        assert!(verified().await.is_ok());
        stage.sessions.arrival().await;
    });
    assert_eq!(stage.sessions.calls(), ["find", "rotate"]);
}

#[tokio::test]
async fn log_out_during_a_password_change_ends_the_session() {
    let stage = Stage::new().await;
    let body = json!({"current_password": PASSWORD, "new_password": "another password"});
    let change = json_to("POST", "/password", &body);
    let change = stage.until(Pause::BeforeEndBefore, change).await;
    stage.log_out().await;
    let answer = stage.ended(change).await;
    // There is no session to keep.
    assert_eq!(
        (answer.status.as_u16(), answer.header("set-cookie")),
        (204, None)
    );
    assert_eq!(status_with(&stage.server, &stage.cookie).await, 401);
}

#[tokio::test]
async fn two_log_ins_of_one_browser_leave_two_sessions_at_most() {
    let stage = Stage::new().await;
    let log_in = || form_to("/cookie/login", "jane@example.org", PASSWORD);
    let first = stage.until(Pause::BeforeOpen, log_in()).await;
    let second = stage.server.send(stage.by_cookie(log_in())).await;
    let (first, second) = (token_in(&stage.ended(first).await), token_in(&second));
    assert_eq!(status_with(&stage.server, &stage.cookie).await, 401);
    assert_eq!(status_with(&stage.server, &first).await, 200);
    assert_eq!(sessions_with(&stage.server, &second).await.len(), 2);
}

#[tokio::test]
async fn log_out_in_one_tab_ends_the_other() {
    let stage = Stage::new().await;
    let other_tab = stage
        .until(Pause::AfterFind, bare("GET", "/sessions"))
        .await;
    stage.log_out().await;
    assert_eq!(stage.ended(other_tab).await.status, 200);
    assert_eq!(status_with(&stage.server, &stage.cookie).await, 401);
    // Its own log-out is answered as the first one was.
    stage.log_out().await;
}
