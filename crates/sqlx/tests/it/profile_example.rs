//! The example `profile`, without a port.

use axum::body::Body;
use http::{Request, header};
use tower_warder::{HmacSecret, JwtIssuer};
use tower_warder_accounts::{AccountStore, Actor, AdminGrant, UserAction};
use tower_warder_sqlx::SqliteStore;
use tower_warder_test_support::{get_with, send};

use crate::place::{approve, change, new, reset_password};

#[allow(dead_code)]
#[path = "../../examples/profile.rs"]
mod example;

#[tokio::test]
async fn own_user_type_is_loaded_over_the_users_table() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    sqlx::query(example::PROFILE)
        .execute(store.pool())
        .await
        .unwrap();
    let secret = HmacSecret::generate();
    let app = example::app(store.clone(), &secret);

    // The first account is the admin, by the routes of accounts.
    let body = r#"{"email": "ada@example.com", "password": "correct horse"}"#;
    let register = Request::post("/api/auth/register")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    let ada = send(&app, register).await;
    assert_eq!(ada.status, 201, "{}", ada.body);
    let login = Request::post("/api/auth/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(
            "username=ada@example.com&password=correct+horse",
        ))
        .unwrap();
    let token = send(&app, login).await.json()["access_token"].clone();
    let token = token.as_str().unwrap();

    let name = async || send(&app, get_with("/name", token)).await;
    assert_eq!(name().await.body, "");
    let insert = "INSERT INTO profile (user_id, name) VALUES (1, 'Ada Lovelace')";
    sqlx::query(insert).execute(store.pool()).await.unwrap();
    assert_eq!(name().await.body, "Ada Lovelace");
    assert_eq!(
        send(&app, get_with("/api/auth/me", token)).await.status,
        200
    );

    let issuer = JwtIssuer::hs256(&secret);
    for (subject, status) in [("1", 200), ("01", 401), ("+1", 401), ("2", 401), ("x", 401)] {
        let token = issuer.token(subject).issue().unwrap();
        let answer = send(&app, get_with("/name", &token)).await;
        assert_eq!(answer.status, status, "{subject}");
    }

    // The application's rows are deleted with the account, and its token ends.
    store.insert(new("bob", AdminGrant::Never)).await.unwrap();
    store.change(&approve(2, true)).await.unwrap();
    let by_bob = Actor::Admin(2);
    store.change(&reset_password(1, by_bob)).await.unwrap();
    assert_eq!(name().await.status, 401);
    let deletion = change(1, UserAction::Delete, by_bob);
    store.change(&deletion).await.unwrap();
    let profiles: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM profile")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(profiles, 0);
}
