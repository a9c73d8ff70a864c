//! No secrets in logs, at any level.

use serde_json::json;
use tower_warder::HmacSecret;
use tower_warder::password::{PasswordHasher, PasswordParams};
use tower_warder_accounts::BootstrapPolicy;

use super::server::{Approved, Disabled, PASSWORD, Server, bare, body, by, form, json_to};
use crate::support::Trace;

#[tokio::test]
async fn log_has_no_password_hash_token_or_secret() {
    let bootstrap = BootstrapPolicy::Secret(HmacSecret::new(SECRET).unwrap());
    let other_params = PasswordParams::new(9216, 4, 1).unwrap();
    let server = Server::configured(|accounts| {
        accounts
            .bootstrap(bootstrap)
            .hasher(PasswordHasher::new().params(other_params))
    })
    .await;
    let log = Trace::record();
    let new = |password: &str, secret: &str| {
        let new =
            json!({"email": "ada@example.org", "password": password, "bootstrap_secret": secret});
        json_to("POST", "/register", &new)
    };

    assert_eq!(server.send(new("hunter2", SECRET)).await.status, 422);
    assert_eq!(
        server
            .send(new("hunter2hunter2", "hunter2-is-no-secret-at-all"))
            .await
            .status,
        403
    );
    assert_eq!(server.send(new("hunter2hunter2", SECRET)).await.status, 201);
    assert_eq!(server.send(new("hunter2hunter2", SECRET)).await.status, 409);
    let broken = r#"{"email": "ada@example.org", "password": "hunter2"#;
    assert_eq!(
        server
            .send(body("POST", "/register", "application/json", broken))
            .await
            .status,
        422
    );

    let admin = server.token_of("ada@example.org", "hunter2hunter2").await;
    assert_eq!(
        server.login("ada@example.org", "hunter2wrong").await.status,
        401
    );
    assert_eq!(
        server
            .login("hunter2 in the wrong field", "hunter2")
            .await
            .status,
        401
    );
    assert_eq!(
        server
            .login("ada@example.org", &"hunter2".repeat(600))
            .await
            .status,
        401
    );
    let wrong_grant = "grant_type=hunter2&username=hunter2&password=hunter2";
    assert_eq!(server.send(form(wrong_grant)).await.status, 422);

    // An outdated hash, then an unreadable one of a disabled account.
    let jane = server.add("jane@example.org", false, Approved).await;
    let token = server.token_of("jane@example.org", PASSWORD).await;
    let unreadable = "$argon2id$v=19$m=1,t=1,p=1$hunter2$hunter2";
    server
        .add_with_hash("bob@example.org", false, Disabled, unreadable)
        .await;
    assert_eq!(server.login("bob@example.org", PASSWORD).await.status, 401);

    let before = server.stored(jane.id).await;
    assert_eq!(
        server
            .reset(&admin, jane.id, "hunter2hunter2hunter2")
            .await
            .status,
        200
    );
    assert_eq!(server.me(&token).await.status, 401);
    let forged = format!("{}hunter2", &admin[..admin.len() - 7]);
    assert_eq!(server.me(&forged).await.status, 401);
    assert_eq!(
        server
            .send(by(&admin, bare("GET", "/users?limit=hunter2")))
            .await
            .status,
        422
    );

    let text = log.text();
    assert!(text.contains("password hashed"), "{text}");
    let hashes = [jane, before, server.stored(1).await].map(|user| user.hashed_password);
    let tails = hashes.iter().flat_map(|hash| hash.split('$').skip(4));
    let segments = [&admin, &token]
        .into_iter()
        .flat_map(|token| token.split('.').skip(1));
    for secret in ["hunter2", PASSWORD, SECRET, "argon2id"]
        .into_iter()
        .chain(tails)
        .chain(segments)
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

const SECRET: &str = "the first admin knows this secret";
