//! What comes between two steps of a request.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use serde_json::json;
use tokio::task::JoinHandle;
use tower_warder_accounts::UserUpdate;

use super::super::server::{Disabled, PASSWORD, Server, bare, by, login};
use super::super::staged::{self, Staged};
use super::client::{
    Tokens, assert_refused, changing, jane, log_in, logging_out, over, refresh, refreshing, renewed,
};
use super::staged::{Pause, StagedSessions};
use crate::support::{Answer, Place};

const NEW: &str = "another password";

struct Stage {
    server: Server,
    users: Arc<Staged>,
    sessions: Arc<StagedSessions>,
    tokens: Tokens,
}

impl Stage {
    /// With an admin, whose id is 1, and Jane, whose id is 2.
    async fn new() -> Self {
        let users = Arc::new(Staged::over(Place::memory()).await);
        let sessions = Arc::new(StagedSessions::new());
        let server = over(Arc::clone(&users), Arc::clone(&sessions));
        server.admin().await;
        let tokens = jane(&server).await;
        Self {
            server,
            users,
            sessions,
            tokens,
        }
    }

    fn begin(&self, request: Request<Body>) -> JoinHandle<Answer> {
        let server = self.server.clone();
        tokio::spawn(async move { server.send(request).await })
    }

    /// Sends a request as far as this point.
    async fn until(&self, pause: Pause, request: Request<Body>) -> JoinHandle<Answer> {
        self.sessions.pause(pause);
        let answer = self.begin(request);
        self.sessions.arrival().await;
        answer
    }

    async fn until_users(
        &self,
        pause: staged::Pause,
        request: Request<Body>,
    ) -> JoinHandle<Answer> {
        self.users.pause(pause);
        let answer = self.begin(request);
        self.users.arrival().await;
        answer
    }

    async fn ended(&self, answer: JoinHandle<Answer>) -> Answer {
        self.sessions.go_on();
        self.users.go_on();
        answer.await.unwrap()
    }

    async fn reset(&self) {
        let root = self.server.token(&self.server.stored(1).await);
        assert_eq!(self.server.reset(&root, 2, NEW).await.status, 200);
    }

    async fn disable(&self) {
        let update = UserUpdate {
            status: Some(Disabled),
            ..UserUpdate::default()
        };
        self.server.change(2, update).await;
    }
}

#[tokio::test]
async fn log_out_beats_a_refresh_that_has_begun() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        let out = stage.server.send(logging_out(&stage.tokens.refresh)).await;
        assert_eq!(out.status, 204);
        assert_refused(&stage.ended(answer).await);
    }
}

#[tokio::test]
async fn refresh_that_overlaps_a_reset_gives_nothing_that_lives() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate, Pause::AfterRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        stage.reset().await;
        let answer = stage.ended(answer).await;
        if pause == Pause::AfterFind {
            assert_refused(&answer);
            continue;
        }
        let dead = Tokens::of(&answer);
        assert_eq!(stage.server.me(&dead.access).await.status, 401, "{pause:?}");
        assert_refused(&refresh(&stage.server, &dead.refresh).await);
    }
}

#[tokio::test]
async fn refresh_that_overlaps_a_disabling_opens_no_door() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate, Pause::AfterRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        stage.disable().await;
        let answer = stage.ended(answer).await;
        if pause == Pause::AfterFind {
            assert_refused(&answer);
            continue;
        }
        let shut_out = Tokens::of(&answer);
        assert_eq!(stage.server.me(&shut_out.access).await.status, 401);
        assert_refused(&refresh(&stage.server, &shut_out.refresh).await);
    }
}

#[tokio::test]
async fn log_in_that_overlaps_a_reset_opens_a_session_that_is_over() {
    let stage = Stage::new().await;
    let answer = stage
        .until(Pause::BeforeOpen, login("jane@example.org", PASSWORD))
        .await;
    stage.reset().await;
    let dead = Tokens::of(&stage.ended(answer).await);
    assert_eq!(stage.server.me(&dead.access).await.status, 401);
    assert_refused(&refresh(&stage.server, &dead.refresh).await);
}

#[tokio::test]
async fn log_in_after_the_tokens_ended_is_not_ended_with_them() {
    let stage = Stage::new().await;
    let request = by(&stage.tokens.access, bare("POST", "/logout-all"));
    let answer = stage.until(Pause::BeforeEndBefore, request).await;
    let new = log_in(&stage.server, "jane@example.org").await;
    assert_eq!(stage.ended(answer).await.status, 204);
    renewed(&stage.server, &new.refresh).await;
    assert_refused(&refresh(&stage.server, &stage.tokens.refresh).await);
}

#[tokio::test]
async fn reset_beats_a_change_that_has_begun() {
    let stage = Stage::new().await;
    let request = changing(&stage.tokens.access, PASSWORD, "yet another one");
    let answer = stage
        .until_users(staged::Pause::BeforeEndTokens, request)
        .await;
    stage.reset().await;
    let answer = stage.ended(answer).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (401, INVALID)
    );
    assert_eq!(
        stage.server.login("jane@example.org", NEW).await.status,
        200
    );
    assert_refused(&refresh(&stage.server, &stage.tokens.refresh).await);
}

#[tokio::test]
async fn reset_after_a_change_ends_the_session_that_was_kept() {
    for before in [true, false] {
        let stage = Stage::new().await;
        let request = changing(&stage.tokens.access, PASSWORD, "yet another one");
        let answer = match before {
            true => stage.until(Pause::BeforeEndBefore, request).await,
            false => stage.until(Pause::AfterFind, request).await,
        };
        stage.reset().await;
        let answer = stage.ended(answer).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let access = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(stage.server.me(&access).await.status, 401);
        assert_refused(&refresh(&stage.server, &stage.tokens.refresh).await);
    }
}

#[tokio::test]
async fn who_is_disabled_or_logged_out_meanwhile_changes_no_password() {
    for disabled in [true, false] {
        let stage = Stage::new().await;
        let request = changing(&stage.tokens.access, PASSWORD, NEW);
        let answer = stage
            .until_users(staged::Pause::BeforeEndTokens, request)
            .await;
        if disabled {
            stage.disable().await;
        } else {
            let all = by(&stage.tokens.access, bare("POST", "/logout-all"));
            assert_eq!(stage.server.send(all).await.status, 204);
        }
        let before = stage.server.stored(2).await;
        let answer = stage.ended(answer).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (401, INVALID)
        );
        assert_eq!(stage.server.stored(2).await, before);
    }
}

#[tokio::test]
async fn who_is_disabled_meanwhile_logs_nobody_out() {
    let stage = Stage::new().await;
    let request = by(&stage.tokens.access, bare("POST", "/logout-all"));
    let answer = stage
        .until_users(staged::Pause::BeforeEndTokens, request)
        .await;
    stage.disable().await;
    assert_eq!(stage.ended(answer).await.status, 401);
}

#[tokio::test]
async fn refresh_of_the_kept_session_amid_a_change_does_not_end_it() {
    let stage = Stage::new().await;
    let request = changing(&stage.tokens.access, PASSWORD, NEW);
    let answer = stage.until(Pause::BeforeEndBefore, request).await;
    // The account is ahead of its session for a moment.
    assert_refused(&refresh(&stage.server, &stage.tokens.refresh).await);
    assert_eq!(stage.ended(answer).await.status, 200);
    renewed(&stage.server, &stage.tokens.refresh).await;
}

#[tokio::test]
async fn rehash_at_a_log_in_does_not_undo_a_change() {
    let stage = Stage::new().await;
    let request = changing(&stage.tokens.access, PASSWORD, NEW);
    let answer = stage
        .until_users(staged::Pause::BeforeEndTokens, request)
        .await;
    let old = stage.server.stored(2).await.hashed_password;
    let replaced = stage
        .server
        .store
        .update_hash_if(2, &old, "$argon2id$renewed");
    assert!(replaced.await.unwrap());
    assert_eq!(stage.ended(answer).await.status, 200);
    assert_eq!(
        stage.server.login("jane@example.org", NEW).await.status,
        200
    );
    assert_eq!(
        json!(stage.server.stored(2).await.token_generation),
        json!(1)
    );
}

const INVALID: &str = "Could not validate credentials";
