//! The last active admin cannot be removed.

use serde_json::{Value, json};

use super::server::{Approved, Disabled, Pending, Server};

const DEMOTION: &str = "Cannot remove last admin";
const DISABLING: &str = "Cannot disable last active admin";

fn changes() -> [(Value, &'static str); 6] {
    [
        (json!({"is_admin": false}), DEMOTION),
        (json!({"status": "disabled"}), DISABLING),
        (json!({"status": "pending"}), DISABLING),
        (json!({"is_admin": true, "status": "disabled"}), DISABLING),
        // Demotion is reported first.
        (json!({"is_admin": false, "status": "disabled"}), DEMOTION),
        (
            json!({"is_admin": false, "email": "new@example.org", "status": "pending"}),
            DEMOTION,
        ),
    ]
}

#[tokio::test]
async fn last_active_admin_cannot_be_removed() {
    let server = Server::new().await;
    let (root, admin) = server.admin().await;
    server.add("dora@example.org", true, Disabled).await;
    server.add("paul@example.org", true, Pending).await;
    server.add("jane@example.org", false, Approved).await;
    for (change, detail) in changes() {
        let answer = server.put(&admin, root.id, change.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (400, detail),
            "{change}"
        );
        assert_eq!(server.stored(root.id).await, root, "{change}");
    }
    let answer = server.delete(&admin, root.id).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (400, "Cannot delete last admin")
    );
    assert_eq!(server.stored(root.id).await, root);
    for harmless in [
        json!({"is_admin": true}),
        json!({"status": "approved"}),
        json!({"email": "boss@example.org"}),
    ] {
        assert_eq!(server.put(&admin, root.id, harmless).await.status, 200);
    }
}

#[tokio::test]
async fn one_of_two_admins_can_be_removed() {
    for of_self in [true, false] {
        for (change, _) in changes() {
            let server = Server::new().await;
            let (root, admin) = server.admin().await;
            let other = server.add("other@example.org", true, Approved).await;
            let (removed, remaining) = if of_self {
                (&root, &other)
            } else {
                (&other, &root)
            };
            let answer = server.put(&admin, removed.id, change.clone()).await;
            assert_eq!(answer.status, 200, "{change}: {}", answer.body);
            // The remaining one is the last.
            let token = server.token(remaining);
            for (change, detail) in changes() {
                let answer = server.put(&token, remaining.id, change).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.detail().as_str()),
                    (400, detail)
                );
            }
            assert_eq!(server.delete(&token, remaining.id).await.status, 400);
            assert_eq!(server.delete(&token, removed.id).await.status, 204);
        }
        let server = Server::new().await;
        let (root, admin) = server.admin().await;
        let other = server.add("other@example.org", true, Approved).await;
        let (removed, remaining) = if of_self {
            (&root, &other)
        } else {
            (&other, &root)
        };
        assert_eq!(server.delete(&admin, removed.id).await.status, 204);
        assert_eq!(
            server
                .delete(&server.token(remaining), remaining.id)
                .await
                .status,
            400
        );
    }
}

#[tokio::test]
async fn unapproved_admin_can_be_removed() {
    for status in [Disabled, Pending] {
        let server = Server::new().await;
        let (_, admin) = server.admin().await;
        let dora = server.add("dora@example.org", true, status).await;
        assert_eq!(
            server
                .put(&admin, dora.id, json!({"is_admin": false}))
                .await
                .status,
            200
        );
        assert_eq!(
            server
                .put(&admin, dora.id, json!({"is_admin": true}))
                .await
                .status,
            200
        );
        assert_eq!(server.delete(&admin, dora.id).await.status, 204);
    }
}
