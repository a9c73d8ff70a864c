//! Stored audit events of a server and of commands.

use serde_json::Value;

use super::process::{Server, Start};
use crate::support::Place;

const ADA: &str = "ada@example.com";

async fn events(server: &Server, token: &str, id: i64) -> Vec<Value> {
    let answer = server
        .get(&format!("/api/auth/users/{id}/events"), token)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_stored_until_the_server_has_ended() {
    for place in [Place::sqlite()].into_iter().chain(Place::postgres().await) {
        let start = || Start::at(&place).with("TRUSTED_PROXIES", "127.0.0.1");
        let server = start().server().await;
        server.register(ADA).await;
        let answer = server.login_via("192.0.2.7", ADA, "wrong").await;
        assert_eq!(answer.status, 401);
        // The last events are in the queue when the signal comes.
        server.stop().await;
        let disabled = Start::at(&place).run(&["set-status", ADA, "approved"]);
        disabled.await.output();

        let server = start().server().await;
        let token = server.token(ADA).await;
        let stored = events(&server, &token, 1).await;
        let expected = [
            "account_approved",
            "login_failed",
            "first_admin_created",
            "account_registered",
        ];
        let stored: Vec<_> = stored
            .into_iter()
            .filter(|event| event["event"] != "login_succeeded")
            .collect();
        assert_eq!(names(&stored), expected);
        assert_eq!(stored[0]["actor"], "system");
        assert_eq!(stored[0]["address"], Value::Null);
        assert_eq!(stored[1]["actor"], "anonymous");
        assert_eq!(stored[1]["address"], "192.0.2.7");
    }
}

#[tokio::test]
async fn database_in_memory_has_events() {
    let directory = tempfile::tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", "sqlite::memory:");
    let secret = "a secret of the tests with more than 32 bytes";
    let server = start.with("JWT_SECRET", secret).server().await;
    server.register(ADA).await;
    let token = server.token(ADA).await;
    for _ in 0..50 {
        let stored = events(&server, &token, 1).await;
        if names(&stored).first() == Some(&"login_succeeded") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no log-in was stored");
}
