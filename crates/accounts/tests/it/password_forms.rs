//! Composed and decomposed Unicode in passwords.

use serde_json::json;
use tower_warder::password::{PasswordHasher, PasswordParams};

use super::server::{Approved, Server, hasher, json_to};
use super::sessions::client::{self, changing};
use crate::support::Trace;

#[tokio::test]
async fn new_password_matches_in_both_forms() {
    let server = Server::new().await;
    let (_, admin) = server.admin().await;
    for (index, new) in [COMPOSED, DECOMPOSED].into_iter().enumerate() {
        let email = format!("jane{index}@example.org");
        let body = json!({"email": email, "password": new});
        let id = server
            .send(json_to("POST", "/register", &body))
            .await
            .json()["id"]
            .as_i64();
        let id = id.unwrap();
        server.put(&admin, id, json!({"status": "approved"})).await;
        let stored = server.stored(id).await.hashed_password;
        let verified = hasher().verify(COMPOSED, &stored).await.unwrap();
        assert!(verified.matches, "{new}");
        for typed in [COMPOSED, DECOMPOSED] {
            assert_eq!(
                server.login(&email, typed).await.status,
                200,
                "{new} {typed}"
            );
        }
        assert_eq!(server.stored(id).await.hashed_password, stored);

        let other = if new == COMPOSED {
            DECOMPOSED
        } else {
            COMPOSED
        };
        let other = format!("{other} 2");
        server.reset(&admin, id, &other).await;
        for typed in [format!("{COMPOSED} 2"), format!("{DECOMPOSED} 2")] {
            assert_eq!(
                server.login(&email, &typed).await.status,
                200,
                "{other} {typed}"
            );
        }
    }
}

#[tokio::test]
async fn hash_of_a_decomposed_password_is_renewed_in_nfc() {
    let other = PasswordHasher::new().params(PasswordParams::new(9216, 4, 1).unwrap());
    for old in [hasher(), other] {
        let server = Server::new().await;
        let stored = old.hash(DECOMPOSED).await.unwrap();
        let jane = server.add_with_hash(JANE, false, Approved, &stored).await;
        // The first log-in decides by what was typed.
        assert_eq!(server.login(JANE, COMPOSED).await.status, 401);
        assert_eq!(server.stored(jane.id).await.hashed_password, stored);
        assert_eq!(server.login(JANE, DECOMPOSED).await.status, 200);
        let renewed = server.stored(jane.id).await.hashed_password;
        let verified = hasher().verify(COMPOSED, &renewed).await.unwrap();
        assert!(verified.matches && verified.rehash.is_none());
        for typed in [COMPOSED, DECOMPOSED] {
            assert_eq!(server.login(JANE, typed).await.status, 200, "{typed}");
        }
        assert_eq!(server.stored(jane.id).await.hashed_password, renewed);
    }
}

#[tokio::test]
async fn outdated_hash_is_renewed_by_a_decomposed_password() {
    let server = Server::new().await;
    let other = PasswordParams::new(9216, 4, 1).unwrap();
    let stored = PasswordHasher::new()
        .params(other)
        .hash(COMPOSED)
        .await
        .unwrap();
    let jane = server.add_with_hash(JANE, false, Approved, &stored).await;
    assert_eq!(server.login(JANE, DECOMPOSED).await.status, 200);
    let renewed = server.stored(jane.id).await.hashed_password;
    let verified = hasher().verify(COMPOSED, &renewed).await.unwrap();
    assert!(verified.matches && verified.rehash.is_none());
}

#[tokio::test]
async fn current_password_is_accepted_in_both_forms() {
    let server = client::server();
    for (index, (stored, typed)) in [
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, DECOMPOSED),
        (COMPOSED, COMPOSED),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("jane{index}@example.org");
        let hash = hasher().hash(stored).await.unwrap();
        let jane = server.add_with_hash(&email, false, Approved, &hash).await;
        let token = server.token(&jane);
        let wrong = server.send(changing(&token, &format!("{typed}."), "new password"));
        assert_eq!(wrong.await.status, 403, "{stored} {typed}");
        let changed = server.send(changing(&token, typed, "new password")).await;
        assert_eq!(changed.status, 204, "{}", changed.body);
    }
}

#[tokio::test]
async fn unknown_account_costs_as_much_in_each_form() {
    let server = Server::new().await;
    server.jane().await;
    server
        .add_with_hash("broken@example.org", false, Approved, "not a hash")
        .await;
    for (typed, expected) in [(COMPOSED, 1), (DECOMPOSED, 2)] {
        for username in [
            JANE,
            "nobody@example.org",
            "broken@example.org",
            "no address",
        ] {
            let log = Trace::record();
            assert_eq!(
                server.login(username, typed).await.status,
                401,
                "{username}"
            );
            let runs = log.lines(RUN);
            assert_eq!(runs.len(), expected, "{username} {typed}: {runs:?}");
        }
    }
}

#[tokio::test]
async fn decomposed_password_that_grows_over_the_limit_is_wrong() {
    let server = Server::new().await;
    server.jane().await;
    // 2400 bytes, and three times as many in NFC: more than the 4096 that are hashed.
    let typed = "\u{1d160}".repeat(600);
    for username in [JANE, "nobody@example.org"] {
        let log = Trace::record();
        assert_eq!(
            server.login(username, &typed).await.status,
            401,
            "{username}"
        );
        assert_eq!(log.lines(RUN).len(), 1, "{username}");
    }
}

const JANE: &str = "jane@example.org";
const RUN: &str = "password hashed";
const COMPOSED: &str = "caf\u{e9} cr\u{e8}me";
const DECOMPOSED: &str = "cafe\u{301} cre\u{300}me";
