//! Change of the own address.

use http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tower_warder_accounts::throttle::Throttle;
use tower_warder_accounts::{
    Email, InMemoryAccountStore, Mail, MailPurpose, UserAction, UserUpdate,
};

use super::cookie::browser::with_cookie;
use super::forgot_password::{PAGES, next, none_left, outbox, server_with, token_of};
use super::password_reset::{assert_invalid, reset_by_token};
use super::server::{Approved, Disabled, PASSWORD, Server, by, json_to};
use super::sessions::client::{
    HOUR, MINUTE, SECOND, log_in, log_in_by_cookie, refresh, status_with,
};
use super::throttle::from;
use crate::support::{Answer, Trace};

const JANE: &str = "jane@example.org";
const NEW: &str = "jane@example.net";

fn server() -> (Server, UnboundedReceiver<Mail>) {
    let (outbox, mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| accounts);
    (server, mails)
}

async fn ask_with(server: &Server, token: &str, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    server
        .send(by(token, json_to("POST", "/me/email", &body)))
        .await
}

async fn ask(server: &Server, token: &str, email: &str) -> Answer {
    ask_with(server, token, email, PASSWORD).await
}

async fn confirm(server: &Server, token: &str) -> Answer {
    server
        .send(json_to("POST", "/change-email", &json!({"token": token})))
        .await
}

/// Returns the next two mails: the link, and the notice.
async fn both(mails: &mut UnboundedReceiver<Mail>) -> (Mail, Mail) {
    let (one, other) = (next(mails).await, next(mails).await);
    match one.purpose {
        MailPurpose::ChangeEmail => (one, other),
        _ => (other, one),
    }
}

/// Requests a change, and returns the token of the link.
async fn requested(
    server: &Server,
    mails: &mut UnboundedReceiver<Mail>,
    token: &str,
    email: &str,
) -> String {
    assert_eq!(ask(server, token, email).await.status, 202);
    let (link, notice) = both(mails).await;
    assert_eq!((&*link.to, link.purpose), (email, MailPurpose::ChangeEmail));
    assert_eq!(notice.purpose, MailPurpose::EmailChangeRequested);
    token_of(link)
}

#[tokio::test]
async fn address_is_changed_when_the_new_one_is_confirmed() {
    let log = Trace::record();
    let (server, mut mails) = server();
    let (jane, old) = server.jane().await;
    let session = log_in(&server, JANE).await;
    let cookie = log_in_by_cookie(&server, JANE).await;
    assert_eq!(ask(&server, &old, "Jane@Example.net").await.status, 202);
    let (link, notice) = both(&mut mails).await;
    assert_eq!((&*link.to, &*notice.to), (NEW, JANE));
    assert_eq!(notice.link, None);
    let url = link.link.clone().unwrap();
    assert_eq!(url.expires_in, HOUR);
    assert!(url.url.starts_with(&format!("{PAGES}/change-email#")));
    assert_eq!(server.stored(jane.id).await, jane);

    let token = token_of(link);
    let answer = confirm(&server, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    let stored = server.stored(jane.id).await;
    assert_eq!((&*stored.email, stored.token_generation), (NEW, 1));
    assert_eq!(stored.email_verified_at, Some(server.clock.now()));
    let notice = next(&mut mails).await;
    assert_eq!(
        (&*notice.to, notice.purpose),
        (JANE, MailPurpose::EmailChanged)
    );
    assert!(none_left(&mut mails).await);

    for access in [&old, &session.access] {
        assert_eq!(server.me(access).await.status, 401);
    }
    assert_eq!(refresh(&server, &session.refresh).await.status, 401);
    assert_eq!(status_with(&server, &cookie).await, 401);
    assert_eq!(server.login(JANE, PASSWORD).await.status, 401);
    assert_eq!(server.login(NEW, PASSWORD).await.status, 200);
    assert_invalid(&confirm(&server, &token).await);
    let shown = log.text();
    assert!(!shown.contains(&token) && !shown.contains(PASSWORD));
    for event in ["email_change_requested", "email_changed"] {
        assert_eq!(log.lines(&format!("event=\"{event}\"")).len(), 1);
    }
}

#[tokio::test]
async fn taken_address_gets_the_same_answer_and_no_link() {
    let (server, mut mails) = server();
    let (jane, token) = server.jane().await;
    server.add("paul@example.org", false, Approved).await;
    server.add("eve@example.org", false, Disabled).await;
    let free = ask(&server, &token, NEW).await;
    assert_eq!(free.status, StatusCode::ACCEPTED);
    both(&mut mails).await;
    for email in ["paul@example.org", "eve@example.org", JANE] {
        let taken = ask(&server, &token, email).await;
        assert_eq!(taken.status, free.status);
        assert_eq!(
            (taken.headers, taken.body),
            (free.headers.clone(), free.body.clone())
        );
        // The notice tells nothing either.
        let notice = next(&mut mails).await;
        assert_eq!((&*notice.to, notice.link), (JANE, None));
    }
    assert!(none_left(&mut mails).await);
    assert_eq!(server.stored(jane.id).await, jane);
}

#[tokio::test]
async fn change_needs_the_password_and_a_token() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.throttle(Throttle::new())
    });
    let (_, token) = server.jane().await;
    let body = json!({"email": NEW, "password": PASSWORD});
    let anonymous = server.send(json_to("POST", "/me/email", &body)).await;
    assert_eq!(anonymous.status, 401);
    for (sent, fields) in [
        (json!({}), &["email", "password"][..]),
        (
            json!({"email": "jane\r\nBcc: eve@example.org", "password": "x"}),
            &["email"],
        ),
        (json!({"email": NEW, "password": 1}), &["password"]),
    ] {
        let answer = server
            .send(by(&token, json_to("POST", "/me/email", &sent)))
            .await;
        assert_eq!(answer.status, 422, "{sent}");
        let errors = answer.json()["detail"].as_array().unwrap().clone();
        let found: Vec<_> = errors
            .iter()
            .map(|error| error["loc"][1].as_str().unwrap())
            .collect();
        assert_eq!(found, fields);
    }
    for _ in 0..15 {
        let answer = ask_with(&server, &token, NEW, "wrong horse").await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.json()["code"], "wrong_password");
    }
    assert_eq!(ask(&server, &token, NEW).await.status, 429);
    assert!(none_left(&mut mails).await);
    server.clock.advance(MINUTE);
    requested(&server, &mut mails, &token, NEW).await;
}

#[tokio::test]
async fn invalid_tokens_get_the_same_answer() {
    let (server, mut mails) = server();
    let (_, token) = server.jane().await;
    let link = requested(&server, &mut mails, &token, NEW).await;
    let request = json_to("POST", "/verify-email/request", &json!({"email": JANE}));
    assert_eq!(server.send(request).await.status, 202);
    let verification = token_of(next(&mut mails).await);
    for invalid in [
        verification.clone(),
        format!("{link}="),
        link.to_uppercase(),
        "'; DROP TABLE one_time_tokens; --\0".to_owned(),
        String::new(),
        token.clone(),
    ] {
        assert_invalid(&confirm(&server, &invalid).await);
    }
    let request = json_to("POST", "/verify-email", &json!({"token": link}));
    assert_invalid(&server.send(request).await);
    assert_invalid(&reset_by_token(&server, &link, "battery staple").await);
    server.clock.advance(HOUR);
    assert_invalid(&confirm(&server, &link).await);
    let link = requested(&server, &mut mails, &token, NEW).await;
    server.clock.advance(HOUR - SECOND);
    assert_eq!(confirm(&server, &link).await.status, 200);
}

#[tokio::test]
async fn later_request_or_change_makes_a_link_invalid() {
    let (server, mut mails) = server();
    let (jane, token) = server.jane().await;
    let first = requested(&server, &mut mails, &token, "typo@example.net").await;
    let second = requested(&server, &mut mails, &token, NEW).await;
    assert_invalid(&confirm(&server, &first).await);
    assert_eq!(confirm(&server, &second).await.status, 200);
    assert_eq!(next(&mut mails).await.purpose, MailPurpose::EmailChanged);

    let to = |email: Option<&str>, status| {
        UserAction::Update(UserUpdate {
            email: email.map(|text| Email::new(text).unwrap()),
            is_admin: None,
            status,
        })
    };
    let hash = server.stored(jane.id).await.hashed_password;
    for action in [
        to(Some("admin@example.org"), None),
        to(None, Some(Disabled)),
        UserAction::ResetPassword {
            hash,
            must_change: false,
        },
    ] {
        let user = server
            .act(jane.id, to(None, Some(Approved)))
            .await
            .unwrap()
            .unwrap();
        let token = server.token(&user);
        let link = requested(&server, &mut mails, &token, "other@example.net").await;
        let changed = server.act(jane.id, action.clone()).await.unwrap().unwrap();
        assert_invalid(&confirm(&server, &link).await);
        assert_eq!(server.stored(jane.id).await, changed, "{action:?}");
    }
    assert!(none_left(&mut mails).await);
}

#[tokio::test]
async fn address_that_was_taken_meanwhile_is_an_invalid_link() {
    let (server, mut mails) = server();
    let (jane, token) = server.jane().await;
    let link = requested(&server, &mut mails, &token, NEW).await;
    assert_eq!(server.register(NEW).await.status, 201);
    assert_invalid(&confirm(&server, &link).await);
    assert_eq!(server.stored(jane.id).await, jane);
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn links_to_the_address_before_are_revoked() {
    let (server, mut mails) = server();
    let (_, token) = server.jane().await;
    let link = requested(&server, &mut mails, &token, NEW).await;
    let request = json_to("POST", "/forgot-password", &json!({"email": JANE}));
    assert_eq!(server.send(request).await.status, 202);
    let reset = token_of(next(&mut mails).await);
    assert_eq!(confirm(&server, &link).await.status, 200);
    assert_invalid(&reset_by_token(&server, &reset, "battery staple").await);
}

#[tokio::test]
async fn link_does_not_mix_up_accounts_of_one_browser() {
    let (server, mut mails) = server();
    let (jane, token) = server.jane().await;
    let paul = server.add("paul@example.org", false, Approved).await;
    let cookie = log_in_by_cookie(&server, "paul@example.org").await;
    let link = requested(&server, &mut mails, &token, NEW).await;
    let request = json_to("POST", "/change-email", &json!({"token": link}));
    let answer = server.send(with_cookie(&cookie, request)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(server.stored(jane.id).await.email, NEW);
    assert_eq!(server.stored(paul.id).await, paul);
    assert_eq!(status_with(&server, &cookie).await, 200);
}

#[tokio::test]
async fn links_are_limited_by_address() {
    let (outbox, mut mails) = outbox(0);
    let server = server_with(InMemoryAccountStore::new(), outbox, |accounts| {
        accounts.throttle(Throttle::new())
    });
    let (_, token) = server.jane().await;
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(ask(&server, &token, NEW).await.status, 202);
        }
        both(&mut mails).await;
        assert!(none_left(&mut mails).await);
        server.clock.advance(5 * MINUTE);
    }
    let from_office = async |number: u32| {
        let body = json!({"email": format!("user{number}@example.net"), "password": PASSWORD});
        let request = by(&token, json_to("POST", "/me/email", &body));
        server
            .send(from("192.0.2.1", request))
            .await
            .status
            .as_u16()
    };
    for number in 0..10 {
        assert_eq!(from_office(number).await, 202);
    }
    assert_eq!(from_office(10).await, 429);
}

/// Otherwise the earlier link would tell whether the address has an account.
#[tokio::test]
async fn request_for_a_taken_address_ends_the_earlier_link() {
    for email in ["other@example.net", "paul@example.org", JANE] {
        let (server, mut mails) = server();
        let (_, token) = server.jane().await;
        server.add("paul@example.org", false, Approved).await;
        let link = requested(&server, &mut mails, &token, NEW).await;
        assert_eq!(ask(&server, &token, email).await.status, 202);
        while !none_left(&mut mails).await {}
        assert_invalid(&confirm(&server, &link).await);
    }
}
