//! Changes between two steps of a request.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use serde_json::json;
use tokio::task::JoinHandle;
use tower_warder_accounts::{UserAction, UserUpdate};

use super::super::server::{Disabled, PASSWORD, Server, bare, by, login};
use super::super::staged::{self, Staged};
use super::client::{
    Tokens, assert_invalid_grant, changing, jane, log_in, logging_out, over, refresh, refreshing,
    renewed,
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

    /// Sends a request that stops at this call of the session store.
    async fn until(&self, pause: Pause, request: Request<Body>) -> JoinHandle<Answer> {
        self.sessions.pause(pause);
        let answer = self.begin(request);
        self.sessions.arrival().await;
        answer
    }

    /// Sends a request that stops at this call of the account store.
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
async fn logout_overrides_a_refresh_in_progress() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        let out = stage.server.send(logging_out(&stage.tokens.refresh)).await;
        assert_eq!(out.status, 204);
        assert_invalid_grant(&stage.ended(answer).await);
    }
}

#[tokio::test]
async fn refresh_during_a_reset_yields_invalid_tokens() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate, Pause::AfterRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        stage.reset().await;
        let answer = stage.ended(answer).await;
        if pause == Pause::AfterFind {
            assert_invalid_grant(&answer);
            continue;
        }
        let revoked = Tokens::of(&answer);
        assert_eq!(
            stage.server.me(&revoked.access).await.status,
            401,
            "{pause:?}"
        );
        assert_invalid_grant(&refresh(&stage.server, &revoked.refresh).await);
    }
}

#[tokio::test]
async fn refresh_during_disabling_yields_invalid_tokens() {
    for pause in [Pause::AfterFind, Pause::BeforeRotate, Pause::AfterRotate] {
        let stage = Stage::new().await;
        let answer = stage.until(pause, refreshing(&stage.tokens.refresh)).await;
        stage.disable().await;
        let answer = stage.ended(answer).await;
        if pause == Pause::AfterFind {
            assert_invalid_grant(&answer);
            continue;
        }
        let revoked = Tokens::of(&answer);
        assert_eq!(stage.server.me(&revoked.access).await.status, 401);
        assert_invalid_grant(&refresh(&stage.server, &revoked.refresh).await);
    }
}

#[tokio::test]
async fn login_during_a_reset_yields_an_ended_session() {
    let stage = Stage::new().await;
    let answer = stage
        .until(Pause::BeforeOpen, login("jane@example.org", PASSWORD))
        .await;
    stage.reset().await;
    let revoked = Tokens::of(&stage.ended(answer).await);
    assert_eq!(stage.server.me(&revoked.access).await.status, 401);
    assert_invalid_grant(&refresh(&stage.server, &revoked.refresh).await);
}

#[tokio::test]
async fn login_during_logout_all_keeps_its_session() {
    let stage = Stage::new().await;
    let request = by(&stage.tokens.access, bare("POST", "/logout-all"));
    let answer = stage.until(Pause::BeforeEndBefore, request).await;
    let new = log_in(&stage.server, "jane@example.org").await;
    assert_eq!(stage.ended(answer).await.status, 204);
    renewed(&stage.server, &new.refresh).await;
    assert_invalid_grant(&refresh(&stage.server, &stage.tokens.refresh).await);
}

#[tokio::test]
async fn reset_overrides_a_password_change_in_progress() {
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
    assert_invalid_grant(&refresh(&stage.server, &stage.tokens.refresh).await);
}

#[tokio::test]
async fn reset_after_a_password_change_ends_the_kept_session() {
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
        assert_invalid_grant(&refresh(&stage.server, &stage.tokens.refresh).await);
    }
}

#[tokio::test]
async fn user_disabled_or_logged_out_meanwhile_changes_no_password() {
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
async fn user_disabled_meanwhile_cannot_log_out_everywhere() {
    let stage = Stage::new().await;
    let request = by(&stage.tokens.access, bare("POST", "/logout-all"));
    let answer = stage
        .until_users(staged::Pause::BeforeEndTokens, request)
        .await;
    stage.disable().await;
    assert_eq!(stage.ended(answer).await.status, 401);
}

#[tokio::test]
async fn refresh_during_a_password_change_keeps_the_session() {
    let stage = Stage::new().await;
    let request = changing(&stage.tokens.access, PASSWORD, NEW);
    let answer = stage.until(Pause::BeforeEndBefore, request).await;
    // The account has the new generation, its session does not yet.
    assert_invalid_grant(&refresh(&stage.server, &stage.tokens.refresh).await);
    assert_eq!(stage.ended(answer).await.status, 200);
    renewed(&stage.server, &stage.tokens.refresh).await;
}

#[tokio::test]
async fn rehash_does_not_undo_a_password_change() {
    let stage = Stage::new().await;
    let request = changing(&stage.tokens.access, PASSWORD, NEW);
    let answer = stage
        .until_users(staged::Pause::BeforeEndTokens, request)
        .await;
    let old = stage.server.stored(2).await.hashed_password;
    let rehash = UserAction::Rehash {
        old,
        new: "$argon2id$renewed".to_owned(),
    };
    stage.server.act(2, rehash).await.unwrap();
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
