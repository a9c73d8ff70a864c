//! Admins who are disabled or demoted while their request is processed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_warder::AuthError;
use tower_warder::error::AuthErrorKind;
use tower_warder_accounts::{User, UserQuery, UserUpdate};

use super::server::{Approved, Disabled, PASSWORD, Server, bare, body, by, json_to};
use super::staged::{Pause, Staged};
use crate::support::Answer;

/// Checks for the response of the guard.
fn assert_rejected(answer: &Answer, kind: AuthErrorKind, case: &str) {
    let expected = AuthError::new(kind);
    let detail = match kind {
        AuthErrorKind::Forbidden => "Admin access required",
        _ => expected.detail(),
    };
    assert_eq!(answer.status, expected.status(), "{case}: {}", answer.body);
    assert_eq!(answer.detail(), detail, "{case}");
    assert_eq!(answer.json()["code"], expected.code(), "{case}");
    assert_eq!(
        answer.headers.get("www-authenticate"),
        expected.challenge().as_ref(),
        "{case}"
    );
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(error.kind(), kind, "{case}");
}

async fn disable(server: &Server, user: &User) -> Vec<User> {
    let update = UserUpdate {
        status: Some(Disabled),
        ..UserUpdate::default()
    };
    server.change(user.id, update).await;
    server.store.list(&UserQuery::default()).await.unwrap()
}

/// A request with a delayed body: a receiver that fires when the body is read, and the sender that
/// releases it.
fn with_delayed_body(
    method: &str,
    path: &str,
    value: &Value,
) -> (Request<Body>, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (waits, waiting) = oneshot::channel();
    let (send, sent) = oneshot::channel();
    let bytes = Bytes::from(value.to_string());
    let chunks = stream::once(async move {
        waits.send(()).unwrap();
        sent.await.unwrap();
        Ok::<_, Infallible>(bytes)
    });
    let request = body(
        method,
        path,
        "application/json",
        Body::from_stream(chunks.boxed()),
    );
    (request, waiting, send)
}

#[tokio::test]
async fn admin_disabled_during_the_request_body_changes_nothing() {
    let server = Server::new().await;
    let (root, _) = server.admin().await;
    for (number, (method, path, value)) in [
        (
            "POST",
            "/users/1/reset-password",
            json!({"password": PASSWORD}),
        ),
        ("PUT", "/users/1", json!({"email": "mine@example.org"})),
        ("PUT", "/users/1", json!({"is_admin": false})),
        // Does not reveal which accounts exist.
        (
            "POST",
            "/users/99/reset-password",
            json!({"password": PASSWORD}),
        ),
        ("PUT", "/users/99", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        let case = format!("{method} {path} {value}");
        let email = format!("former{number}@example.org");
        let former = server.add(&email, true, Approved).await;
        let (request, waiting, send) = with_delayed_body(method, path, &value);
        let request = by(&server.token(&former), request);
        let answer = tokio::spawn({
            let server = server.clone();
            async move { server.send(request).await }
        });
        waiting.await.unwrap();
        let before = disable(&server, &former).await;
        send.send(()).unwrap();
        assert_rejected(&answer.await.unwrap(), AuthErrorKind::InvalidToken, &case);
        let after = server.store.list(&UserQuery::default()).await.unwrap();
        assert_eq!(after, before, "{case}");
    }
    assert_eq!(server.stored(1).await, root);
}

#[tokio::test]
async fn admin_disabled_before_the_store_call_changes_nothing() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    let (root, _) = server.admin().await;
    let password = json!({"password": PASSWORD});
    for (number, (pause, request)) in [
        (Pause::BeforeDelete, bare("DELETE", "/users/1")),
        (Pause::BeforeDelete, bare("DELETE", "/users/99")),
        (
            Pause::BeforeUpdate,
            json_to("PUT", "/users/1", &json!({"status": "disabled"})),
        ),
        (
            Pause::BeforeResetPassword,
            json_to("POST", "/users/1/reset-password", &password),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let case = format!("{} {}", request.method(), request.uri());
        let email = format!("former{number}@example.org");
        let former = server.add(&email, true, Approved).await;
        let request = by(&server.token(&former), request);
        store.pause(pause);
        let answer = tokio::spawn({
            let server = server.clone();
            async move { server.send(request).await }
        });
        store.arrival().await;
        let before = disable(&server, &former).await;
        store.go_on();
        assert_rejected(&answer.await.unwrap(), AuthErrorKind::InvalidToken, &case);
        let after = server.store.list(&UserQuery::default()).await.unwrap();
        assert_eq!(after, before, "{case}");
    }
    assert_eq!(server.stored(1).await, root);
}

#[tokio::test]
async fn admin_demoted_during_the_request_body_gets_403() {
    let server = Server::new().await;
    let (root, _) = server.admin().await;
    let former = server.add("former@example.org", true, Approved).await;
    let (request, waiting, send) =
        with_delayed_body("PUT", "/users/1", &json!({"is_admin": false}));
    let request = by(&server.token(&former), request);
    let answer = tokio::spawn({
        let server = server.clone();
        async move { server.send(request).await }
    });
    waiting.await.unwrap();
    let demotion = UserUpdate {
        is_admin: Some(false),
        ..UserUpdate::default()
    };
    server.change(former.id, demotion).await;
    send.send(()).unwrap();
    assert_rejected(&answer.await.unwrap(), AuthErrorKind::Forbidden, "demotion");
    assert_eq!(server.stored(1).await, root);
}
