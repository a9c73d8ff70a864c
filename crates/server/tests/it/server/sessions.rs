//! Sessions across restarts.

use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::{Value, json};
use tower_warder::{HmacSecret, JwtIssuer};

use super::{PASSWORD, Server, Start};
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

/// What a browser keeps after a log-in.
async fn cookie(server: &Server) -> String {
    let answer = server.cookie_login("ada@example.com").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let set = answer.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn log_in_by_cookie_is_a_session_without_any_variable() {
    let place = Place::shared().await;
    let server = Start::at(&place).server().await;
    server.register("ada@example.com").await;
    let (cookie_of_one, other) = (cookie(&server).await, cookie(&server).await);
    let listed = server.by_cookie(Method::GET, SESSIONS, &other).await.json();
    let kinds: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["kind"])
        .collect();
    assert_eq!(kinds, ["cookie", "cookie"]);
    server.stop().await;

    // They outlive the process, and so does the end of one.
    let server = Start::at(&place).server().await;
    assert_eq!(server.me_by_cookie(&cookie_of_one).await.status, 200);
    let path = "/api/auth/cookie/logout";
    let answer = server.by_cookie(Method::POST, path, &cookie_of_one).await;
    assert_eq!(answer.status, 204);
    server.stop().await;
    let server = Start::at(&place).server().await;
    assert_eq!(server.me_by_cookie(&cookie_of_one).await.status, 401);
    assert_eq!(server.me_by_cookie(&other).await.status, 200);

    // The routes of sessions work with a bearer token, too; there is no refresh token.
    let bearer = server.token("ada@example.com").await;
    let answer = server
        .post(&format!("{SESSIONS}/end-others"), &bearer, &json!({}))
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(server.me_by_cookie(&other).await.status, 401);
    assert_eq!(server.me(&bearer).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn lifetime_of_tokens_is_that_of_cookies() {
    for (lifetime, sessions, seconds) in [
        (None, "off", "2592000"),
        (Some("90m"), "off", "5400"),
        (Some("90m"), "on", "5400"),
    ] {
        let place = Place::shared().await;
        let mut start = Start::at(&place);
        if let Some(lifetime) = lifetime {
            start = start.with("JWT_LIFETIME", lifetime);
        }
        if sessions == "on" {
            start = start.with("SESSIONS", "on");
        }
        let server = start.server().await;
        server.register("ada@example.com").await;
        let answer = server.cookie_login("ada@example.com").await;
        let set = answer.header("set-cookie").unwrap();
        assert!(set.contains(&format!("; Max-Age={seconds}; ")), "{set}");
        server.stop().await;
    }
}

#[tokio::test]
async fn admin_login_age_limits_actions_of_admins() {
    let secret = "0f3a9c5be17d2846c0b1a7de93f5486277e1d09b";
    let issuer = JwtIssuer::hs256(&HmacSecret::new(secret).unwrap());
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    for (age, status) in [(None, 200), (Some("2h"), 200), (Some("15m"), 401)] {
        let place = Place::shared().await;
        let mut start = Start::at(&place).with("JWT_SECRET", secret);
        if let Some(age) = age {
            start = start.with("ADMIN_LOGIN_AGE", age);
        }
        let server = start.server().await;
        server.register("ada@example.com").await;
        let fresh = server.token("ada@example.com").await;
        // Issued now: a token is not older than its account.
        let old = issuer.token("1").auth_time(hour_ago).issue().unwrap();
        let user = "/api/auth/users/1";
        let answer = server.put(user, &fresh, &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = server.put(user, &old, &json!({})).await;
        assert_eq!(answer.status, status, "{age:?}: {}", answer.body);
        assert_eq!(server.me(&old).await.status, 200);
        server.stop().await;
    }
}

const SESSIONS: &str = "/api/auth/sessions";
