//! The example `api_keys`, without a port.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up fails"
)]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::json;
use sqlx::SqlitePool;
use tower_warder::testing;

use tower_warder_test_support::{Answer, Log, get_with, send};

#[allow(dead_code)]
#[path = "../src/main.rs"]
mod example;

#[tokio::test]
async fn keys_and_tokens_pass_the_same_guards() {
    let (app, pool) = app().await;
    let all = json!({"scope": "orders:read orders:write"});
    let token = testing::issuer().token("ada").claims(&all).issue().unwrap();
    assert_eq!(send(&app, get_with("/orders", &token)).await.status, 200);
    assert_eq!(send(&app, post(&token)).await.status, 201);

    let reads = key(&pool, "ada", "orders:read").await;
    let answer = send(&app, get_with("/orders", &reads)).await;
    assert_eq!(answer.body, "The orders of ada\n");
    let rejected = send(&app, post(&reads)).await;
    assert_eq!(rejected.status, 403);
    let challenge = rejected.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test]
async fn key_identifies_only_its_owner() {
    let (app, pool) = app().await;
    let [ada, bob] = [
        key(&pool, "ada", "orders:read").await,
        key(&pool, "bob", "orders:read").await,
    ];
    assert_ne!(ada, bob);
    for (key, owner) in [(ada, "ada"), (bob, "bob")] {
        let answer = send(&app, get_with("/orders", &key)).await;
        assert_eq!(answer.body, format!("The orders of {owner}\n"));
    }
    let nobody = key(&pool, "nobody", "orders:read").await;
    assert_eq!(
        status_and_code(&app, &nobody).await,
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn revoked_key_and_disabled_owner_are_rejected() {
    let (app, pool) = app().await;
    let [ada, bob] = [
        key(&pool, "ada", "orders:read").await,
        key(&pool, "bob", "orders:read").await,
    ];
    for key in [&ada, &bob] {
        assert_eq!(status_and_code(&app, key).await.0, 200);
    }
    let disable = "UPDATE members SET active = FALSE WHERE id = 'ada';
                   DELETE FROM api_keys WHERE owner = 'bob'";
    sqlx::raw_sql(disable).execute(&pool).await.unwrap();
    for key in [&ada, &bob] {
        assert_eq!(
            status_and_code(&app, key).await,
            (401, "invalid_token".into())
        );
    }
}

#[tokio::test]
async fn expired_key_is_rejected() {
    let (app, pool) = app().await;
    let expired = example::issue(&pool, ("ada", "orders:read"), Duration::ZERO);
    let expired = expired.await.unwrap();
    assert_eq!(
        status_and_code(&app, &expired).await,
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn key_has_one_spelling() {
    let (app, pool) = app().await;
    let key = key(&pool, "ada", "orders:read").await;
    // 43 characters hold 258 bits: three others decode to the same bytes as the last one.
    let (start, last) = key.split_at(key.len() - 1);
    let mut others: Vec<String> = ALPHABET.chars().map(|it| format!("{start}{it}")).collect();
    others.retain(|other| !other.ends_with(last));
    assert_eq!(others.len(), 63);
    assert_eq!(status_and_code(&app, &key).await.0, 200);
    others.extend([
        format!("{key}="),
        format!("{key}=="),
        key.to_uppercase(),
        key.replacen("key_", "KEY_", 1),
        key.replacen("key_", "key_key_", 1),
        key.replacen("key_", "", 1),
        key.replacen("key_", "key-", 1),
        key.replacen("key_", "key%5f", 1),
        format!("{key} "),
        format!("{key},{key}"),
        "key_".to_owned(),
    ]);
    for other in others {
        let answer = status_and_code(&app, &other).await;
        assert_eq!(answer, (401, "invalid_token".into()), "{other}");
    }
}

#[tokio::test]
async fn keys_and_tokens_are_not_confused() {
    let (app, pool) = app().await;
    let all = json!({"scope": "orders:read"});
    let token = testing::issuer().token("ada").claims(&all).issue().unwrap();
    let key = key(&pool, "ada", "orders:read").await;
    let [header, payload, signature] = parts(&token);
    for confused in [
        format!("key_{token}"),
        format!("key_{header}.{payload}.{signature}"),
        format!("{key}.{payload}.{signature}"),
        format!("{header}.{payload}.{key}"),
        format!("{header}.{key}.{signature}"),
        format!("{token}{key}"),
        format!("{key}{token}"),
        key.replacen("key_", "eyJ", 1),
    ] {
        let answer = status_and_code(&app, &confused).await;
        assert_eq!(answer, (401, "invalid_token".into()), "{confused}");
    }
}

#[tokio::test]
async fn stored_digest_is_no_credential() {
    let (app, pool) = app().await;
    key(&pool, "ada", "orders:read").await;
    let query = sqlx::query_scalar("SELECT lower(hex(digest)) FROM api_keys");
    let stolen: String = query.fetch_one(&pool).await.unwrap();
    assert_eq!(stolen.len(), 64);
    for credential in [&stolen, &format!("key_{stolen}")] {
        assert_eq!(status_and_code(&app, credential).await.0, 401);
    }
    let sql = "key_'OR'1'='1";
    assert_eq!(status_and_code(&app, sql).await.0, 401);
}

#[tokio::test]
async fn missing_table_is_503() {
    let (app, pool) = app().await;
    let key = key(&pool, "ada", "orders:read").await;
    let rename = "ALTER TABLE api_keys RENAME TO gone";
    sqlx::raw_sql(rename).execute(&pool).await.unwrap();
    assert_eq!(
        status_and_code(&app, &key).await,
        (503, "unavailable".into())
    );
    let back = "ALTER TABLE gone RENAME TO api_keys";
    sqlx::raw_sql(back).execute(&pool).await.unwrap();
    assert_eq!(status_and_code(&app, &key).await.0, 200);
    pool.close().await;
    assert_eq!(
        status_and_code(&app, &key).await,
        (503, "unavailable".into())
    );
}

#[tokio::test]
async fn log_shows_no_key() {
    let log = Log::record();
    let (app, pool) = app().await;
    let good = key(&pool, "ada", "orders:read").await;
    let unknown = good.replacen("key_", "key_0", 1);
    for key in [&good, &unknown] {
        let answer: Answer = send(&app, get_with("/orders", key)).await;
        assert!(!format!("{answer:?}").contains(&good[4..]));
    }
    assert!(log.text().contains("unknown key"), "{}", log.text());
    assert!(!log.text().contains(&good[4..]), "{}", log.text());
}

async fn app() -> (Router, SqlitePool) {
    let pool = example::database().await.unwrap();
    let app = example::app(testing::verifier(), pool.clone()).unwrap();
    (app, pool)
}

async fn key(pool: &SqlitePool, owner: &str, scope: &str) -> String {
    let hour = Duration::from_secs(3600);
    let key = example::issue(pool, (owner, scope), hour).await.unwrap();
    assert_eq!(key.len(), 47);
    key
}

async fn status_and_code(app: &Router, credential: &str) -> (u16, String) {
    let answer = send(app, get_with("/orders", credential)).await;
    let code = match answer.status.as_u16() {
        200 => String::new(),
        _ => answer.json()["code"].as_str().unwrap().to_owned(),
    };
    (answer.status.as_u16(), code)
}

fn post(credential: &str) -> Request<Body> {
    let mut request = get_with("/orders", credential);
    *request.method_mut() = Method::POST;
    request
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
