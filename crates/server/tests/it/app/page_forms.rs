//! Forms of the pages, as a browser without JavaScript sends them.

use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::request::Builder;
use serde_json::{Value, json};
use tower_warder::UserStatus;
use tower_warder_accounts::{Actor, UserAction, UserChange, UserUpdate};

use super::pages::{ADA, BROWSER, Site};
use crate::support::{Answer, send};

fn form(path: &str) -> Builder {
    Request::post(path)
        .header("accept", BROWSER)
        .header("content-type", "application/x-www-form-urlencoded")
}

async fn post(app: &Router, path: &str, body: &str) -> Answer {
    send(app, form(path).body(Body::from(body.to_owned())).unwrap()).await
}

/// `name=value` of the cookie that this answer sets.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let lines = answer.headers.get_all("set-cookie").iter();
    let mut pairs = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap());
    let found = pairs.find(|pair| pair.split_once('=').unwrap().0 == name);
    found.map(str::to_owned)
}

async fn get_with(app: &Router, path: &str, cookie: &str) -> Answer {
    get_as(app, path, cookie, BROWSER).await
}

async fn get_as(app: &Router, path: &str, cookie: &str, accept: &str) -> Answer {
    let request = Request::get(path)
        .header("accept", accept)
        .header("cookie", cookie);
    send(app, request.body(Body::empty()).unwrap()).await
}

/// What the script of the waiting page gets.
async fn status_of(app: &Router, cookie: &str) -> Answer {
    get_as(app, "/waiting/status", cookie, "*/*").await
}

async fn change(site: &Site, status: UserStatus) {
    let update = UserUpdate {
        status: Some(status),
        ..UserUpdate::default()
    };
    act(site, UserAction::Update(update)).await;
}

async fn act(site: &Site, action: UserAction) {
    let change = UserChange {
        id: GUS,
        action,
        by: Actor::System,
        at: SystemTime::now(),
    };
    site.store.change(&change).await.unwrap();
}

const LOGIN: &str = "username=ada%40example.com&password=correct+horse";

#[tokio::test]
async fn log_in_form_sets_the_cookie_and_leads_on() {
    let site = Site::new().await;
    for (query, expected) in [
        ("", "/profile"),
        ("?ended&next=%2Fusers", "/users"),
        ("?next=//evil.example", "/profile"),
        ("?next=/%09/evil.example", "/profile"),
    ] {
        let answer = post(&site.app, &format!("/login{query}"), LOGIN).await;
        assert_eq!(answer.status, 303, "{query}");
        assert_eq!(answer.header("location"), Some(expected), "{query}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.body, "");
        let cookie = cookie(&answer, "tower_warder").unwrap();
        assert_eq!(get_with(&site.app, "/profile", &cookie).await.status, 200);
    }
}

#[tokio::test]
async fn log_out_form_clears_the_cookie() {
    let site = Site::new().await;
    let token = site.issuer.issue(ADA).unwrap();
    let request = form("/logout").header("cookie", format!("tower_warder={token}"));
    let answer = send(&site.app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/login"));
    assert_eq!(
        cookie(&answer, "tower_warder").as_deref(),
        Some("tower_warder=")
    );
}

#[tokio::test]
async fn refused_form_shows_the_page_with_a_message() {
    let site = Site::new().await;
    let long = format!("username=ada%40example.com&password={}", "x".repeat(9000));
    for (path, body, status, message) in [
        (
            "/login",
            "username=ada%40example.com&password=x",
            401,
            "E-mail or password is wrong.",
        ),
        (
            "/login",
            "username=eve%40example.com&password=correct+horse",
            403,
            "account is disabled",
        ),
        (
            "/login",
            "username=&password=x",
            422,
            "Enter your e-mail address.",
        ),
        (
            "/login",
            "username=a&username=b&password=x",
            422,
            "Something went wrong.",
        ),
        (
            "/login",
            "username=%ff&password=x",
            422,
            "Something went wrong.",
        ),
        ("/login", &long, 413, "This is too long."),
        (
            "/register",
            "email=ada%40example.com&password=correct+horse",
            409,
            "account with this e-mail",
        ),
        (
            "/register",
            "email=x&password=correct+horse",
            422,
            "It should look like",
        ),
        (
            "/register",
            "email=x%40example.com&password=short",
            422,
            "8 to 128 characters",
        ),
        ("/register", "", 422, "It should look like"),
    ] {
        let answer = post(&site.app, path, body).await;
        assert_eq!(answer.status, status, "{path} {body}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
        assert!(answer.headers.get("set-cookie").is_none(), "{path} {body}");
        let (_, alert) = answer.body.split_once("role=\"alert\">").unwrap();
        assert!(
            alert.split("</p>").next().unwrap().contains(message),
            "{path} {body}"
        );
        assert!(
            !answer.body.contains("correct horse"),
            "the password is not in the page"
        );
    }
}

#[tokio::test]
async fn address_of_a_refused_form_is_text() {
    let site = Site::new().await;
    for path in ["/login", "/register"] {
        let attack = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%7B%7Berror%7D%7D'%20autofocus";
        let answer = post(
            &site.app,
            path,
            &format!("email={attack}&username={attack}&password=x"),
        )
        .await;
        let escaped =
            "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{error}}&#39; autofocus\"";
        assert!(answer.body.contains(escaped), "{path}");
        assert!(!answer.body.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn form_of_another_origin_is_refused() {
    let site = Site::new().await;
    let token = site.issuer.issue(ADA).unwrap();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:1"),
    ] {
        for (path, body) in [
            ("/login", LOGIN),
            (
                "/register",
                "email=new%40example.com&password=correct+horse",
            ),
            ("/logout", ""),
        ] {
            // Without a cookie, too: the attacker would log the user in to an account of their own.
            for cookie in [None, Some(format!("tower_warder={token}"))] {
                let mut request = form(path).header("host", "localhost").header(name, value);
                if let Some(cookie) = cookie {
                    request = request.header("cookie", cookie);
                }
                let answer = send(&site.app, request.body(Body::from(body)).unwrap()).await;
                assert_eq!(answer.status, 403, "{path} {name}: {value}");
                assert!(
                    answer.headers.get("set-cookie").is_none(),
                    "{path} {name}: {value}"
                );
                assert_eq!(
                    answer.header("content-type"),
                    Some("text/html; charset=utf-8")
                );
            }
        }
    }
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://localhost"),
        ("x-no-browser", "curl"),
    ] {
        let request = form("/login")
            .header("host", "localhost")
            .header(name, value);
        let answer = send(&site.app, request.body(Body::from(LOGIN)).unwrap()).await;
        assert_eq!(answer.status, 303, "{name}: {value}");
    }
    // Nothing was registered.
    let new = "username=new%40example.com&password=correct+horse";
    assert_eq!(post(&site.app, "/login", new).await.status, 401);
}

#[tokio::test]
async fn other_media_type_is_refused() {
    let site = Site::new().await;
    for content_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        for path in ["/login", "/register"] {
            let request = Request::post(path)
                .header("accept", BROWSER)
                .header("content-type", content_type);
            let answer = send(&site.app, request.body(Body::from(LOGIN)).unwrap()).await;
            assert_eq!(answer.status, 415, "{path} {content_type}");
        }
    }
}

#[tokio::test]
async fn scripts_get_the_answer_of_the_api() {
    let site = Site::new().await;
    let ask = async |path: &str, body: &str| {
        let request = Request::post(path)
            .header("accept", "*/*")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()))
            .unwrap();
        send(&site.app, request).await
    };
    let answer = ask("/login?next=%2Fusers", LOGIN).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (200, None)
    );
    assert_eq!(answer.json()["email"], "ada@example.com");
    assert!(cookie(&answer, "tower_warder").is_some());
    let answer = ask("/login", "username=ada%40example.com&password=x").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["code"], "invalid_credentials");
    let answer = ask(
        "/register",
        "email=a%40example.com&password=correct+horse&is_admin=true",
    )
    .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(answer.json()["is_admin"], false);
    assert_eq!(ask("/logout", "").await.status, 204);
}

#[tokio::test]
async fn waiting_page_shows_the_status_to_its_applicant_only() {
    let site = Site::new().await;
    let new = "email=Gus%40example.com&password=correct+horse";
    let answer = post(&site.app, "/register", new).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/waiting"));
    assert!(cookie(&answer, "tower_warder").is_none());
    let registered = cookie(&answer, "tower_warder_waiting").unwrap();

    // The same after a log-in with the right password, and only with that.
    let with_password = async |password: &str| {
        let body = format!("username=gus%40example.com&password={password}");
        post(&site.app, "/login", &body).await
    };
    let answer = with_password("correct+horse").await;
    assert_eq!(answer.header("location"), Some("/waiting"));
    let logged_in = cookie(&answer, "tower_warder_waiting").unwrap();
    assert_eq!(
        cookie(&with_password("wrong").await, "tower_warder_waiting"),
        None
    );

    let status = async |cookie: &str| status_of(&site.app, cookie).await.json();
    for cookie in [&registered, &logged_in] {
        assert_eq!(status(cookie).await, json!({"status": "pending"}));
        assert_eq!(get_with(&site.app, "/waiting", cookie).await.status, 200);
    }
    change(&site, UserStatus::Approved).await;
    assert_eq!(status(&registered).await, json!({"status": "approved"}));
    let answer = get_with(&site.app, "/waiting", &registered).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, Some("/login"))
    );
    change(&site, UserStatus::Disabled).await;
    assert_eq!(status(&registered).await, json!({"status": "rejected"}));
    act(&site, UserAction::Delete).await;
    assert_eq!(status(&registered).await, json!({"status": "rejected"}));
    assert_eq!(
        get_with(&site.app, "/waiting", &registered).await.status,
        200
    );

    // Anyone else learns nothing.
    let access = site.issuer.issue("ada@example.com").unwrap();
    for cookie in [
        String::new(),
        "tower_warder_waiting=nonsense".to_owned(),
        format!("tower_warder_waiting={access}"),
        format!("tower_warder={}", registered.split_once('=').unwrap().1),
    ] {
        assert_eq!(
            status(&cookie).await,
            json!({"status": "unknown"}),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn cookie_of_the_waiting_page_is_no_log_in() {
    let site = Site::new().await;
    let new = "email=gus%40example.com&password=correct+horse";
    let answer = post(&site.app, "/register", new).await;
    let cookie = cookie(&answer, "tower_warder_waiting").unwrap();
    let (_, token) = cookie.split_once('=').unwrap();
    change(&site, UserStatus::Approved).await;
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("cookie", format!("tower_warder={token}")),
        ("cookie", cookie.clone()),
    ] {
        let request = Request::get("/api/auth/me").header(name, &value);
        let answer = send(&site.app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}: {value}");
    }
}

#[tokio::test]
async fn waiting_page_survives_an_outage() {
    let site = Site::new().await;
    let new = "email=gus%40example.com&password=correct+horse";
    let cookie = cookie(
        &post(&site.app, "/register", new).await,
        "tower_warder_waiting",
    )
    .unwrap();
    site.store.close().await;
    assert_eq!(get_with(&site.app, "/waiting", &cookie).await.status, 200);
    let answer = status_of(&site.app, &cookie).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], Value::from("unavailable"));
    let answer = post(&site.app, "/login", LOGIN).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.body.contains("Try again in a moment"));
}

/// The account after the three of the site.
const GUS: i64 = 4;
