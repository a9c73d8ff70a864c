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
async fn keys_and_tokens_come_through_the_same_doors() {
    let (app, pool) = app().await;
    let all = json!({"scope": "orders:read orders:write"});
    let token = testing::issuer().token("ada").claims(&all).issue().unwrap();
    assert_eq!(send(&app, get_with("/orders", &token)).await.status, 200);
    assert_eq!(send(&app, post(&token)).await.status, 201);

    let reads = key(&pool, "ada", "orders:read").await;
    let answer = send(&app, get_with("/orders", &reads)).await;
    assert_eq!(answer.body, "The orders of ada\n");
    let refused = send(&app, post(&reads)).await;
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test]
async fn key_speaks_for_its_owner_and_nobody_else() {
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
    assert_eq!(asked(&app, &nobody).await, (401, "invalid_token".into()));
}

#[tokio::test]
async fn revoked_key_and_disabled_owner_are_out_on_the_next_request() {
    let (app, pool) = app().await;
    let [ada, bob] = [
        key(&pool, "ada", "orders:read").await,
        key(&pool, "bob", "orders:read").await,
    ];
    for key in [&ada, &bob] {
        assert_eq!(asked(&app, key).await.0, 200);
    }
    let disable = "UPDATE members SET active = FALSE WHERE id = 'ada';
                   DELETE FROM api_keys WHERE owner = 'bob'";
    sqlx::raw_sql(disable).execute(&pool).await.unwrap();
    for key in [&ada, &bob] {
        assert_eq!(asked(&app, key).await, (401, "invalid_token".into()));
    }
}

#[tokio::test]
async fn expired_key_is_refused() {
    let (app, pool) = app().await;
    let expired = example::issue(&pool, ("ada", "orders:read"), Duration::ZERO);
    let expired = expired.await.unwrap();
    assert_eq!(asked(&app, &expired).await, (401, "invalid_token".into()));
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
    assert_eq!(asked(&app, &key).await.0, 200);
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
        let answer = asked(&app, &other).await;
        assert_eq!(answer, (401, "invalid_token".into()), "{other}");
    }
}

#[tokio::test]
async fn prefix_makes_no_key_of_a_token_and_no_token_of_a_key() {
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
        let answer = asked(&app, &confused).await;
        assert_eq!(answer, (401, "invalid_token".into()), "{confused}");
    }
}

#[tokio::test]
async fn what_the_table_has_of_a_key_opens_nothing() {
    let (app, pool) = app().await;
    key(&pool, "ada", "orders:read").await;
    let query = sqlx::query_scalar("SELECT lower(hex(digest)) FROM api_keys");
    let stolen: String = query.fetch_one(&pool).await.unwrap();
    assert_eq!(stolen.len(), 64);
    for credential in [&stolen, &format!("key_{stolen}")] {
        assert_eq!(asked(&app, credential).await.0, 401);
    }
    let sql = "key_'OR'1'='1";
    assert_eq!(asked(&app, sql).await.0, 401);
}

#[tokio::test]
async fn table_that_is_gone_is_503_and_no_log_out() {
    let (app, pool) = app().await;
    let key = key(&pool, "ada", "orders:read").await;
    let rename = "ALTER TABLE api_keys RENAME TO gone";
    sqlx::raw_sql(rename).execute(&pool).await.unwrap();
    assert_eq!(asked(&app, &key).await, (503, "unavailable".into()));
    let back = "ALTER TABLE gone RENAME TO api_keys";
    sqlx::raw_sql(back).execute(&pool).await.unwrap();
    assert_eq!(asked(&app, &key).await.0, 200);
    pool.close().await;
    assert_eq!(asked(&app, &key).await, (503, "unavailable".into()));
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

async fn asked(app: &Router, credential: &str) -> (u16, String) {
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
