//! Log-in and log-out with a cookie.

pub mod browser;

use std::time::Duration;

use axum::Router;
use http::header::SET_COOKIE;
use serde_json::json;
use tower_warder::credentials::{AuthCookie, CredentialSource};
use tower_warder_accounts as accounts;

use self::browser::{
    LIFETIME, accounts_of, both, cookie, form_to, from, log_in, server, server_with, token_in,
    with_cookie,
};
use super::login::visible;
use super::server::{Disabled, PASSWORD, Pending, Server, bare, by, json_to};
use crate::support::{Trace, send};

#[tokio::test]
async fn login_sets_a_cookie_and_returns_the_account() {
    let server = server(both()).await;
    let (jane, _) = server.jane().await;
    let answer = log_in(&server, "Jane@example.org", PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "email": "jane@example.org",
            "id": jane.id,
            "is_admin": false,
            "status": "approved",
            "created_at": "2026-01-01T00:00:00Z",
        })
    );
    let token = token_in(&answer);
    let line = format!("__Host-id={token}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(answer.header("set-cookie"), Some(&*line));
    assert!(answer.headers[SET_COOKIE].is_sensitive());

    // Parsed by the crate `cookie`.
    let set = ::cookie::Cookie::parse(line).unwrap();
    assert_eq!((set.name(), set.value()), ("__Host-id", &*token));
    assert_eq!((set.path(), set.domain()), (Some("/"), None));
    assert_eq!((set.secure(), set.http_only()), (Some(true), Some(true)));
    assert_eq!(set.same_site(), Some(::cookie::SameSite::Lax));
    assert_eq!(set.max_age().unwrap().whole_seconds(), 604_800);

    let me = server.send(with_cookie(&token, bare("GET", "/me"))).await;
    assert_eq!((me.status.as_u16(), me.body), (200, answer.body));
}

#[tokio::test]
async fn cookie_expires_with_its_token() {
    let server = server_with(both(), Duration::from_secs(90)).await;
    server.jane().await;
    let answer = log_in(&server, "jane@example.org", PASSWORD).await;
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .contains("; Max-Age=90; ")
    );
    let token = token_in(&answer);
    let me = async || {
        server
            .send(with_cookie(&token, bare("GET", "/me")))
            .await
            .status
    };
    assert_eq!(me().await, 200);
    server.clock.advance(Duration::from_secs(90));
    assert_eq!(me().await, 401);
    // An expired cookie does not prevent a log-in.
    let again = form_to("/cookie/login", "jane@example.org", PASSWORD);
    let again = server.send(with_cookie(&token, again)).await;
    assert_eq!(again.status, 200);
    assert_ne!(token_in(&again), token);
}

#[tokio::test]
async fn rejected_login_equals_token_login_and_sets_no_cookie() {
    let server = server(both()).await;
    server.jane().await;
    server.add("paul@example.org", false, Pending).await;
    server.add("dora@example.org", true, Disabled).await;
    for (username, password) in [
        ("jane@example.org", "wrong password"),
        ("nobody@example.org", PASSWORD),
        ("paul@example.org", PASSWORD),
        ("dora@example.org", PASSWORD),
        ("jane@example.org", ""),
    ] {
        let ours = visible(log_in(&server, username, password).await);
        let theirs = visible(server.login(username, password).await);
        assert_eq!(ours, theirs, "{username}");
        assert!(
            ours.0 >= 400 && !ours.1.contains_key(SET_COOKIE),
            "{ours:?}"
        );
    }
    let json = json!({"username": "jane@example.org", "password": PASSWORD});
    let answer = server.send(json_to("POST", "/cookie/login", &json)).await;
    assert_eq!(answer.status, 415);
    for path in ["/cookie/login", "/cookie/logout"] {
        assert_eq!(server.send(bare("GET", path)).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn logout_clears_any_cookie() {
    let server = server(both()).await;
    let (_, token) = server.jane().await;
    for sent in [Some(&*token), Some("nonsense"), Some(""), None] {
        let request = bare("POST", "/cookie/logout");
        let answer = server
            .send(match sent {
                Some(token) => with_cookie(token, request),
                None => request,
            })
            .await;
        assert_eq!(answer.status, 204, "{sent:?}");
        assert_eq!(
            answer.header("set-cookie"),
            Some("__Host-id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")
        );
    }
}

#[tokio::test]
async fn cross_origin_login_and_logout_are_rejected() {
    let server = server(both()).await;
    server.jane().await;
    let log = Trace::record();
    for path in ["/cookie/login", "/cookie/logout"] {
        for (name, value, status) in [
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("origin", "https://shop.example", 200),
            ("origin", "https://app.example", 200),
        ] {
            let mut request = form_to(path, "jane@example.org", PASSWORD);
            let headers = request.headers_mut();
            headers.insert("host", "shop.example".parse().unwrap());
            headers.insert(name, value.parse().unwrap());
            let answer = server.send(request).await;
            let case = format!("{path} {name}: {value}");
            assert_eq!(answer.status.is_success(), status == 200, "{case}");
            assert_eq!(
                answer.headers.contains_key(SET_COOKIE),
                status == 200,
                "{case}"
            );
            if status == 403 {
                assert_eq!(answer.status, 403, "{case}");
                assert_eq!(answer.json()["code"], "cross_origin");
            }
        }
    }
    // Only the three accepted log-ins compute a hash.
    assert_eq!(log.lines("password hashed").len(), 3);
}

#[tokio::test]
async fn cookie_is_ignored_unless_it_is_a_credential_source() {
    for (source, by_cookie, by_header) in [
        (CredentialSource::header(), 401, 200),
        (CredentialSource::cookie(cookie()), 200, 401),
        (both(), 200, 200),
    ] {
        let server = server(source).await;
        let (_, token) = server.jane().await;
        let answer = server.send(with_cookie(&token, bare("GET", "/me"))).await;
        assert_eq!(answer.status, by_cookie);
        assert_eq!(server.me(&token).await.status, by_header);
    }
}

#[tokio::test]
async fn bearer_header_takes_precedence_over_the_cookie() {
    let server = server(both()).await;
    let (_, root) = server.admin().await;
    let (_, jane) = server.jane().await;
    let me = server
        .send(by(&jane, with_cookie(&root, bare("GET", "/me"))))
        .await;
    assert_eq!(me.json()["email"], "jane@example.org");
    let me = server
        .send(by("nonsense", with_cookie(&root, bare("GET", "/me"))))
        .await;
    assert_eq!(me.status, 401);
    let mut basic = with_cookie(&root, bare("GET", "/me"));
    basic
        .headers_mut()
        .insert("authorization", "Basic YTpi".parse().unwrap());
    let me = server.send(basic).await;
    assert_eq!(me.json()["email"], "root@example.org");
}

#[tokio::test]
async fn cross_origin_change_with_the_cookie_is_rejected() {
    let server = server(both()).await;
    let (_, root) = server.admin().await;
    let (jane, _) = server.jane().await;
    let user = format!("/users/{}", jane.id);
    let reset = format!("{user}/reset-password");
    let change = json!({"status": "disabled", "password": "another password"});
    let unsafe_requests = || {
        [
            json_to("PUT", &user, &change),
            json_to("POST", &reset, &change),
            bare("DELETE", &user),
        ]
    };
    for request in unsafe_requests() {
        let request = from("cross-site", with_cookie(&root, request));
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (403, CROSS_ORIGIN)
        );
        assert_eq!(server.stored(jane.id).await, jane);
    }
    // A link from another site.
    let link = from("cross-site", with_cookie(&root, bare("GET", "/users")));
    assert_eq!(server.send(link).await.status, 200);
    for request in unsafe_requests() {
        let request = from("same-origin", with_cookie(&root, request));
        assert!(server.send(request).await.status.is_success());
    }
}

#[tokio::test]
async fn token_routes_set_no_cookie() {
    let server = server(both()).await;
    let (_, token) = server.jane().await;
    for answer in [
        server.register("new@example.org").await,
        server.login("jane@example.org", PASSWORD).await,
        server.me(&token).await,
    ] {
        assert!(answer.status.is_success() && !answer.headers.contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn cookie_without_tls_is_set_without_prefix_and_secure() {
    let server = Server::new().await;
    server.jane().await;
    let plain = AuthCookie::dangerous_without_tls("id").unwrap();
    // Without the other routes, and without a layer.
    let routes = accounts::cookie_routes(accounts_of(&server, LIFETIME), plain);
    let app = Router::new().nest("/api/auth", routes);
    let answer = send(&app, form_to("/cookie/login", "jane@example.org", PASSWORD)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (200, Some("no-store"))
    );
    let line = answer.header("set-cookie").unwrap();
    assert!(
        line.starts_with("id=ey") && line.ends_with("HttpOnly; SameSite=Lax"),
        "{line}"
    );
    let answer = send(&app, bare("POST", "/cookie/logout")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (204, Some("no-store"))
    );
}

#[tokio::test]
async fn password_reset_invalidates_the_cookie() {
    let server = server(both()).await;
    let (_, root) = server.admin().await;
    let (jane, _) = server.jane().await;
    let token = token_in(&log_in(&server, "jane@example.org", PASSWORD).await);
    let me = async || {
        server
            .send(with_cookie(&token, bare("GET", "/me")))
            .await
            .status
    };
    assert_eq!(me().await, 200);
    server.reset(&root, jane.id, "another password").await;
    assert_eq!(me().await, 401);
}

#[tokio::test]
async fn cookie_from_before_disabling_stays_invalid_after_approval() {
    let server = server(both()).await;
    let (_, root) = server.admin().await;
    let (jane, _) = server.jane().await;
    for status in ["disabled", "pending"] {
        let token = token_in(&log_in(&server, "jane@example.org", PASSWORD).await);
        for (update, expected) in [(None, 200), (Some(status), 401), (Some("approved"), 401)] {
            if let Some(status) = update {
                let answer = server.put(&root, jane.id, json!({"status": status})).await;
                assert_eq!(answer.status, 200);
            }
            let me = server.send(with_cookie(&token, bare("GET", "/me"))).await;
            assert_eq!(me.status, expected, "{update:?}");
        }
    }
}

const CROSS_ORIGIN: &str = "Cross-origin request refused";
