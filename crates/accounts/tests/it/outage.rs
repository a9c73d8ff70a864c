//! What a store or a hasher that cannot answer does to a client.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use tower_warder::password::PasswordHasher;

use super::server::{PASSWORD, Server, bare, by, hasher, json_to, login};
use super::staged::Staged;
use crate::support::{Answer, OUTAGE, Trace};

/// The number after `refused=`.
fn count(line: &str) -> usize {
    line.rsplit('=').next().unwrap().trim().parse().unwrap()
}

fn check(answer: &Answer, asked: &str) {
    assert_eq!(answer.status, 503, "{asked}: {}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"), "{asked}");
    assert_eq!(answer.header("www-authenticate"), None, "{asked}");
    assert!(
        !format!("{:?}{}", answer.headers, answer.body).contains("db.internal"),
        "{asked}"
    );
}

#[tokio::test]
async fn store_that_fails_is_503_on_every_route_and_logged_once() {
    let store = Arc::new(Staged::new().await);
    let server = Server::over(Arc::clone(&store));
    let (_, admin) = server.admin().await;
    let new = json!({"email": "new@example.org", "password": PASSWORD});
    let password = json!({"password": PASSWORD});
    let mut errors = 0;
    for (method, request) in [
        ("find_by_email", json_to("POST", "/register", &new)),
        ("insert", json_to("POST", "/register", &new)),
        ("find_by_email", login("root@example.org", PASSWORD)),
        ("find_by_email", login("nobody@example.org", PASSWORD)),
        ("find", bare("GET", "/me")),
        ("find", bare("GET", "/users")),
        ("list", bare("GET", "/users")),
        ("count_pending", bare("GET", "/users/pending/count")),
        ("update", json_to("PUT", "/users/1", &json!({}))),
        ("delete", bare("DELETE", "/users/1")),
        (
            "find",
            json_to("POST", "/users/1/reset-password", &password),
        ),
        (
            "reset_password",
            json_to("POST", "/users/1/reset-password", &password),
        ),
    ] {
        let asked = format!("{method} of {} {}", request.method(), request.uri());
        store.fails(&[method]);
        let log = Trace::record();
        check(&server.send(by(&admin, request)).await, &asked);
        // At ERROR once a minute, else at DEBUG.
        assert_eq!(log.lines(OUTAGE).len(), 1, "{asked}: {}", log.text());
        errors += log.lines("ERROR").len();
    }
    // One by the layer, one by the routes.
    assert!(errors <= 2, "{errors}");
    store.fails(&[]);
    assert_eq!(server.me(&admin).await.status, 200);
    assert_eq!(server.login("new@example.org", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn full_hash_queue_is_503_and_logged_once_and_once_when_it_is_free() {
    let busy: PasswordHasher = hasher().max_concurrency(1).max_queue(1);
    let server = Server::configured(|accounts| accounts.hasher(busy)).await;
    server.jane().await;
    let log = Trace::record();
    let mut log_ins = JoinSet::new();
    for _ in 0..8 {
        let server = server.clone();
        log_ins.spawn(async move { server.login("jane@example.org", PASSWORD).await });
    }
    let answers = log_ins.join_all().await;
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!served.is_empty() && !refused.is_empty());
    for answer in &refused {
        check(answer, "login");
    }
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
    assert_eq!(log.lines("ERROR"), [""; 0], "{}", log.text());
    let full = log.lines("WARN");
    assert!(full.len() == 1 && full[0].contains("count=1"), "{full:?}");
    let free = log.lines("refused=");
    let all: usize = free.iter().map(|line| count(line)).sum();
    // Each that is refused after the queue was free waits for the next minute's line.
    assert!(
        free.len() == 1 && (1..=refused.len()).contains(&all),
        "{free:?}"
    );
}
