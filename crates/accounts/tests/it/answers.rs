//! Responses of each route, and the order of its checks.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower_warder_accounts::UserAction;

use super::server::{
    Approved, Disabled, PASSWORD, Pending, Server, bare, body, by, form, json_to, login,
};

#[tokio::test]
async fn routes_answer_as_in_the_contract() {
    let server = Server::new().await;
    let first = server.register("Jane@Example.org").await;
    assert_eq!(first.status, 201);
    assert_eq!(
        first.json(),
        json!({
            "email": "jane@example.org",
            "id": 1,
            "is_admin": true,
            "status": "approved",
            "created_at": "2026-01-01T00:00:00Z",
        })
    );

    let answer = server.login("jane@example.org", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let mut answer = answer.json();
    let token = answer["access_token"].take().as_str().unwrap().to_owned();
    assert_eq!(
        answer,
        json!({"access_token": null, "token_type": "bearer", "expires_in": 604_800})
    );

    let me = server.me(&token).await;
    assert_eq!((me.status.as_u16(), me.body), (200, first.body.clone()));

    let second = server.register("paul@example.org").await;
    assert_eq!(second.status, 201);
    assert_eq!(second.json()["status"], "pending");
    assert_eq!(second.json()["is_admin"], false);

    let users = server.send(by(&token, bare("GET", "/users"))).await;
    assert_eq!(
        (users.status.as_u16(), users.json()),
        (200, json!([second.json(), first.json()]))
    );

    let count = server
        .send(by(&token, bare("GET", "/users/pending/count")))
        .await;
    assert_eq!(
        (count.status.as_u16(), count.json()),
        (200, json!({"count": 1}))
    );

    let update = json!({"email": "Paula@Example.org", "is_admin": true, "status": "approved"});
    let updated = server.put(&token, 2, update).await;
    assert_eq!(updated.status, 200);
    assert_eq!(
        updated.json(),
        json!({
            "email": "paula@example.org",
            "id": 2,
            "is_admin": true,
            "status": "approved",
            "created_at": "2026-01-01T00:00:00Z",
        })
    );

    let reset = server.reset(&token, 2, "another password").await;
    assert_eq!(reset.status, 200);
    assert_eq!(
        reset.json(),
        json!({"message": "Password reset successfully"})
    );

    assert_eq!(server.delete(&token, 2).await.status, 204);
}

#[tokio::test]
async fn rejections_state_their_reason() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    let (jane, _) = server.jane().await;
    server.add("paul@example.org", false, Pending).await;
    server.add("dora@example.org", false, Disabled).await;

    let root = format!("/users/{}", root.id);
    let jane = format!("/users/{}", jane.id);
    let new = json!({"email": "JANE@example.org", "password": PASSWORD});
    let put = |path: &str, update: Value| by(&admin, json_to("PUT", path, &update));
    let password = json!({"password": PASSWORD});
    for (request, status, detail) in [
        (
            json_to("POST", "/register", &new),
            409,
            "Email already registered",
        ),
        (
            login("jane@example.org", "wrong"),
            401,
            "Incorrect email or password",
        ),
        (
            login("paul@example.org", PASSWORD),
            403,
            "Account pending approval",
        ),
        (login("dora@example.org", PASSWORD), 403, "Account disabled"),
        (
            put(&root, json!({"is_admin": false})),
            400,
            "Cannot remove last admin",
        ),
        (
            put(&root, json!({"status": "disabled"})),
            400,
            "Cannot disable last active admin",
        ),
        (put("/users/99", json!({})), 404, "User not found"),
        (
            put(&root, json!({"email": "Jane@example.org"})),
            409,
            "Email already registered",
        ),
        (
            by(&admin, bare("DELETE", &root)),
            400,
            "Cannot delete last admin",
        ),
        (
            by(&admin, bare("DELETE", "/users/99")),
            404,
            "User not found",
        ),
        (
            by(
                &admin,
                json_to("POST", "/users/99/reset-password", &password),
            ),
            404,
            "User not found",
        ),
        (bare("GET", "/nothing"), 404, "Not Found"),
        (bare("PATCH", &jane), 405, "Method Not Allowed"),
    ] {
        let case = format!("{} {}", request.method(), request.uri());
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{case}: {}", answer.body);
        assert_eq!(answer.detail(), detail, "{case}");
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge, "{case}");
    }
}

/// Requests to guarded routes with invalid path and body, so that only authorization decides.
fn guarded() -> Vec<Request<Body>> {
    vec![
        bare("GET", "/me"),
        bare("GET", "/users?limit=many"),
        bare("GET", "/users/pending/count"),
        body("PUT", "/users/none", "text/plain", "{"),
        bare("DELETE", "/users/none"),
        body("POST", "/users/none/reset-password", "text/plain", "{"),
    ]
}

#[tokio::test]
async fn authorization_is_checked_before_the_input() {
    let server = Server::new().await;
    let (_, jane) = server.jane().await;
    let pending = server.add("paul@example.org", true, Pending).await;
    let disabled = server.add("dora@example.org", true, Disabled).await;

    for request in guarded() {
        let case = request.uri().to_string();
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (401, "Not authenticated")
        );
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer"),
            "{case}"
        );
    }
    for token in ["abc", &server.token(&pending), &server.token(&disabled)] {
        for request in guarded() {
            let answer = server.send(by(token, request)).await;
            assert_eq!(answer.status, 401, "{}", answer.body);
            assert_eq!(answer.detail(), "Could not validate credentials");
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Bearer")
            );
        }
    }
    for request in guarded().into_iter().skip(1) {
        let answer = server.send(by(&jane, request)).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert_eq!(answer.detail(), "Admin access required");
    }
}

#[tokio::test]
async fn path_is_checked_before_body_and_body_before_account() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    for (path, media_type, text, status) in [
        ("/users/none".to_owned(), "text/plain", "{", 422),
        ("/users/99".to_owned(), "text/plain", "{", 415),
        ("/users/99".to_owned(), "application/json", "{", 422),
        (
            "/users/99".to_owned(),
            "application/json",
            r#"{"status": 1}"#,
            422,
        ),
        // 404 comes before the rules for admins, and these before the check of the address.
        (
            "/users/99".to_owned(),
            "application/json",
            r#"{"is_admin": false}"#,
            404,
        ),
        (
            format!("/users/{}", root.id),
            "application/json",
            r#"{"is_admin": false, "email": "jane@example.org"}"#,
            400,
        ),
    ] {
        server.add("jane@example.org", false, Approved).await;
        let answer = server
            .send(by(&admin, body("PUT", &path, media_type, text)))
            .await;
        assert_eq!(answer.status, status, "{path} {text}: {}", answer.body);
        let jane = server.store.list(&Default::default()).await.unwrap()[0].id;
        server.act(jane, UserAction::Delete).await.unwrap();
    }
}

#[tokio::test]
async fn public_routes_ignore_credentials() {
    let server = Server::new().await;
    let new = json!({"email": "jane@example.org", "password": PASSWORD});
    let registered = server
        .send(by("junk", json_to("POST", "/register", &new)))
        .await;
    assert_eq!(registered.status, 201);
    let answer = server
        .send(by("junk", login("jane@example.org", PASSWORD)))
        .await;
    assert_eq!(answer.status, 200);
    let answer = server
        .send(by("junk", form("username=jane@example.org")))
        .await;
    assert_eq!(answer.status, 422);
}
