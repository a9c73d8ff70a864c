//! What the process says, however much it is asked to say.

use std::fs;

use serde_json::json;
use tempfile::tempdir;

use super::{PASSWORD, SECRET, Start};

#[tokio::test]
async fn at_trace_nothing_secret_is_said() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("RUST_LOG", "trace");
    let server = start.with("JWT_SECRET", SECRET).server().await;
    server.register("ada@example.com").await;
    let admin = server.token("ada@example.com").await;
    assert_eq!(server.me(&admin).await.status, 200);
    let bob = server.register("bob@example.com").await.json()["id"].clone();
    let path = format!("/api/auth/users/{bob}");
    server
        .put(&path, &admin, &json!({"status": "approved"}))
        .await;
    let token = server.token("bob@example.com").await;

    let path = format!("{path}/reset-password");
    let reset = server
        .post(&path, &admin, &json!({"password": "another-staple"}))
        .await;
    assert_eq!(reset.status, 200);
    assert_eq!(
        server
            .login("bob@example.com", "another-staple")
            .await
            .status,
        200
    );

    let kept = server.cookie_login("ada@example.com").await;
    let cookie = kept
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(server.me_by_cookie(&cookie).await.status, 200);

    // What is refused is no less secret.
    assert_eq!(
        server
            .me_by_cookie("tower_warder=nonsense-cookie")
            .await
            .status,
        401
    );
    assert_eq!(server.me(&token).await.status, 401);
    assert_eq!(server.me("nonsense-token").await.status, 401);
    assert_eq!(
        server.login("bob@example.com", "wrong-horse").await.status,
        401
    );
    let short = json!({"email": "eve", "password": "tiny-pw"});
    assert_eq!(
        server.post("/api/auth/register", "", &short).await.status,
        422
    );
    let text = json!("a-body-that-is-only-a-password");
    assert_eq!(
        server.post("/api/auth/register", "", &text).await.status,
        422
    );
    let query = format!("/api/auth/me?token={token}&q=word-in-the-query");
    assert_eq!(server.get(&query, &token).await.status, 401);
    assert_eq!(
        server
            .get("/nowhere?q=word-in-the-query", &token)
            .await
            .status,
        404
    );

    let hashes = stored_hashes(&directory.path().join("tower-warder.sqlite-wal"));
    assert!(hashes.len() >= 3, "{hashes:?}");
    let said = server.stop().await;
    // It was listening, and the request spans were there.
    assert!(
        said.contains("TRACE") && said.contains("path=\"/api/auth/me\""),
        "{said}"
    );

    let kept = cookie.strip_prefix("tower_warder=").unwrap().to_owned();
    let tokens = [admin, token, kept];
    let segments = tokens.iter().flat_map(|token| token.split('.'));
    let words = [
        SECRET,
        PASSWORD,
        "another-staple",
        "wrong-horse",
        "tiny-pw",
        "only-a-password",
        "nonsense-token",
        "nonsense-cookie",
        "word-in-the-query",
        "argon2id$",
    ];
    let pieces = hashes.iter().flat_map(|hash| hash.split('$'));
    for secret in words.into_iter().chain(segments).chain(pieces) {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// Salt and tag of every hash that was written.
fn stored_hashes(path: &std::path::Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let hashes = text.split("$argon2id$v=19$m=65536,t=3,p=4$").skip(1);
    let is_hash = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/$".contains(byte);
    hashes
        .map(|rest| {
            rest.bytes()
                .take_while(is_hash)
                .take(66)
                .map(char::from)
                .collect()
        })
        .collect()
}
