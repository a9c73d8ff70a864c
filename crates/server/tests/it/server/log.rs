//! Log of the process: no secrets, and a bounded number of lines.

use futures_util::stream::{self, StreamExt};
use serde_json::json;
use tower_warder_accounts::{AccountStore, UserQuery};

use super::{PASSWORD, SECRET, Server, Start};
use crate::support::Place;

#[tokio::test]
async fn trace_log_contains_no_secret() {
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

    // Rejected credentials are secret as well.
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
    let log = server.stop().await;
    // The level is in effect, and requests are logged.
    assert!(
        log.contains("TRACE") && log.contains("path=\"/api/auth/me\""),
        "{log}"
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
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn login_flood_logs_one_line_and_one_at_its_end() {
    let place = Place::shared().await;
    let server = Start::at(&place).unthrottled().server().await;
    server.register("ada@example.com").await;
    let before = server.log().lines().count();

    // More than the queue holds; most of the queued ones are then cancelled.
    let log_ins = (0..400).map(|_| server.login("ada@example.com", PASSWORD));
    let mut log_ins = stream::iter(log_ins).buffer_unordered(400);
    let mut rejected = 0;
    while rejected < 100 {
        let answer = log_ins.next().await.unwrap();
        rejected += usize::from(answer.status == 503);
    }
    drop(log_ins);
    server.token("ada@example.com").await;
    server
        .wait_for_log("the queue for password hashing is free again", 1)
        .await;
    for _ in 0..20 {
        assert_eq!(server.me("nonsense").await.status, 401);
    }

    let log = new_lines(&server, before);
    let (audit, log): (Vec<_>, Vec<_>) = log
        .into_iter()
        .partition(|line| line.contains("tower_warder::audit"));
    // Each log-in costs a client a password hash, so those that succeed are not limited.
    let refused = r#"count=1 event="token_rejected" reason="segments""#;
    let (refused, audit): (Vec<_>, Vec<_>) =
        audit.into_iter().partition(|line| line.contains(refused));
    assert_eq!(refused.len(), 1, "{audit:#?}");
    for line in audit {
        assert!(line.contains("login_succeeded"), "{line}");
    }
    assert_eq!(log.len(), 2, "{log:#?}");
    assert!(
        log[0].contains("WARN") && log[0].contains("queue"),
        "{log:?}"
    );
    assert!(log[1].contains("INFO"), "{log:?}");
}

#[tokio::test]
async fn store_outage_is_logged_once_by_layer_and_routes() {
    let place = Place::sqlite();
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let token = server.token("ada@example.com").await;
    let before = server.log().lines().count();

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
    server
        .wait_for_log("the user loader answers again", 1)
        .await;

    let log = new_lines(&server, before);
    let of = |level: &str| log.iter().filter(|line| line.contains(level)).count();
    assert_eq!((of("ERROR"), of("INFO"), log.len()), (2, 1, 3), "{log:#?}");
    assert!(
        log.iter()
            .any(|line| line.contains("an account route cannot answer"))
    );
    assert!(log[0].contains("no such table"), "{log:#?}");
}

/// Returns the lines of the log after the first `before`.
fn new_lines(server: &Server, before: usize) -> Vec<String> {
    server
        .log()
        .lines()
        .skip(before)
        .map(str::to_owned)
        .collect()
}

/// Returns salt and tag of every stored hash.
async fn stored_hashes(place: &Place) -> Vec<String> {
    let users = place
        .open()
        .await
        .list(&UserQuery::default())
        .await
        .unwrap();
    let hashes = users.iter().map(|user| &user.hashed_password);
    let prefix = "$argon2id$v=19$m=65536,t=3,p=4$";
    hashes
        .map(|hash| hash.strip_prefix(prefix).unwrap().to_owned())
        .collect()
}
