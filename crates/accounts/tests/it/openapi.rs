//! The OpenAPI document as a part of that of an application.

use serde_json::{Value, json};
use tower_warder::openapi::{AuthErrorResponses, SecuritySchemes};
use tower_warder_accounts::openapi::AccountsApi;
use utoipa::{Modify, OpenApi};

#[allow(dead_code)]
#[utoipa::path(
    get,
    path = "/orders",
    responses((status = 200, description = "The orders."), AuthErrorResponses),
    security(("bearer" = []))
)]
async fn orders() {}

#[allow(dead_code)]
#[utoipa::path(get, path = "/health", responses((status = 200, description = "Well.")))]
async fn health() {}

#[derive(OpenApi)]
#[openapi(
    paths(orders, health),
    nest((path = "/api/auth", api = AccountsApi)),
    modifiers(&SECURITY),
    security(("bearer" = [])),
)]
struct Api;

const SECURITY: SecuritySchemes<'_> = SecuritySchemes::new()
    .bearer()
    .password_flow("/api/auth/login")
    .cookie("__Host-app");

fn document() -> Value {
    serde_json::to_value(Api::openapi()).unwrap()
}

#[test]
fn account_paths_are_nested_in_the_document() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut paths = document["paths"].as_object().unwrap().keys();
    assert!(paths.all(|path| path.starts_with("/api/auth/") || path.len() == 7));
    assert_eq!(document["paths"].as_object().unwrap().len(), 9);
}

#[test]
fn security_schemes_are_alternatives_on_guarded_routes() {
    let document = document();
    let all = json!([{"bearer": []}, {"password": []}, {"cookie": []}]);
    assert_eq!(document["security"], all);
    for (path, method, expected) in [
        ("/orders", "get", &all),
        ("/api/auth/me", "get", &all),
        ("/api/auth/users/{id}", "put", &all),
        ("/api/auth/users/{id}", "delete", &all),
        ("/api/auth/login", "post", &json!([])),
        // Inherits the security of the document.
        ("/health", "get", &Value::Null),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["security"], *expected, "{path}");
    }
    assert_eq!(
        document["components"]["securitySchemes"],
        json!({
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "password": {"type": "oauth2", "flows": {
                "password": {"tokenUrl": "/api/auth/login", "scopes": {}},
            }},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-app"},
        })
    );
}

#[test]
fn unaccepted_scheme_is_not_described() {
    let mut document = AccountsApi::openapi();
    SecuritySchemes::new().cookie("app").modify(&mut document);
    let document = serde_json::to_value(document).unwrap();
    let schemes = document["components"]["securitySchemes"].as_object();
    assert_eq!(schemes.unwrap().keys().collect::<Vec<_>>(), ["cookie"]);
    assert!(!document.to_string().contains(r#"{"bearer":[]}"#));
}

#[test]
fn empty_schemes_leave_the_document_unchanged() {
    let mut document = AccountsApi::openapi();
    SecuritySchemes::new().modify(&mut document);
    assert!(document == AccountsApi::openapi());
}

#[test]
fn guarded_operation_lists_the_auth_errors() {
    let responses = &document()["paths"]["/orders"]["get"]["responses"];
    for (status, detail, code) in [
        (
            "400",
            "Exactly one credential is accepted",
            "invalid_request",
        ),
        ("401", "Not authenticated", "not_authenticated"),
        ("401", "Could not validate credentials", "invalid_token"),
        (
            "401",
            "A more recent log-in is required",
            "insufficient_user_authentication",
        ),
        ("403", "Account pending approval", "account_pending"),
        ("403", "Account disabled", "account_disabled"),
        ("403", "Forbidden", "forbidden"),
        (
            "503",
            "Authentication is temporarily unavailable",
            "unavailable",
        ),
    ] {
        let content = &responses[status]["content"]["application/problem+json"];
        assert_eq!(content["examples"][detail]["value"]["code"], code);
        assert_eq!(content["schema"]["type"], "object");
    }
    assert!(responses["401"]["headers"]["www-authenticate"].is_object());
    assert!(responses["503"]["headers"]["retry-after"].is_object());
    assert!(responses["200"].is_object());
}
