//! Unknown paths, methods and IDs.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use serde_json::json;
use tower_warder::{AuthLayer, testing};
use tower_warder_accounts::{self as accounts, Accounts, InMemoryAccountStore};

use super::server::{FORM, PASSWORD, Server, bare, by, hasher, json_to};
use crate::support::send;

#[tokio::test]
async fn unknown_path_is_404() {
    let server = Server::new().await;
    for path in [
        "",
        "/users/",
        "/users/1/",
        "/users/1/password",
        "/Register",
        "/me/x",
        "//me",
    ] {
        let answer = server.send(bare("GET", path)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.detail(), "Not Found", "{path}");
    }
}

#[tokio::test]
async fn wrong_method_is_405_with_allow() {
    let server = Server::new().await;
    for (method, path, allowed) in [
        ("GET", "/register", "POST"),
        ("OPTIONS", "/login", "POST"),
        ("POST", "/me", "GET,HEAD"),
        ("DELETE", "/users", "GET,HEAD"),
        ("PUT", "/users/pending/count", "GET,HEAD"),
        ("PATCH", "/users/1", "PUT,DELETE"),
        ("GET", "/users/1", "PUT,DELETE"),
        ("BREW", "/users/1/reset-password", "POST"),
    ] {
        let answer = server.send(bare(method, path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn id_has_one_spelling() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    assert_eq!(root.id, 1);
    for (id, status) in [
        ("1", 200),
        ("%31", 200),
        ("0", 404),
        ("-1", 404),
        ("99", 404),
        ("9223372036854775807", 404),
        ("-9223372036854775808", 404),
        ("9223372036854775808", 422),
        ("18446744073709551617", 422),
        ("99999999999999999999999999999999", 422),
        ("+1", 422),
        ("%2B1", 422),
        ("01", 422),
        ("-0", 422),
        ("1.0", 422),
        ("1e0", 422),
        ("0x1", 422),
        ("%201", 422),
        ("1%00", 422),
        ("1%2F", 422),
        ("%FF", 422),
        ("%D9%A1", 422),
        ("%", 422),
        ("none", 422),
        ("pending", 422),
    ] {
        let answer = server
            .send(by(
                &admin,
                json_to("PUT", &format!("/users/{id}"), &json!({})),
            ))
            .await;
        assert_eq!(answer.status, status, "{id}: {}", answer.body);
        if status == 422 {
            let error = json!([{
                "type": "int_parsing",
                "loc": ["path", "id"],
                "msg": "Input should be a valid integer",
            }]);
            assert_eq!(answer.json()["detail"], error, "{id}");
        }
        if status != 200 {
            let answer = server
                .send(by(&admin, bare("DELETE", &format!("/users/{id}"))))
                .await;
            assert_eq!(answer.status, status, "{id}");
            assert_eq!(server.reset(&admin, 99, PASSWORD).await.status, 404);
        }
    }
}

#[tokio::test]
async fn nesting_prefix_can_have_parameters() {
    let accounts = Accounts::new(InMemoryAccountStore::new(), testing::issuer()).hasher(hasher());
    let app = Router::new()
        .nest("/api/{tenant}/auth", accounts::routes(accounts.clone()))
        .layer(AuthLayer::new(testing::verifier(), accounts));
    let register = |email| {
        let body = json!({"email": email, "password": PASSWORD}).to_string();
        let request =
            Request::post("/api/acme/auth/register").header("content-type", "application/json");
        request.body(Body::from(body)).unwrap()
    };
    assert_eq!(send(&app, register("root@example.org")).await.status, 201);
    assert_eq!(send(&app, register("jane@example.org")).await.status, 201);

    let delete = Request::delete("/api/acme/auth/users/2")
        .body(Body::empty())
        .unwrap();
    let answer = send(&app, by(&testing::token("1"), delete)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

#[tokio::test]
async fn responses_of_registration_and_login_are_not_cached() {
    let accounts = Accounts::new(InMemoryAccountStore::new(), testing::issuer()).hasher(hasher());
    // Not nested, beside a route of the application.
    let app = accounts::routes(accounts.clone())
        .route("/health", get(async || "ok"))
        .layer(AuthLayer::new(testing::verifier(), accounts));
    let body = json!({"email": "root@example.org", "password": PASSWORD}).to_string();
    let request = |path, media_type, body| {
        let request = Request::post(path).header("content-type", media_type);
        request.body(Body::from(body)).unwrap()
    };
    let registered = send(&app, request("/register", "application/json", body)).await;
    let form = format!("username=root%40example.org&password={PASSWORD}");
    let token = send(&app, request("/login", FORM, form)).await;
    for (answer, status) in [(registered, 201), (token, 200)] {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let health = send(&app, Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(health.header("cache-control"), None);
}
