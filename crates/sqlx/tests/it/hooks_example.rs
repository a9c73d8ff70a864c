//! The example `hooks`, without a port.

use axum::body::Body;
use http::{Request, header};
use tower_warder::HmacSecret;
use tower_warder_sqlx::SqliteStore;
use tower_warder_test_support::{Answer, get_with, send};

#[allow(dead_code)]
#[path = "../../examples/hooks.rs"]
mod example;

#[tokio::test]
async fn plan_is_added_with_the_account_and_is_in_its_token() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    sqlx::query(example::PLANS)
        .execute(store.pool())
        .await
        .unwrap();
    let app = example::app(store.clone(), &HmacSecret::generate());
    let register = async |email: &str| -> Answer {
        let body = format!(r#"{{"email": "{email}", "password": "correct horse"}}"#);
        let request = Request::post("/api/auth/register")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        send(&app, request).await
    };
    let rejected = register("eve@example.org").await;
    assert_eq!(rejected.status, 403, "{}", rejected.body);
    assert_eq!(rejected.json()["code"], "operation_vetoed");
    assert_eq!(register("ada@example.com").await.status, 201);

    let login = Request::post("/api/auth/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(
            "username=ada@example.com&password=correct+horse",
        ))
        .unwrap();
    let token = send(&app, login).await.json()["access_token"].clone();
    let answer = send(&app, get_with("/plan", token.as_str().unwrap())).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "free"));

    // Without its table no account is added.
    sqlx::query("DROP TABLE plans")
        .execute(store.pool())
        .await
        .unwrap();
    assert_eq!(register("bob@example.com").await.status, 503);
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(count, 1);
}
