//! Ends of the sessions of cookies, and tokens that are none of them.

use std::iter::repeat_n;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::COOKIE;
use serde_json::json;
use tower_warder::cache::UserCache;
use tower_warder::credentials::AuthCookie;
use tower_warder::{AuthLayer, UserLoader, testing};
use tower_warder_accounts::{
    self as accounts, AccountError, InMemoryAccountStore, InMemorySessionStore, SessionKind,
    SessionStore, Sessions,
};

use super::super::cookie::browser::{form_to, from as from_site, token_in, with_cookie};
use super::super::server::{PASSWORD, bare, by, json_to};
use super::client::{
    Tokens, accounts_of, assert_invalid_grant, cached, cached_over, jane, log_in, log_in_by_cookie,
    logging_out, over, refresh, renewed, server, sessions, sessions_with, status_with,
};
use super::staged::StagedSessions;
use crate::support::{Trace, send};

const NEW: &str = "another password";

#[tokio::test]
async fn log_out_ends_every_copy_of_the_cookie() {
    for server in [server(), cached()] {
        let tokens = jane(&server).await;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        let elsewhere = log_in_by_cookie(&server, "jane@example.org").await;
        assert_eq!(status_with(&server, &cookie).await, 200);
        let ticket = with_cookie(&cookie, bare("POST", "/stream-ticket"));
        let ticket = server.send(ticket).await.json();
        let log_out = || with_cookie(&cookie, bare("POST", "/cookie/logout"));
        assert_eq!(server.send(log_out()).await.status, 204);

        assert_eq!(status_with(&server, &cookie).await, 401);
        assert_eq!(server.me(&cookie).await.status, 401);
        let path = format!("/me?token={}", ticket["ticket"].as_str().unwrap());
        assert_eq!(server.send(bare("GET", &path)).await.status, 401);
        assert_eq!(server.send(log_out()).await.status, 204);
        assert_eq!(sessions_with(&server, &elsewhere).await.len(), 2);
        renewed(&server, &tokens.refresh).await;
    }
}

#[tokio::test]
async fn log_out_ends_the_cookie_beside_a_bearer_token() {
    for bearer in [None, Some("nonsense"), Some("Jane's")] {
        let server = server();
        let (_, janes) = server.jane().await;
        let cookie = log_in_by_cookie(&server, "jane@example.org").await;
        let mut log_out = with_cookie(&cookie, bare("POST", "/cookie/logout"));
        if let Some(bearer) = bearer {
            log_out = by(if bearer == "nonsense" { bearer } else { &janes }, log_out);
        }
        assert_eq!(server.send(log_out).await.status, 204);
        assert_eq!(status_with(&server, &cookie).await, 401, "{bearer:?}");
        assert_eq!(server.me(&janes).await.status, 200);
    }
}

fn with_cookies<'a>(
    tokens: impl IntoIterator<Item = &'a str>,
    mut request: Request<Body>,
) -> Request<Body> {
    let pairs = tokens.into_iter().map(|token| format!("__Host-id={token}"));
    let line = pairs.collect::<Vec<_>>().join("; ");
    let headers = request.headers_mut();
    headers.insert(COOKIE, line.parse().unwrap());
    request
}

#[tokio::test]
async fn request_that_ends_no_session_invalidates_nothing() {
    let store = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&store));
    let (jane, _) = server.jane().await;
    let (root, _) = server.admin().await;
    let published = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&published);
    let cache = UserCache::new(64).on_invalidate(move |it| seen.lock().unwrap().push(it));
    let accounts = accounts_of(&server, Sessions::new(Arc::clone(&store))).user_cache(cache);
    let published = || published.lock().unwrap().drain(..).count();
    let open = async |user| {
        accounts.open_session(user, "").await.unwrap();
        accounts.list_sessions(user).await.unwrap()[0].id.clone()
    };
    let (mine, roots) = (open(&jane).await, open(&root).await);

    for id in ["A".repeat(22), roots] {
        let ended = accounts.end_session(&jane, &id).await;
        assert!(matches!(ended, Err(AccountError::SessionNotFound)));
        assert_eq!(published(), 0);
    }
    let others = accounts.end_other_sessions(&jane, Some(&mine)).await;
    assert_eq!((others.is_ok(), published()), (true, 0));
    // A session that is ended, and one that may have been.
    store.fails(&["end"]);
    assert!(accounts.end_session(&jane, &mine).await.is_err());
    assert_eq!(published(), 1);
    assert!(accounts.end_other_sessions(&jane, None).await.is_err());
    assert_eq!(published(), 1);
    store.fails(&[]);
    assert!(accounts.end_session(&jane, &mine).await.is_ok());
    assert_eq!(published(), 1);
    open(&jane).await;
    assert!(accounts.end_other_sessions(&jane, None).await.is_ok());
    assert_eq!(published(), 1);
}

#[tokio::test]
async fn log_out_ends_each_cookie_that_was_sent() {
    let server = server();
    server.admin().await;
    server.jane().await;
    for (planted_first, lines) in [(true, 1), (false, 1), (true, 2)] {
        let mine = log_in_by_cookie(&server, "jane@example.org").await;
        let planted = log_in_by_cookie(&server, "root@example.org").await;
        let sent = match planted_first {
            true => [&*planted, "nonsense", &mine],
            false => [&*mine, &mine, &planted],
        };
        let mut log_out = with_cookies(sent, bare("POST", "/cookie/logout"));
        if lines == 2 {
            log_out = with_cookies([&*planted], log_out);
            let line = format!("__Host-id={mine}").parse().unwrap();
            log_out.headers_mut().append(COOKIE, line);
        }
        let answer = server.send(log_out).await;
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        assert_eq!(status_with(&server, &mine).await, 401);
        assert_eq!(status_with(&server, &planted).await, 401);
    }
    // A log-in does the same.
    let mine = log_in_by_cookie(&server, "jane@example.org").await;
    let log_in = form_to("/cookie/login", "jane@example.org", PASSWORD);
    let answer = server.send(with_cookies(["nonsense", &mine], log_in)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(status_with(&server, &mine).await, 401);
}

#[tokio::test]
async fn log_out_with_too_many_cookies_is_an_error() {
    let store = Arc::new(StagedSessions::new());
    let server = over(InMemoryAccountStore::new(), Arc::clone(&store));
    server.jane().await;
    let mine = log_in_by_cookie(&server, "jane@example.org").await;
    let sent = |planted: usize| repeat_n("nonsense", planted).chain([&*mine]);
    let log_out = |planted| with_cookies(sent(planted), bare("POST", "/cookie/logout"));
    store.calls();
    let answer = server.send(log_out(8)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["code"], "invalid_request");
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(store.calls(), [""; 0]);
    assert_eq!(status_with(&server, &mine).await, 200);
    // They do not prevent a log-in.
    let log_in = form_to("/cookie/login", "jane@example.org", PASSWORD);
    let answer = server.send(with_cookies(sent(100), log_in)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(server.send(log_out(7)).await.status, 204);
    assert_eq!(status_with(&server, &mine).await, 401);
}

#[tokio::test]
async fn log_in_ends_the_session_that_the_browser_had() {
    let server = server();
    server.admin().await;
    server.jane().await;
    let log_in = async |email: &str, password: &str, cookie: &str| {
        let request = with_cookie(cookie, form_to("/cookie/login", email, password));
        server.send(request).await
    };
    let first = log_in_by_cookie(&server, "jane@example.org").await;
    let elsewhere = log_in_by_cookie(&server, "jane@example.org").await;
    // A failed log-in ends nothing.
    let failed = log_in("jane@example.org", "wrong password", &first).await;
    assert_eq!(failed.status, 401);
    assert_eq!(status_with(&server, &first).await, 200);
    let second = token_in(&log_in("jane@example.org", PASSWORD, &first).await);
    assert_eq!(status_with(&server, &first).await, 401);
    // Of another account, too: an attacker may have planted it.
    let third = token_in(&log_in("root@example.org", PASSWORD, &second).await);
    assert_eq!(status_with(&server, &second).await, 401);
    // A cookie of no session does not prevent a log-in.
    for dead in [&*first, "nonsense"] {
        assert_eq!(log_in("jane@example.org", PASSWORD, dead).await.status, 200);
    }
    for alive in [elsewhere, third] {
        assert_eq!(status_with(&server, &alive).await, 200);
    }
}

#[tokio::test]
async fn owner_ends_sessions_of_both_kinds() {
    let server = server();
    let tokens = jane(&server).await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    let other = log_in_by_cookie(&server, "jane@example.org").await;
    let end = async |id: &serde_json::Value, request: fn(&str, _) -> _, token: &str| {
        let path = format!("/sessions/{}", id.as_str().unwrap());
        server.send(request(token, bare("DELETE", &path))).await
    };
    let current = |listed: &[serde_json::Value]| {
        let found = listed.iter().find(|it| it["is_current"] == true);
        found.unwrap()["id"].clone()
    };
    // A cookie by a cookie, a refresh token by a cookie, a cookie by a bearer token.
    let id = current(&sessions_with(&server, &other).await);
    assert_eq!(end(&id, with_cookie, &cookie).await.status, 204);
    assert_eq!(status_with(&server, &other).await, 401);
    let id = current(&sessions(&server, &tokens.access).await);
    assert_eq!(end(&id, with_cookie, &cookie).await.status, 204);
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    let id = current(&sessions_with(&server, &cookie).await);
    assert_eq!(end(&id, by, &tokens.access).await.status, 204);
    assert_eq!(status_with(&server, &cookie).await, 401);
}

#[tokio::test]
async fn other_sessions_end_and_the_own_one_goes_on() {
    for server in [server(), cached()] {
        let (root, bearer) = server.admin().await;
        let roots = log_in_by_cookie(&server, &root.email).await;
        let phone = jane(&server).await;
        let [mine, other] = [
            log_in_by_cookie(&server, "jane@example.org").await,
            log_in_by_cookie(&server, "jane@example.org").await,
        ];
        let end = || bare("POST", "/sessions/end-others");
        assert_eq!(server.send(with_cookie(&mine, end())).await.status, 204);
        assert_eq!(status_with(&server, &mine).await, 200);
        assert_eq!(status_with(&server, &other).await, 401);
        assert_invalid_grant(&refresh(&server, &phone.refresh).await);
        assert_eq!(sessions_with(&server, &mine).await.len(), 1);

        let phone = log_in(&server, "jane@example.org").await;
        assert_eq!(server.send(by(&phone.access, end())).await.status, 204);
        assert_eq!(status_with(&server, &mine).await, 401);
        renewed(&server, &phone.refresh).await;

        // A token of no session has no session to keep, and stays valid.
        assert_eq!(status_with(&server, &roots).await, 200);
        assert_eq!(server.send(by(&bearer, end())).await.status, 204);
        assert_eq!(status_with(&server, &roots).await, 401);
        assert_eq!(server.me(&bearer).await.status, 200);
        assert_eq!(server.send(end()).await.status, 401);
    }
}

#[tokio::test]
async fn password_change_renews_the_cookie_and_ends_the_others() {
    for server in [server(), cached()] {
        let phone = jane(&server).await;
        let [mine, other] = [
            log_in_by_cookie(&server, "jane@example.org").await,
            log_in_by_cookie(&server, "jane@example.org").await,
        ];
        let before = sessions_with(&server, &mine).await;
        let change = |current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            json_to("POST", "/password", &body)
        };
        let wrong = server.send(with_cookie(&mine, change("wrong", NEW))).await;
        assert_eq!(
            (wrong.status.as_u16(), wrong.header("set-cookie")),
            (403, None)
        );
        let answer = server.send(with_cookie(&mine, change(PASSWORD, NEW))).await;
        // A page never sees a token.
        assert_eq!((answer.status.as_u16(), &*answer.body), (204, ""));
        let renewed = token_in(&answer);
        for dead in [&mine, &other] {
            assert_eq!(status_with(&server, dead).await, 401);
        }
        assert_eq!(server.me(&phone.access).await.status, 401);
        assert_invalid_grant(&refresh(&server, &phone.refresh).await);
        // The same session.
        let after = sessions_with(&server, &renewed).await;
        let mine = before.iter().find(|it| it["is_current"] == true).unwrap();
        assert_eq!(after, std::slice::from_ref(mine));

        // The token of a cookie that was sent in the header comes back as it was sent.
        let answer = server.send(by(&renewed, change(NEW, PASSWORD))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("set-cookie")),
            (200, None)
        );
        let again = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(answer.json().get("refresh_token"), None);
        assert_eq!(status_with(&server, &renewed).await, 401);
        assert_eq!(status_with(&server, &again).await, 200);
    }
}

#[tokio::test]
async fn end_of_all_tokens_ends_the_cookies() {
    for server in [server(), cached()] {
        let (_, root) = server.admin().await;
        let (jane, _) = server.jane().await;
        let id = jane.id;
        for end in [
            "logout-all",
            "logout-all by bearer",
            "disable",
            "reset",
            "delete",
        ] {
            let cookie = log_in_by_cookie(&server, "jane@example.org").await;
            let phone = Tokens::of(&server.login("jane@example.org", PASSWORD).await);
            assert_eq!(status_with(&server, &cookie).await, 200);
            let answer = match end {
                "logout-all" => {
                    let all = with_cookie(&cookie, bare("POST", "/logout-all"));
                    server.send(all).await
                }
                "logout-all by bearer" => {
                    let all = by(&phone.access, bare("POST", "/logout-all"));
                    server.send(all).await
                }
                "disable" => server.put(&root, id, json!({"status": "disabled"})).await,
                "reset" => server.reset(&root, id, PASSWORD).await,
                _ => server.delete(&root, id).await,
            };
            assert!(answer.status.is_success(), "{end}: {}", answer.body);
            assert_eq!(status_with(&server, &cookie).await, 401, "{end}");
            if end == "disable" {
                let answer = server.put(&root, id, json!({"status": "approved"})).await;
                assert_eq!(answer.status, 200);
                assert_eq!(status_with(&server, &cookie).await, 401, "{end}");
            }
        }
    }
}

#[tokio::test]
async fn page_of_another_origin_ends_no_session() {
    let server = server();
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    let id = sessions_with(&server, &cookie).await[0]["id"].clone();
    let id = id.as_str().unwrap();
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    let requests = || {
        [
            bare("POST", "/cookie/logout"),
            bare("POST", "/logout-all"),
            bare("POST", "/sessions/end-others"),
            bare("DELETE", &format!("/sessions/{id}")),
            json_to("POST", "/password", &body),
            form_to("/cookie/login", "jane@example.org", PASSWORD),
        ]
    };
    for site in ["cross-site", "same-site"] {
        for request in requests() {
            let asked = request.uri().clone();
            let answer = server
                .send(from_site(site, with_cookie(&cookie, request)))
                .await;
            assert_eq!(answer.status, 403, "{asked}");
            assert_eq!(answer.json()["code"], "cross_origin");
            assert_eq!(status_with(&server, &cookie).await, 200, "{asked}");
        }
    }
}

#[tokio::test]
async fn tokens_of_one_kind_are_not_of_the_other() {
    let store = InMemorySessionStore::new();
    let server = over(InMemoryAccountStore::new(), store.clone());
    let tokens = jane(&server).await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    assert_invalid_grant(&refresh(&server, &cookie).await);
    assert_eq!(server.send(logging_out(&cookie)).await.status, 204);
    assert_eq!(status_with(&server, &cookie).await, 200);
    assert_eq!(status_with(&server, &tokens.refresh).await, 401);
    assert_eq!(server.me(&tokens.refresh).await.status, 401);

    // Even if the row of the refresh token were one of a cookie.
    let rows = store.list(1).await.unwrap();
    let row = |kind| rows.iter().find(|row| row.kind() == kind).unwrap().clone();
    let mut mixed = row(SessionKind::RefreshToken);
    mixed.token = row(SessionKind::Cookie).token;
    store.end(&mixed.id, 1).await.unwrap();
    store.open(mixed.clone(), 9).await.unwrap();
    assert_invalid_grant(&refresh(&server, &tokens.refresh).await);
    assert_eq!(server.send(logging_out(&tokens.refresh)).await.status, 204);
    assert_eq!(store.find(&mixed.id).await.unwrap(), Some(mixed));
}

#[tokio::test]
async fn token_that_names_no_session_of_a_cookie_is_rejected() {
    let store = Arc::new(StagedSessions::new());
    for server in [
        over(InMemoryAccountStore::new(), Arc::clone(&store)),
        cached_over(Arc::clone(&store)),
    ] {
        let tokens = jane(&server).await;
        log_in_by_cookie(&server, "jane@example.org").await;
        let listed = sessions(&server, &tokens.access).await;
        let id = |kind: &str| {
            let found = listed.iter().find(|it| it["kind"] == kind);
            found.unwrap()["id"].as_str().unwrap().to_owned()
        };
        let issue = |claims: serde_json::Value, generation: u64| {
            let issuer = testing::issuer().clock(server.clock.clock());
            let token = issuer.token("1").generation(generation).claims(&claims);
            token.issue().unwrap()
        };
        let of = |sid: &str| json!({"session_kind": "cookie", "sid": sid});
        store.calls();
        for (claims, generation, status, look_ups) in [
            (of(&id("cookie")), 0, 200, 1),
            (of(&id("cookie")), 1, 401, 1),
            (of(&id("refresh_token")), 0, 401, 1),
            (of(&"A".repeat(22)), 0, 401, 1),
            (of(""), 0, 401, 0),
            (of("\0"), 0, 401, 0),
            (of(&"A".repeat(4000)), 0, 401, 0),
            (json!({"session_kind": "cookie"}), 0, 401, 0),
            (json!({"session_kind": "cookie", "sid": 1}), 0, 401, 0),
            // Access tokens, and whatever an application puts into its own.
            (json!({"sid": id("refresh_token")}), 0, 200, 0),
            (json!({"session_kind": "other"}), 0, 200, 0),
            (json!({"session_kind": ["cookie"]}), 0, 200, 0),
            (json!({"note": "session_kind"}), 0, 200, 0),
        ] {
            let asked = claims.to_string();
            let token = issue(claims, generation);
            assert_eq!(status_with(&server, &token).await, status, "{asked}");
            assert_eq!(store.calls().len(), look_ups, "{asked}");
        }
        // Another issuer's claims may have another meaning.
        let them = testing::issuer().issuer("them").clock(server.clock.clock());
        let claims = of(&id("cookie"));
        let token = them.token("1").claims(&claims).issue().unwrap();
        assert_eq!(status_with(&server, &token).await, 401);
        assert_eq!(store.calls(), [""; 0]);
    }
}

/// Such as one that was issued before sessions were configured.
#[tokio::test]
async fn cookie_without_a_session_works_until_it_expires() {
    let server = server();
    let (_, token) = server.jane().await;
    assert_eq!(status_with(&server, &token).await, 200);
    assert_eq!(sessions_with(&server, &token).await.len(), 0);
    let log_out = with_cookie(&token, bare("POST", "/cookie/logout"));
    let answer = server.send(log_out).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(status_with(&server, &token).await, 200);
    let all = with_cookie(&token, bare("POST", "/logout-all"));
    assert_eq!(server.send(all).await.status, 204);
    assert_eq!(status_with(&server, &token).await, 401);
}

#[tokio::test]
async fn log_in_is_refused_unless_a_layer_looks_sessions_up() {
    let server = server();
    let (jane, _) = server.jane().await;
    let accounts = accounts_of(&server, Sessions::new(InMemorySessionStore::new()));
    let error = accounts.open_cookie_session(&jane, "").await.unwrap_err();
    assert!(matches!(error, AccountError::SessionsNotChecked));

    // A layer of a loader that calls the accounts, and does not pass their verifier on.
    let loader = accounts.clone();
    let loader = move |claims: tower_warder::Claims| {
        let loader = loader.clone();
        async move { loader.load_user(&claims).await }
    };
    let cookie = AuthCookie::new("id").unwrap();
    let routes = accounts::cookie_routes(accounts.clone(), cookie);
    let verifier = || testing::verifier().clock(server.clock.clock());
    let app = |layer: AuthLayer<accounts::User>| {
        let app = Router::new().nest("/api/auth", routes.clone());
        app.layer(layer)
    };
    let log_in = || form_to("/cookie/login", "jane@example.org", PASSWORD);
    let log = Trace::record();
    let answer = send(&app(AuthLayer::new(verifier(), loader)), log_in()).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["code"], "misconfigured");
    assert!(
        log.text().contains("UserLoader::wrap_verifier"),
        "{}",
        log.text()
    );
    let app = app(AuthLayer::new(verifier(), Arc::new(accounts)));
    assert_eq!(send(&app, log_in()).await.status, 200);
}

#[tokio::test]
async fn end_of_a_session_is_a_reason_of_its_own() {
    let server = server();
    server.jane().await;
    let cookie = log_in_by_cookie(&server, "jane@example.org").await;
    let all = with_cookie(&cookie, bare("POST", "/cookie/logout"));
    server.send(all).await;
    let log = Trace::record();
    let answer = server.send(with_cookie(&cookie, bare("GET", "/me"))).await;
    assert_eq!(answer.json()["code"], "invalid_token");
    assert!(log.text().contains("session_ended"), "{}", log.text());
}
