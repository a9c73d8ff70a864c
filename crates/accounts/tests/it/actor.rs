//! Admins who are none any more when their request comes to its end.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_warder::AuthError;
use tower_warder::error::AuthErrorKind;
use tower_warder_accounts::{Page, User, UserUpdate};

use super::server::{Approved, Disabled, PASSWORD, Server, bare, body, by, json_to};
use super::staged::{Pause, Staged};
use crate::support::Answer;

/// What the door would have said.
fn check(answer: &Answer, kind: AuthErrorKind, asked: &str) {
    let expected = AuthError::new(kind);
    let detail = match kind {
        AuthErrorKind::Forbidden => "Admin access required",
        _ => expected.detail(),
    };
    assert_eq!(answer.status, expected.status(), "{asked}: {}", answer.body);
    assert_eq!(answer.detail(), detail, "{asked}");
    assert_eq!(answer.json()["code"], expected.code(), "{asked}");
    assert_eq!(
        answer.headers.get("www-authenticate"),
        expected.challenge().as_ref(),
        "{asked}"
    );
    let error = answer.extensions.get::<AuthError>().unwrap();
    assert_eq!(error.kind(), kind, "{asked}");
}

async fn disable(server: &Server, user: &User) -> Vec<User> {
    let update = UserUpdate {
        status: Some(Disabled),
        ..UserUpdate::default()
    };
    server.change(user.id, update).await;
    server.store.list(Page::default()).await.unwrap()
}

/// A request whose body comes when it is sent, and a sign that somebody waits for it.
fn withheld(
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
async fn admin_disabled_while_the_body_arrives_changes_nothing() {
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
        // Nobody learns any more who is there.
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
        let asked = format!("{method} {path} {value}");
        let email = format!("former{number}@example.org");
        let former = server.add(&email, true, Approved).await;
        let (request, waiting, send) = withheld(method, path, &value);
        let request = by(&server.token(&former), request);
        let answer = tokio::spawn({
            let server = server.clone();
            async move { server.send(request).await }
        });
        waiting.await.unwrap();
        let before = disable(&server, &former).await;
        send.send(()).unwrap();
        check(&answer.await.unwrap(), AuthErrorKind::InvalidToken, &asked);
        let after = server.store.list(Page::default()).await.unwrap();
        assert_eq!(after, before, "{asked}");
    }
    assert_eq!(server.stored(1).await, root);
}

#[tokio::test]
async fn admin_disabled_just_before_the_store_decides_changes_nothing() {
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
        let asked = format!("{} {}", request.method(), request.uri());
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
        check(&answer.await.unwrap(), AuthErrorKind::InvalidToken, &asked);
        let after = server.store.list(Page::default()).await.unwrap();
        assert_eq!(after, before, "{asked}");
    }
    assert_eq!(server.stored(1).await, root);
}

#[tokio::test]
async fn admin_demoted_while_the_body_arrives_is_no_admin() {
    let server = Server::new().await;
    let (root, _) = server.admin().await;
    let former = server.add("former@example.org", true, Approved).await;
    let (request, waiting, send) = withheld("PUT", "/users/1", &json!({"is_admin": false}));
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
    check(&answer.await.unwrap(), AuthErrorKind::Forbidden, "demotion");
    assert_eq!(server.stored(1).await, root);
}
