//! What the process says, however much it is asked to say.

use serde_json::json;
use tower_warder::accounts::{AccountStore, Page};

use super::{PASSWORD, SECRET, Start};
use crate::support::Place;

#[tokio::test]
async fn at_trace_nothing_secret_is_said() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("RUST_LOG", "trace");
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

    let before = stored_hashes(&place).await;
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

    let hashes = [before, stored_hashes(&place).await].concat();
    assert_eq!(hashes.len(), 4);
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

/// Salt and tag of every hash that is kept.
async fn stored_hashes(place: &Place) -> Vec<String> {
    let users = place.open().await.list(Page::default()).await.unwrap();
    let hashes = users.iter().map(|user| &user.hashed_password);
    let prefix = "$argon2id$v=19$m=65536,t=3,p=4$";
    hashes
        .map(|hash| hash.strip_prefix(prefix).unwrap().to_owned())
        .collect()
}
