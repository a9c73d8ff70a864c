//! What the process says, however much it is asked to say.

use futures_util::stream::{self, StreamExt};
use serde_json::json;
use tower_warder_accounts::{AccountStore, Page};

use super::{PASSWORD, SECRET, Server, Start};
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

#[tokio::test]
async fn flood_of_log_ins_is_one_line_and_one_when_it_is_over() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let before = server.said().lines().count();

    // More than may wait; most of those that do are given up then.
    let log_ins = (0..400).map(|_| server.login("ada@example.com", PASSWORD));
    let mut log_ins = stream::iter(log_ins).buffer_unordered(400);
    let mut refused = 0;
    while refused < 100 {
        let answer = log_ins.next().await.unwrap();
        refused += usize::from(answer.status == 503);
    }
    drop(log_ins);
    server.token("ada@example.com").await;
    server
        .has_said("the queue for password hashing is free again", 1)
        .await;
    assert_eq!(server.me("nonsense").await.status, 401);

    let said = new_lines(&server, before);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(
        said[0].contains("WARN") && said[0].contains("queue"),
        "{said:?}"
    );
    assert!(said[1].contains("INFO"), "{said:?}");
}

#[tokio::test]
async fn outage_of_the_store_is_logged_once_by_the_layer_and_once_by_the_routes() {
    let place = Place::sqlite();
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    let before = server.said().lines().count();

    let path = place.path().join("tower-warder.sqlite");
    let url = format!("sqlite://{}", path.display());
    let database = sqlx::SqlitePool::connect(&url).await.unwrap();
    let execute = async |statement: &'static str| {
        sqlx::query(statement).execute(&database).await.unwrap();
    };
    execute("ALTER TABLE users RENAME TO away").await;
    for _ in 0..20 {
        assert_eq!(server.me(&token).await.status, 503);
        assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 503);
        assert_eq!(server.register("eve@example.com").await.status, 503);
    }
    execute("ALTER TABLE away RENAME TO users").await;
    assert_eq!(server.me(&token).await.status, 200);
    server.has_said("the user loader answers again", 1).await;

    let said = new_lines(&server, before);
    let of = |level: &str| said.iter().filter(|line| line.contains(level)).count();
    assert_eq!(
        (of("ERROR"), of("INFO"), said.len()),
        (2, 1, 3),
        "{said:#?}"
    );
    assert!(
        said.iter()
            .any(|line| line.contains("an account route cannot answer"))
    );
    assert!(said[0].contains("no such table"), "{said:#?}");
}

/// What was said after that many lines.
fn new_lines(server: &Server, before: usize) -> Vec<String> {
    server
        .said()
        .lines()
        .skip(before)
        .map(str::to_owned)
        .collect()
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
