//! Log lines about changes of accounts.

use serde_json::json;

use super::server::{PASSWORD, Server};
use crate::support::Trace;

#[tokio::test]
async fn changes_of_accounts_are_logged_in_a_line_each() {
    let server = Server::new().await;
    let (admin, token) = server.admin().await;
    let log = Trace::record();
    let jane = server.register("jane@example.org").await.json();
    let id = jane["id"].as_i64().unwrap();
    let status = json!({"status": "approved"});
    assert_eq!(server.put(&token, id, status).await.status, 200);
    assert_eq!(server.reset(&token, id, PASSWORD).await.status, 200);
    assert_eq!(server.delete(&token, id).await.status, 204);
    // Rejected: nothing changes.
    assert_eq!(server.delete(&token, id).await.status, 404);
    let demoted = json!({"is_admin": false});
    assert_eq!(server.put(&token, admin.id, demoted).await.status, 400);

    for (event, is_by_admin) in [
        ("account registered", false),
        ("account updated", true),
        ("password reset", true),
        ("account deleted", true),
    ] {
        let lines = log.lines(event);
        assert_eq!(lines.len(), 1, "{event}: {lines:?}");
        let line = &lines[0];
        assert!(line.contains("tower_warder::accounts"), "{line}");
        assert!(line.contains(&format!(" id={id}")), "{line}");
        let by = format!(" by={}", admin.id);
        assert_eq!(line.contains(&by), is_by_admin, "{line}");
        // Registrations are limited, also by other tests of this process.
        assert!(line.contains("INFO") || !is_by_admin, "{line}");
        assert!(!line.contains("jane"), "{line}");
    }
}
