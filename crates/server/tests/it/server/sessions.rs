//! Sessions across restarts.

use serde_json::{Value, json};

use super::{PASSWORD, Start};
use crate::support::Place;

#[tokio::test]
async fn session_survives_a_restart_if_enabled() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let login = server.login("ada@example.com", PASSWORD).await.json();
    assert_eq!(
        (&login["expires_in"], &login["refresh_token"]),
        (&json!(604_800), &Value::Null)
    );
    let grant = json!({"refresh_token": "refresh_"});
    assert_eq!(
        server.post("/api/auth/refresh", "", &grant).await.status,
        404
    );
    server.stop().await;

    let on = || {
        Start::at(&place)
            .with("SESSIONS", "on")
            .with("RUST_LOG", "trace")
    };
    let server = on().server().await;
    let login = server.login("ada@example.com", PASSWORD).await.json();
    assert_eq!(login["expires_in"], 900);
    let first = json!({"refresh_token": login["refresh_token"]});
    let answer = server.post("/api/auth/refresh", "", &first).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let log = server.stop().await;

    let server = on().server().await;
    // Within the grace period.
    let again = server.post("/api/auth/refresh", "", &first).await;
    assert_eq!(
        again.json()["refresh_token"],
        answer.json()["refresh_token"]
    );
    let access = again.json()["access_token"].as_str().unwrap().to_owned();
    let listed = server.get("/api/auth/sessions", &access).await.json();
    assert_eq!(
        (
            listed[0]["is_current"].as_bool(),
            listed.as_array().unwrap().len()
        ),
        (Some(true), 1)
    );
    let log = log + &server.stop().await;
    for token in [&first["refresh_token"], &answer.json()["refresh_token"]] {
        let secret = token
            .as_str()
            .unwrap()
            .strip_prefix("refresh_")
            .unwrap()
            .to_owned();
        assert!(log.contains("session renewed"));
        assert!(!log.contains(&secret) && !log.contains(&secret[30..]));
    }
}
