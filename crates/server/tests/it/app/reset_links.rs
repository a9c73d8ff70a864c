//! Password resets by a link, and temporary passwords, on two nodes over one database.

use axum::Router;
use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use serde_json::json;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
use tower_warder_accounts::{
    AccountStore, Accounts, Actor, Email, Invitation, OneTimeTokens, Password, PasswordReset,
    Sessions, UserCreate,
};
use tower_warder_server::site::Site;

use crate::support::accounts::server::hasher;
use crate::support::{Answer, Place, get, send};

/// Two nodes, each with a pool of its own, and their accounts.
async fn nodes(place: &Place) -> [(Router, Accounts<impl AccountStore>); 2] {
    let secret = HmacSecret::generate();
    let node = async || {
        let store = place.open().await;
        let accounts = Accounts::new(store.clone(), JwtIssuer::hs256(&secret))
            .hasher(hasher())
            .sessions(Sessions::new(store.clone()))
            .one_time_tokens(OneTimeTokens::new(store));
        let app = tower_warder_server::app(
            accounts.clone(),
            JwtIssuer::hs256(&secret),
            JwtVerifier::hs256(&secret),
            tower_warder_server::origin::cookie(None).unwrap(),
            None,
            &Site::default(),
        );
        (app, accounts)
    };
    [node().await, node().await]
}

async fn reset(app: &Router, token: &str, password: &str) -> Answer {
    post_token(app, "/api/auth/reset-password", token, password).await
}

async fn post_token(app: &Router, path: &str, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password}).to_string();
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("host", "localhost");
    send(app, request.body(Body::from(body)).unwrap()).await
}

async fn log_in(app: &Router, password: &str) -> u16 {
    let body = format!("username=ada%40example.com&password={password}");
    let request = Request::post("/api/auth/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "localhost");
    let answer = send(app, request.body(Body::from(body)).unwrap()).await;
    answer.status.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_uses_of_a_link_set_one_password() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let nodes = nodes(&place).await;
        let email = Email::new("ada@example.com").unwrap();
        let new = UserCreate::new(email, Password::new("correct-horse").unwrap());
        let (_, accounts) = &nodes[0];
        let id = accounts.register(new).await.unwrap().id;
        let created = accounts.create_password_reset_token(id, Actor::System);
        let token = created.await.unwrap().token;
        let uses = (0..8).map(|number| {
            let (app, token) = (nodes[number % 2].0.clone(), token.clone());
            tokio::spawn(async move {
                let password = format!("battery-staple-{number}");
                (reset(&app, &token, &password).await, password)
            })
        });
        let mut set = Vec::new();
        for used in join_all(uses).await {
            let (answer, password) = used.unwrap();
            match answer.status.as_u16() {
                200 => set.push(password),
                status => assert_eq!(
                    (status, &answer.json()["code"]),
                    (400, &json!("invalid_one_time_token"))
                ),
            }
        }
        assert_eq!(set.len(), 1, "{set:?}");
        for (app, _) in &nodes {
            assert_eq!(log_in(app, "correct-horse").await, 401);
            assert_eq!(log_in(app, &set[0]).await, 200);
            assert_eq!(reset(app, &token, "another-staple").await.status, 400);
        }
    }
}

/// The owner and the admin are at different nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn temporary_password_races_with_its_change() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let nodes = nodes(&place).await;
        let email = Email::new("ada@example.com").unwrap();
        let new = UserCreate::new(email.clone(), Password::new("correct-horse").unwrap());
        let id = nodes[0].1.register(new).await.unwrap().id;
        let temporary = |password: &str| {
            let password = Password::new(password).unwrap();
            let reset = PasswordReset::new(password).must_change(true);
            let accounts = nodes[0].1.clone();
            async move { accounts.reset_password(id, reset, Actor::System).await }
        };
        temporary("temporary-0").await.unwrap();
        for round in 0..4 {
            let (password, next) = (
                format!("temporary-{round}"),
                format!("temporary-{}", round + 1),
            );
            for (app, _) in &nodes {
                assert_eq!(log_in(app, &password).await, 403);
            }
            let token = challenge(&nodes[1].0, &password).await;
            let change = tokio::spawn({
                let (app, token) = (nodes[1].0.clone(), token.clone());
                async move { reset(&app, &token, "battery-staple").await.status.as_u16() }
            });
            temporary(&next).await.unwrap();
            // Whichever is first, the admin's password is the last one, and has to be changed.
            assert!(matches!(change.await.unwrap(), 200 | 400));
            assert_eq!(log_in(&nodes[1].0, "battery-staple").await, 401);
            assert_eq!(
                reset(&nodes[0].0, &token, "battery-staple").await.status,
                400
            );
        }
        let token = challenge(&nodes[0].0, "temporary-4").await;
        assert_eq!(reset(&nodes[1].0, &token, "temporary-4").await.status, 422);
        assert_eq!(
            reset(&nodes[1].0, &token, "battery-staple").await.status,
            200
        );
        for (app, _) in &nodes {
            assert_eq!(log_in(app, "temporary-4").await, 401);
            assert_eq!(log_in(app, "battery-staple").await, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_acceptances_of_an_invitation_set_one_password() {
    for place in [Some(Place::sqlite()), Place::postgres().await] {
        let Some(place) = place else { continue };
        let nodes = nodes(&place).await;
        let ada = || Invitation::new(Email::new("ada@example.com").unwrap()).admin(true);
        let (_, accounts) = &nodes[0];
        let (_, first) = accounts.invite(ada(), Actor::System).await.unwrap();
        let (_, created) = accounts.invite(ada(), Actor::System).await.unwrap();
        let uses = (0..8).map(|number| {
            let (app, token) = (nodes[number % 2].0.clone(), created.token.clone());
            tokio::spawn(async move {
                let password = format!("battery-staple-{number}");
                let path = "/api/auth/accept-invitation";
                (post_token(&app, path, &token, &password).await, password)
            })
        });
        let mut set = Vec::new();
        for used in join_all(uses).await {
            let (answer, password) = used.unwrap();
            match answer.status.as_u16() {
                200 => set.push(password),
                status => assert_eq!(
                    (status, &answer.json()["code"]),
                    (400, &json!("invalid_one_time_token"))
                ),
            }
        }
        assert_eq!(set.len(), 1, "{set:?}");
        for (app, _) in &nodes {
            assert_eq!(log_in(app, &set[0]).await, 200);
            for token in [&first.token, &created.token] {
                let path = "/api/auth/accept-invitation";
                let answer = post_token(app, path, token, "another-staple").await;
                assert_eq!(answer.status, 400);
            }
        }
    }
}

/// Logs in with a temporary password by the form of the page, and returns the token.
async fn challenge(app: &Router, password: &str) -> String {
    let body = format!("username=ada%40example.com&password={password}");
    let request = Request::post("/login")
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "localhost");
    let answer = send(app, request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("set-cookie"), None);
    let page = answer.header("location").unwrap();
    let token = page.strip_prefix("/reset-password?temporary#").unwrap();
    assert_eq!(token.len(), 43);
    token.to_owned()
}

#[tokio::test]
async fn link_routes_are_documented_and_the_page_is_public() {
    let place = Place::sqlite();
    let [(app, _), _] = nodes(&place).await;
    let document = send(&app, get("/api/openapi.json")).await.json();
    for path in [
        "/api/auth/accept-invitation",
        "/api/auth/invitations",
        "/api/auth/reset-password",
        "/api/auth/users/{id}/password-reset-token",
    ] {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
    for (page, route) in [
        ("/reset-password", "reset-password"),
        ("/accept-invitation", "accept-invitation"),
    ] {
        let answer = send(&app, get(page)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(&format!("data-route=\"{route}\"")));
        let redirected = send(&app, get(&format!("{page}/"))).await;
        assert_eq!(redirected.header("location"), Some(page));
    }
}
