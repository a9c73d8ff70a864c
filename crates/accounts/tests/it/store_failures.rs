//! Responses while the store fails or the hash queue is full.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use tower_warder::password::PasswordHasher;

use super::server::{PASSWORD, Server, bare, by, hasher, json_to, login};
use super::staged::Staged;
use crate::support::{Answer, OUTAGE, Trace};

/// The number after `rejected=`.
fn rejected_count(line: &str) -> usize {
    line.rsplit('=').next().unwrap().trim().parse().unwrap()
}

fn assert_unavailable(answer: &Answer, case: &str) {
    assert_eq!(answer.status, 503, "{case}: {}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"), "{case}");
    assert_eq!(answer.header("www-authenticate"), None, "{case}");
    assert!(
        !format!("{:?}{}", answer.headers, answer.body).contains("db.internal"),
        "{case}"
    );
}

#[tokio::test]
async fn failing_store_is_503_on_every_route_and_logged_once() {
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
        ("count", bare("GET", "/users/pending/count")),
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
        let case = format!("{method} of {} {}", request.method(), request.uri());
        store.fails(&[method]);
        let log = Trace::record();
        assert_unavailable(&server.send(by(&admin, request)).await, &case);
        // At ERROR at most once a minute, otherwise at DEBUG.
        assert_eq!(log.lines(OUTAGE).len(), 1, "{case}: {}", log.text());
        errors += log.lines("ERROR").len();
    }
    // One by the layer, one by the routes.
    assert!(errors <= 2, "{errors}");
    store.fails(&[]);
    assert_eq!(server.me(&admin).await.status, 200);
    assert_eq!(server.login("new@example.org", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn full_hash_queue_is_503_and_logged_at_start_and_end() {
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
    let (served, rejected): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!served.is_empty() && !rejected.is_empty());
    for answer in &rejected {
        assert_unavailable(answer, "login");
    }
    assert_eq!(server.login("jane@example.org", PASSWORD).await.status, 200);
    assert_eq!(log.lines("ERROR"), [""; 0], "{}", log.text());
    let full = log.lines("WARN");
    assert!(full.len() == 1 && full[0].contains("count=1"), "{full:?}");
    let free = log.lines("rejected=");
    let all: usize = free.iter().map(|line| rejected_count(line)).sum();
    // Requests rejected after the queue was free are counted by the next line, a minute later.
    assert!(
        free.len() == 1 && (1..=rejected.len()).contains(&all),
        "{free:?}"
    );
}
